"""What the embedded provider remembers. It is the other side: no row of ours points here, and none from here to us."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from konnect_portal.foundation.fields import uuid_key


class EmbeddedCard(models.Model):
    """A card that a customer was asked for: without `kind` until one was chosen."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused when charged"
        EXPIRING = "expiring", "Expires at the end of this month"
        SILENT = "silent", "Paid, but the first answer is lost"

    id = uuid_key()
    customer = models.CharField(max_length=250)
    return_url = models.URLField(max_length=1000)
    kind = models.CharField(max_length=10, choices=Kind, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.get_kind_display() or "not yet given"


class EmbeddedCharge(models.Model):
    """Money that was taken, once for each charge of ours."""

    id = uuid_key()
    charge_id = models.UUIDField(unique=True)
    customer = models.CharField(max_length=250)
    card = models.CharField(max_length=250)
    cents = models.PositiveBigIntegerField()
    taken_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{self.cents} cents"


class EmbeddedSubscription(models.Model):
    """A subscription of a customer, and which of ours it stands for."""

    id = uuid_key()
    customer = models.CharField(max_length=250)
    organization_id = models.UUIDField()
    subscription_id = models.UUIDField()
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id"], condition=Q(ended_at__isnull=True), name="embedded_subscription_once"
            ),
        ]

    def __str__(self):
        return str(self.pk)
