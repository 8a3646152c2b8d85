from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.models.plans import Credit, Subscription
from billing.models.prices import PriceList
from billing.models.words import Metric
from konnect_portal.foundation.fields import uuid_key


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def issued(self):
        return self.filter(issued_at__isnull=False)

    def drafts(self):
        return self.filter(issued_at__isnull=True, voided_at__isnull=True)

    def unpaid(self):
        """Those issued of which something is due that nobody has paid, or is to pay any more (P41)."""
        return self.issued().filter(charge__isnull=False, charge__paid_at=None, charge__voided_at=None)

    def overdue(self, at):
        """Drafts that should have been issued: they have waited for longer than geos are waited for (P34)."""
        return self.drafts().filter(period_end__lte=at - timedelta(hours=settings.CLOSE_WAIT_HOURS + 1))


class Invoice(models.Model):
    """The bill of one cycle of a subscription, in cents: a draft until every geo has reported, then issued (P34).

    An issued one never changes: it keeps the names as they were, and its payment stands in `Charge`.
    """

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="invoices", null=True, blank=True
    )
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="invoices", null=True, blank=True)
    number = models.PositiveBigIntegerField(null=True, blank=True, unique=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    organization_name = models.CharField(max_length=250, blank=True)
    contact_email = models.CharField(max_length=250, blank=True)
    total_cents = models.BigIntegerField(default=0)
    credit_cents = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    issued_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-period_start"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "period_start"],
                condition=Q(voided_at__isnull=True),
                name="one_invoice_per_cycle",
            ),
            models.CheckConstraint(condition=Q(period_end__gt=F("period_start")), name="invoice_period_forward"),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True, number__isnull=True)
                | Q(issued_at__isnull=False, number__isnull=False),
                name="issued_invoice_numbered",
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True) | Q(voided_at__isnull=True), name="issued_invoice_stays"
            ),
            models.CheckConstraint(condition=Q(credit_cents__lte=F("total_cents")), name="invoice_not_below_zero"),
        ]
        indexes = [
            models.Index(
                fields=["period_end"],
                condition=Q(issued_at__isnull=True, voided_at__isnull=True),
                name="invoice_draft",
            ),
        ]

    def __str__(self):
        return f"Invoice {self.number}" if self.number else "Draft invoice"

    @property
    def due_cents(self) -> int:
        """What is to be paid after credits."""
        return self.total_cents - self.credit_cents


class InvoiceLine(models.Model):
    """Usage of one metric in `[service_start, service_end)`, which is an earlier period where it came late (P34).

    Amounts are cents, rounded half up once per line. `explained` holds what led to it: quantities by geo and by price.
    """

    id = uuid_key()
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    metric = models.CharField(max_length=20, choices=Metric)
    service_start = models.DateTimeField()
    service_end = models.DateTimeField()
    quantity = models.PositiveBigIntegerField()
    amount_cents = models.BigIntegerField()
    explained = models.JSONField(default=dict)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position"),
            models.UniqueConstraint(fields=["invoice", "metric", "service_start"], name="invoice_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="invoice_line_has_usage"),
        ]

    def __str__(self):
        return f"{self.quantity} {self.get_metric_display()}"


class CreditSpent(models.Model):
    """What of a credit an invoice has used up, in cents."""

    id = uuid_key()
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credits_spent")
    credit = models.ForeignKey(Credit, on_delete=models.PROTECT, related_name="spent")
    cents = models.PositiveBigIntegerField()

    class Meta:
        verbose_name_plural = "credits spent"
        constraints = [
            models.UniqueConstraint(fields=["invoice", "credit"], name="credit_once_per_invoice"),
            models.CheckConstraint(condition=Q(cents__gt=0), name="credit_spent_something"),
        ]

    def __str__(self):
        return f"{self.cents} cents"
