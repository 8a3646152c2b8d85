from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.people import User
from accounts.words import Proof, Reason, Via
from konnect_portal.foundation.fields import uuid_key


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def waiting(self, at):
        """Those that a second person can decide at `at`; `expires_at` is exclusive (P71)."""
        return self.filter(outcome="", expires_at__gt=at)

    def lapsed(self, at):
        """Those that nobody decided in time."""
        return self.filter(outcome="", expires_at__lte=at)


class Approval(models.Model):
    """What one lead asks for and a second one has to confirm (P71, P74). Until then nothing changes.

    It holds what the first one said and, frozen, what they were shown; `digest` tells whether that still holds. Names
    of people stand in `shown` alone, erasable. One that nobody decides in time lapses by itself; it is stored as
    lapsed only when the same is asked for anew.
    """

    class Act(models.TextChoices):
        DEACTIVATE_ENTERPRISE = "deactivate_enterprise", "Deactivate an Enterprise organization"
        DEACTIVATE_IN_BULK = "deactivate_in_bulk", "Deactivate many organizations"

    class Outcome(models.TextChoices):
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        LAPSED = "lapsed", "Lapsed"

    id = uuid_key()
    act = models.CharField(max_length=30, choices=Act)
    target_id = models.UUIDField()
    target_name = models.CharField(max_length=250)
    asked_by_id = models.UUIDField()
    asked_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    via = models.CharField(max_length=10, choices=Via)
    reason = models.CharField(max_length=20, choices=Reason)
    note = models.TextField(blank=True)
    ticket = models.CharField(max_length=100)
    proof = models.CharField(max_length=20, choices=Proof, blank=True)
    remote_address = models.GenericIPAddressField(null=True, blank=True)
    options = models.JSONField(default=dict, blank=True)
    shown = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by_id = models.UUIDField(null=True, blank=True)
    decision_note = models.TextField(blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["act", "target_id"], condition=Q(outcome=""), name="one_open_approval_of_target"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "lapsed"], decided_at__isnull=True, decided_by_id__isnull=True)
                | (
                    Q(outcome__in=["approved", "declined"], decided_at__isnull=False, decided_by_id__isnull=False)
                    & ~Q(decided_by_id=F("asked_by_id"))
                )
                | Q(outcome="withdrawn", decided_at__isnull=False, decided_by_id=F("asked_by_id")),
                name="approval_by_another_person",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["declined", "withdrawn"]) & ~Q(decision_note="")
                | ~Q(outcome__in=["declined", "withdrawn"]),
                name="approval_end_explained",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(outcome=""), name="approval_waiting"),
            models.Index(fields=["target_id", "-asked_at"], name="approval_of_target"),
        ]

    def __str__(self):
        return f"{self.get_act_display()}: {self.target_name}"

    @property
    def is_waiting(self) -> bool:
        return self.outcome == "" and self.expires_at > timezone.now()

    @property
    def state(self) -> str:
        """Its outcome in words, by the clock where nobody decided."""
        if self.is_waiting:
            return "Waiting"
        return self.get_outcome_display() or self.Outcome.LAPSED.label

    @property
    def asker(self) -> User:
        return User.objects.get(pk=self.asked_by_id)
