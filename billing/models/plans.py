from datetime import timedelta

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

from billing.models.words import Plan
from konnect_portal.foundation.fields import uuid_key


class BillingAccount(models.Model):
    """What billing knows of an organization as a whole. Made with the organization, it outlives its subscriptions.

    `anchor_at` is the start of cycle 0 and never moves back (P31), nor does `last_api_request_at` (P62).
    `customer_reference` is how the payment provider knows it.
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
    customer_reference = models.CharField(max_length=250, blank=True)
    last_api_request_at = models.DateTimeField(null=True, blank=True)
    free_since_at = models.DateTimeField(null=True, blank=True)
    usage_known_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("view_billing", "Can read plan, usage and invoices"),
            ("change_plan", "Can change plan and payment method"),
        ]

    def __str__(self):
        return f"billing of {self.organization_id}"


TRIAL_ENDS_SOON = timedelta(days=7)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def unended(self, at):
        """Those running at `at` or starting later: what a deactivation ends (P41)."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), ended_at__isnull=True)

    def running(self, at):
        """Those in force at `at`; a trial is over when `trial_ends_at <= at`, whether or not a worker ran (P30)."""
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at)).filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at
        )

    def trials_ending(self, at):
        """Trials that run at `at` and end within 7 days."""
        return self.filter(is_trial=True, ended_at__isnull=True, ends_at__gt=at, ends_at__lte=at + TRIAL_ENDS_SOON)


class Subscription(models.Model):
    """A plan for a time: `[starts_at, ends_at)`, or until `ended_at` where it ended early. A trial is one.

    Paid ones begin a grid of cycles at `anchor_at` (P31). `closes_at` is the end of the next one to be invoiced, null
    where none is: on a trial, by contract, and once its billing has stopped. `told_days_before` is the last notice
    of a trial's end that people were sent.
    """

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
    anchor_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    made_by_id = models.UUIDField(null=True, blank=True)
    ended_by_id = models.UUIDField(null=True, blank=True)
    contract_number = models.CharField(max_length=100, blank=True)
    support_level = models.CharField(max_length=100, blank=True)
    sales_contact = models.CharField(max_length=250, blank=True)
    has_professional_services = models.BooleanField(default=False)
    told_days_before = models.PositiveSmallIntegerField(null=True, blank=True)
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
            models.CheckConstraint(
                condition=Q(is_trial=True, anchor_at__isnull=True) | Q(is_trial=False, anchor_at__isnull=False),
                name="paid_subscription_anchored",
            ),
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True) | Q(is_trial=False, plan=Plan.PLUS),
                name="only_paid_plus_closed",
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
        indexes = [
            models.Index(fields=["closes_at"], condition=Q(closes_at__isnull=False), name="subscription_closing"),
            models.Index(fields=["ends_at"], condition=Q(is_trial=True, ended_at__isnull=True), name="trial_ending"),
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
