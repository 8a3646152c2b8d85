from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    DateTimeRangeField,
    RangeBoundary,
    RangeOperators,
)
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from konnect_portal.foundation.fields import uuid_key


class Plan(models.TextChoices):
    """Plans of P30. Free is what remains where no subscription runs, so it has no subscription of its own."""

    FREE = "free", "Free"
    PLUS = "plus", "Plus"
    ENTERPRISE = "enterprise", "Enterprise"


class Metric(models.TextChoices):
    """What is metered (P32): requests add up, of the others the hour's maximum counts."""

    API_REQUESTS = "api_requests", "API requests"
    GATEWAY_SERVICES = "gateway_services", "Gateway services"
    DEV_PORTALS = "dev_portals", "Dev Portals"


class BillingAccount(models.Model):
    """What billing knows of an organization as a whole. Made with the organization, it outlives its subscriptions.

    `anchor_at` is the start of cycle 0 and never moves back (P31), nor does `last_api_request_at` (P62).
    `free_since_at` tells of a move to Free that no subscription here tells of; `usage_known_until` of an import that
    was complete up to then in every geo.
    """

    organization = models.OneToOneField(
        "accounts.Organization",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="billing_account",
    )
    anchor_at = models.DateTimeField()
    last_api_request_at = models.DateTimeField(null=True, blank=True)
    free_since_at = models.DateTimeField(null=True, blank=True)
    usage_known_until = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"billing of {self.organization_id}"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def unended(self, at):
        """Those running at `at` or starting later: what a deactivation ends (P41)."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), ended_at__isnull=True)

    def running(self, at):
        """Those in force at `at`; a trial is over when `trial_ends_at <= at`, whether or not a worker ran (P30)."""
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at)).filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at
        )


class Subscription(models.Model):
    """A plan for a time: `[starts_at, ends_at)`, or until `ended_at` where it ended early. A trial is one."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.CharField(
        max_length=10,
        choices=[(plan.value, plan.label) for plan in (Plan.PLUS, Plan.ENTERPRISE)],
    )
    is_trial = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    contract_number = models.CharField(max_length=100, blank=True)
    support_level = models.CharField(max_length=100, blank=True)
    sales_contact = models.CharField(max_length=250, blank=True)
    has_professional_services = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__in=[Plan.PLUS, Plan.ENTERPRISE]),
                name="subscription_plan_known",
            ),
            models.CheckConstraint(
                condition=Q(is_trial=False) | Q(plan=Plan.PLUS, ends_at__isnull=False),
                name="trial_of_plus_ends",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="subscription_ends_later",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(is_trial=True),
                name="one_trial_ever",
            ),
            ExclusionConstraint(
                name="one_subscription_at_a_time",
                expressions=[
                    ("organization", RangeOperators.EQUAL),
                    (
                        Func(
                            "starts_at",
                            Coalesce("ended_at", "ends_at"),
                            RangeBoundary(),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("starts_at")),
            ),
        ]

    def __str__(self):
        return f"{self.get_plan_display()} trial" if self.is_trial else self.get_plan_display()


class TrialClaim(models.Model):
    """The trial an address and a person have taken: once, ever (P30). The hash outlives address and organization."""

    id = uuid_key()
    address_hash = models.CharField(max_length=64, unique=True)
    person_id = models.UUIDField(unique=True)
    organization_id = models.UUIDField()
    claimed_at = models.DateTimeField()

    def __str__(self):
        return f"trial of {self.organization_id}"


class Credit(models.Model):
    """Money on the organization's side, in cents: given with the trial or paid for, spent before a card is charged."""

    class Kind(models.TextChoices):
        FREE = "free", "Free"
        PAID = "paid", "Paid"

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="credits")
    kind = models.CharField(max_length=10, choices=Kind)
    granted_cents = models.PositiveBigIntegerField()
    remaining_cents = models.PositiveBigIntegerField()
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    lapsed_at = models.DateTimeField(null=True, blank=True)
    refund_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["free", "paid"]), name="credit_kind_known"),
            models.CheckConstraint(
                condition=Q(remaining_cents__lte=F("granted_cents")),
                name="credit_not_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(refund_due_at__isnull=True) | Q(kind="paid"),
                name="only_paid_credit_refunded",
            ),
        ]

    def __str__(self):
        return f"{self.remaining_cents} of {self.granted_cents} cents"


class Invoice(models.Model):
    """The bill of one cycle, in cents: a draft until `issued_at`, and never changed after it."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="invoices")
    number = models.PositiveBigIntegerField(null=True, blank=True, unique=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    total_cents = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    issued_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-period_start"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "period_start"],
                condition=Q(voided_at__isnull=True),
                name="one_invoice_per_cycle",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")),
                name="invoice_period_forward",
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True, number__isnull=True)
                | Q(issued_at__isnull=False, number__isnull=False),
                name="issued_invoice_numbered",
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True) | Q(voided_at__isnull=True),
                name="issued_invoice_stays",
            ),
            models.CheckConstraint(
                condition=Q(paid_at__isnull=True) | Q(issued_at__isnull=False),
                name="paid_invoice_issued",
            ),
        ]

    def __str__(self):
        return f"Invoice {self.number}" if self.number else "Draft invoice"


class InvoiceLine(models.Model):
    """One line of an invoice, with what explains it. Amounts are cents, rounded half up once per line (P34)."""

    id = uuid_key()
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=250)
    metric = models.CharField(max_length=20, choices=Metric, blank=True)
    quantity = models.DecimalField(max_digits=24, decimal_places=6, default=0)
    amount_cents = models.BigIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position")]

    def __str__(self):
        return self.text


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
    """Usage of one organization, geo, metric and UTC day, for charts: of the hours, and of an import (P33).

    Its key is as that of UsageRecord.
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

    class Meta:
        verbose_name_plural = "daily usage"
        constraints = [
            models.CheckConstraint(condition=Q(metric__in=Metric.values), name="daily_usage_metric_known"),
        ]

    def __str__(self):
        return f"{self.quantity} {self.metric}"


class GeoUsage(models.Model):
    """Through when a geo's usage is complete (P63), which lags behind what the geo says while a fault is open."""

    geo = models.CharField(max_length=10, primary_key=True)
    complete_through = models.DateTimeField(null=True, blank=True)
    told_through = models.DateTimeField(null=True, blank=True)
    open_faults = models.PositiveIntegerField(default=0)
    reported_at = models.DateTimeField(default=timezone.now)

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
