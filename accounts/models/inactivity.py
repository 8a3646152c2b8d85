from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from konnect_portal.foundation.fields import uuid_key


class ExemptionQuerySet(models.QuerySet["Exemption"]):
    def live(self, at):
        """Those that keep their organization from being checked at `at`; `until` is exclusive (P63)."""
        return self.filter(Q(until__isnull=True) | Q(until__gt=at), ended_at__isnull=True)


class Exemption(models.Model):
    """An organization marked "never deactivate": who, why, until when (P63)."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="exemptions")
    reason = models.TextField()
    made_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by_id = models.UUIDField(null=True, blank=True)

    objects = ExemptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(ended_at__isnull=True),
                name="one_exemption_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="exemption_explained"),
        ]
        indexes = [
            models.Index(
                fields=["-created_at", "-id"],
                name="exemption_open",
                condition=Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self):
        return self.reason


class CheckRun(models.Model):
    """One run of the inactivity check: what it asked, found and did (P65, P66).

    It tells people first (`notify`: first notices, P64) and then deactivates. Over the limit it does neither and waits
    for a lead; one run of each kind at a time can wait.
    """

    class Kind(models.TextChoices):
        DEACTIVATE = "deactivate", "Check"
        NOTIFY = "notify", "Notices"

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        PAUSED = "paused", "Paused"
        WAITING = "waiting", "Waiting for a decision"
        APPROVED = "approved", "Approved"
        DISMISSED = "dismissed", "Dismissed"

    id = uuid_key()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.DEACTIVATE)
    at = models.DateTimeField()
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.DONE)
    due_count = models.PositiveIntegerField(default=0)
    held_counts = models.JSONField(default=dict)
    limit = models.PositiveIntegerField(default=0)
    deactivated_count = models.PositiveIntegerField(default=0)
    told_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by_id = models.UUIDField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(outcome="waiting"), name="one_run_of_a_kind_waits"),
            models.CheckConstraint(
                condition=Q(outcome__in=["done", "paused", "waiting"], decided_at__isnull=True)
                | Q(
                    outcome__in=["approved", "dismissed"],
                    decided_at__isnull=False,
                    decided_by_id__isnull=False,
                ),
                name="run_decided_by_someone",
            ),
        ]
        indexes = [models.Index(fields=["outcome", "-decided_at"], name="run_by_decision")]

    def __str__(self):
        return f"{self.get_kind_display()} of {self.at:%d %b %Y, %H:%M} UTC"


class CheckEntry(models.Model):
    """An organization on the list of a run over its limit, with the facts at that moment (P66)."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="entries")
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="check_entries")
    inactive_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    last_api_request_at = models.DateTimeField(null=True, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "check entries"
        constraints = [models.UniqueConstraint(fields=["run", "organization"], name="organization_once_in_run")]

    def __str__(self):
        return str(self.organization_id)


class CheckPause(models.Model):
    """The switch that pauses the check (P66): who, why, since when; resumed by whom."""

    id = uuid_key()
    reason = models.TextField()
    paused_at = models.DateTimeField(default=timezone.now)
    paused_by_id = models.UUIDField()
    resumed_at = models.DateTimeField(null=True, blank=True)
    resumed_by_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-paused_at"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(resumed_at__isnull=True),
                name="one_pause_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="pause_explained"),
        ]

    def __str__(self):
        return self.reason


class InactivityNoticeQuerySet(models.QuerySet["InactivityNotice"]):
    def live(self):
        """Those that nothing has voided."""
        return self.filter(voided_at__isnull=True)

    def unsettled(self):
        """Those of which it is not known yet whether anybody was told."""
        return self.filter(accepted_at__isnull=True, undeliverable_at__isnull=True)


class InactivityNotice(models.Model):
    """A notice of P64: it belongs to one `inactive_at` and says the announced moment, with its delivery.

    Its mails name it as what gave rise to them. `announced_at` of a first one that is not accepted yet is the earliest
    possible moment. accounts.notices alone writes it.
    """

    FIRST, SECOND, LAST = 14, 7, 1
    DAYS_BEFORE = ((FIRST, "14 days"), (SECOND, "7 days"), (LAST, "1 day"))

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="inactivity_notices",
    )
    inactive_at = models.DateTimeField()
    announced_at = models.DateTimeField()
    days_before = models.PositiveSmallIntegerField(choices=DAYS_BEFORE)
    created_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True, blank=True)
    undeliverable_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = InactivityNoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "days_before"],
                condition=Q(voided_at__isnull=True),
                name="one_notice_of_a_kind",
            ),
            models.CheckConstraint(condition=Q(days_before__in=[14, 7, 1]), name="notice_days_known"),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(undeliverable_at__isnull=True), name="notice_settled_one_way"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="notice_first", condition=Q(days_before=14)),
            models.Index(fields=["organization", "-created_at"], name="notice_of_organization"),
        ]

    def __str__(self):
        return f"{self.get_days_before_display()} before {self.announced_at:%d %b %Y}"

    @property
    def settled_at(self) -> datetime | None:
        """Since when it is known that somebody was told, or that nobody can be."""
        return self.accepted_at or self.undeliverable_at
