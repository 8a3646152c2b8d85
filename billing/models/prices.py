from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.words import Metric
from konnect_portal.foundation.fields import uuid_key


class PriceList(models.Model):
    """What usage costs in cycles that begin at `valid_from` or later, until a later list holds.

    Everybody's, or those agreed in the contract of one Enterprise subscription. Neither it nor its prices ever change,
    so that an old invoice can be explained.
    """

    id = uuid_key()
    subscription = models.ForeignKey(
        "billing.Subscription", on_delete=models.PROTECT, related_name="price_lists", null=True, blank=True
    )
    valid_from = models.DateTimeField()
    made_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "valid_from"], nulls_distinct=False, name="one_price_list_at_a_time"
            )
        ]

    def __str__(self):
        return f"Prices from {self.valid_from:%d %b %Y}"


class Price(models.Model):
    """What the units of a metric above `above` cost, up to the next price's: `cents` for each `per` units.

    A service and a Dev Portal are counted in hours, so that 720 are one for a whole cycle. Included quantities are
    those that cost nothing.
    """

    id = uuid_key()
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="prices")
    metric = models.CharField(max_length=20, choices=Metric)
    above = models.PositiveBigIntegerField(default=0)
    per = models.PositiveBigIntegerField()
    cents = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["metric", "above"]
        constraints = [
            models.UniqueConstraint(fields=["price_list", "metric", "above"], name="one_price_per_tier"),
            models.CheckConstraint(condition=Q(metric__in=Metric.values), name="price_metric_known"),
            models.CheckConstraint(condition=Q(per__gt=0), name="price_per_something"),
        ]

    def __str__(self):
        return f"{self.cents} cents per {self.per} {self.get_metric_display()}"
