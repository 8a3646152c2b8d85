"""What the payment provider has of an organization, and what it is still to be told (P48)."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.invoices import Invoice
from billing.models.plans import Subscription
from konnect_portal.foundation.fields import uuid_key


class CardSetup(models.Model):
    """A card asked for on the provider's page: for one organization, and taken back from there once."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="card_setups")
    reference = models.CharField(max_length=250, blank=True)
    begun_by_id = models.UUIDField()
    begun_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return self.reference


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def live(self):
        return self.filter(removed_at__isnull=True)


class PaymentMethod(models.Model):
    """A card at the provider, by its reference; of its number only the last four digits are known here."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="payment_methods")
    reference = models.CharField(max_length=250, unique=True)
    brand = models.CharField(max_length=50)
    last_digits = models.CharField(max_length=4)
    expires_year = models.PositiveSmallIntegerField()
    expires_month = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField(default=timezone.now)
    added_by_id = models.UUIDField()
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by_id = models.UUIDField(null=True, blank=True)
    told_of_expiry_at = models.DateTimeField(null=True, blank=True)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(removed_at__isnull=True), name="one_payment_method"
            ),
            models.CheckConstraint(condition=Q(expires_month__range=(1, 12)), name="card_expires_in_a_month"),
        ]

    def __str__(self):
        return f"{self.brand} ending in {self.last_digits}"

    @property
    def expires_at(self) -> datetime:
        """A card is good through the last day of its month."""
        year, month = divmod(self.expires_year * 12 + self.expires_month, 12)
        return datetime(year, month + 1, 1, tzinfo=UTC)

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at <= at


class Errand(models.Model):
    """What a worker is to ask of the provider until it is confirmed; `next_attempt_at` is null where nothing is."""

    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        abstract = True


class ProviderSubscriptionQuerySet(models.QuerySet["ProviderSubscription"]):
    def not_confirmed(self):
        """Those that have ended here, and of which the provider has not confirmed that they ended there (P41)."""
        return self.filter(stop_asked_at__isnull=False, stopped_at__isnull=True)


class ProviderSubscription(Errand):
    """The provider's side of a paid subscription: wanted until `stop_asked_at`, gone when `stopped_at` (P41)."""

    id = uuid_key()
    subscription = models.OneToOneField(Subscription, on_delete=models.PROTECT, related_name="at_provider")
    reference = models.CharField(max_length=250, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    stop_asked_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    objects = ProviderSubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True) | Q(stop_asked_at__isnull=False), name="provider_stop_was_asked"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="provider_errand_due"
            ),
            models.Index(
                fields=["stop_asked_at"],
                condition=Q(stop_asked_at__isnull=False, stopped_at__isnull=True),
                name="provider_stop_waiting",
            ),
        ]

    def __str__(self):
        return self.reference or f"to be started for {self.subscription_id}"


class Charge(Errand):
    """What an issued invoice asks of the payment method, once: the provider knows it by its id (P34, P41).

    A voided one whose outcome is not known is still looked up: what was paid before the stop is told as paid.
    """

    id = uuid_key()
    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="charge")
    amount_cents = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    reference = models.CharField(max_length=250, blank=True)
    refusals = models.PositiveSmallIntegerField(default=0)
    paid_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="charge_of_something"),
            models.CheckConstraint(
                condition=Q(paid_at__isnull=True) | Q(voided_at__isnull=True), name="paid_charge_stays"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="charge_due"),
        ]

    def __str__(self):
        return f"{self.amount_cents} cents"


class ProviderMismatch(models.Model):
    """A subscription that lives on one side only, found by the nightly reconciliation (P41)."""

    class Side(models.TextChoices):
        HERE = "here", "Only here"
        PROVIDER = "provider", "Only at the provider"

    id = uuid_key()
    side = models.CharField(max_length=10, choices=Side)
    reference = models.CharField(max_length=250)
    organization_id = models.UUIDField(null=True, blank=True)
    found_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "provider mismatches"
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["side", "reference"], condition=Q(resolved_at__isnull=True), name="mismatch_listed_once"
            ),
        ]

    def __str__(self):
        return self.reference
