from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.models.words import Metric


class UsageRecord(models.Model):
    """Metered usage of one organization, geo, metric and hour (P32).

    The key is the only index, and no constraint asks for the organization, which is held where usage is written and
    whose row is never deleted: that is half the time of taking a batch.
    """

    pk = models.CompositePrimaryKey("organization_id", "metric", "geo", "hour")
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="usage_records",
        db_constraint=False,
        db_index=False,
    )
    geo = models.CharField(max_length=10)
    metric = models.CharField(max_length=20, choices=Metric)
    hour = models.DateTimeField()
    quantity = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(metric__in=Metric.values), name="usage_metric_known"),
        ]

    def __str__(self):
        return f"{self.quantity} {self.metric}"


class DailyUsage(models.Model):
    """Usage of one organization, geo, metric and UTC day: of the hours, and of an import (P33).

    `quantity` is for charts, of services and Dev Portals the day's maximum. `units` are billed: requests, and of the
    others the sum of the hours' maxima; an import has none. Its key is as that of UsageRecord.
    """

    pk = models.CompositePrimaryKey("organization_id", "metric", "day", "geo")
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="daily_usage",
        db_constraint=False,
        db_index=False,
    )
    geo = models.CharField(max_length=10)
    metric = models.CharField(max_length=20, choices=Metric)
    day = models.DateField()
    quantity = models.PositiveBigIntegerField()
    units = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "daily usage"
        constraints = [
            models.CheckConstraint(condition=Q(metric__in=Metric.values), name="daily_usage_metric_known"),
        ]

    def __str__(self):
        return f"{self.quantity} {self.metric}"


class GeoUsageQuerySet(models.QuerySet["GeoUsage"]):
    def behind(self, at):
        """Those whose usage is not complete up to 2 hours before `at` (P63), with `behind_since`.

        One that never was complete is behind since its first record that could not be read, or since it was expected.
        """
        faults = UsageFault.objects.filter(geo=OuterRef("geo"), mended_at__isnull=True).order_by("received_at")
        since = Coalesce("complete_through", Subquery(faults.values("received_at")[:1]), "reported_at")
        late = at - timedelta(hours=settings.USAGE_COMPLETE_WITHIN_HOURS)
        is_behind = Q(complete_through__isnull=True) | Q(complete_through__lt=late)
        return self.filter(is_behind, geo__in=settings.GEOS).annotate(behind_since=since)


class GeoUsage(models.Model):
    """Through when a geo's usage is complete (P63), which lags behind what the geo says while a fault is open."""

    geo = models.CharField(max_length=10, primary_key=True)
    complete_through = models.DateTimeField(null=True, blank=True)
    told_through = models.DateTimeField(null=True, blank=True)
    open_faults = models.PositiveIntegerField(default=0)
    reported_at = models.DateTimeField(default=timezone.now)

    objects = GeoUsageQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "usage of geos"

    def __str__(self):
        return f"usage of {self.geo}"


class UsageBatch(models.Model):
    """A report that was taken, with the answer it got, so that the same one again is answered alike (P32)."""

    id = models.BigAutoField(primary_key=True)
    geo = models.CharField(max_length=10)
    batch_id = models.CharField(max_length=250)
    digest = models.CharField(max_length=64)
    answer = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "usage batches"
        constraints = [models.UniqueConstraint(fields=["geo", "batch_id"], name="usage_batch_once")]
        indexes = [models.Index(fields=["received_at"], name="usage_batch_received")]

    def __str__(self):
        return self.batch_id


class UsageApart(models.Model):
    """Usage that was reported and never counts: kept for the record, not billed (P41).

    `came_late`: API requests from before a deactivation, which the check would have counted (P61). `told_at` is when
    accounts was told so (P68).
    """

    class Reason(models.TextChoices):
        UNKNOWN = "unknown", "Unknown organization"
        DEACTIVATED = "deactivated", "The organization was deactivated"
        PURGED = "purged", "The organization was purged"
        GEO_NOT_OPENED = "geo_not_opened", "The organization has not opened this geo"
        TOO_OLD = "too_old", "Older than the organization's previous billing cycle"

    id = models.BigAutoField(primary_key=True)
    geo = models.CharField(max_length=10)
    batch_id = models.CharField(max_length=250)
    organization_id = models.UUIDField(db_index=True)
    metric = models.CharField(max_length=20, choices=Metric)
    hour = models.DateTimeField()
    quantity = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=20, choices=Reason)
    received_at = models.DateTimeField()
    came_late = models.BooleanField(default=False)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "usage kept apart"
        indexes = [
            models.Index(fields=["id"], condition=Q(came_late=True, told_at__isnull=True), name="late_usage_to_tell"),
        ]

    def __str__(self):
        return f"{self.quantity} {self.metric}"


class UsageFault(models.Model):
    """A record that was rejected, with what of it could be read. Open, it keeps the geo's usage from being complete.

    The record that mends it agrees in what could be read, and began before `before`.
    """

    id = models.BigAutoField(primary_key=True)
    geo = models.CharField(max_length=10)
    batch_id = models.CharField(max_length=250)
    position = models.PositiveIntegerField()
    field = models.CharField(max_length=250)
    reason = models.CharField(max_length=250)
    organization_id = models.UUIDField(null=True, blank=True)
    metric = models.CharField(max_length=20, choices=Metric, blank=True)
    hour = models.DateTimeField(null=True, blank=True)
    before = models.DateTimeField()
    received_at = models.DateTimeField()
    mended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "rejected usage"
        verbose_name_plural = "rejected usage"
        indexes = [models.Index(fields=["geo"], condition=Q(mended_at__isnull=True), name="usage_fault_open")]

    def __str__(self):
        return f"record {self.position} of {self.batch_id}"
