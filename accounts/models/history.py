from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower
from django.utils import timezone

from accounts.words import Act, Proof, Reason, Via
from konnect_portal.foundation.fields import uuid_key

TICKET_PREFIX = Collate(Lower("ticket"), "C")


class EmailLockQuerySet(models.QuerySet["EmailLock"]):
    def live(self):
        return self.filter(released_at__isnull=True)


class EmailLock(models.Model):
    """An address locked for a deactivated organization (P45). The hash finds it; the clear address is purged."""

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="email_locks")
    address_hash = models.CharField(max_length=64)
    address = models.CharField(max_length=250, null=True, blank=True)
    locked_at = models.DateTimeField()
    locked_event_id = models.UUIDField()
    released_at = models.DateTimeField(null=True, blank=True)
    released_event_id = models.UUIDField(null=True, blank=True)

    objects = EmailLockQuerySet.as_manager()

    class Meta:
        verbose_name = "e-mail lock"
        ordering = ["-locked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "address_hash"],
                condition=Q(released_at__isnull=True),
                name="one_live_lock",
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_event_id__isnull=True)
                | Q(released_at__isnull=False, released_event_id__isnull=False),
                name="lock_released_by_event",
            ),
        ]
        indexes = [
            models.Index(fields=["address_hash", "-locked_at"], name="lock_of_address"),
            models.Index(fields=["-locked_at", "-id"], name="lock_newest"),
        ]

    def __str__(self):
        return self.address or "erased address"


class LifecycleEvent(models.Model):
    """What happened to an organization or a locked address: who, when, why, from where and exactly what (P47).

    Append-only by triggers, and without foreign keys, so that it outlives what it tells of. It holds ids and counts;
    names and addresses stand in `EventSubject`.
    """

    id = uuid_key()
    organization_id = models.UUIDField(null=True, blank=True)
    act = models.CharField(max_length=30, choices=Act)
    at = models.DateTimeField(default=timezone.now)
    actor_id = models.UUIDField(null=True, blank=True)
    via = models.CharField(max_length=10, choices=Via)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    note = models.TextField(blank=True)
    ticket = models.CharField(max_length=100, blank=True)
    proof = models.CharField(max_length=20, choices=Proof, blank=True)
    remote_address = models.GenericIPAddressField(null=True, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(act__in=Act.values, via__in=Via.values, proof__in=["", *Proof.values]),
                name="event_words_known",
            ),
            models.CheckConstraint(
                condition=Q(act=Act.DEACTIVATED, reason__in=Reason.values, organization_id__isnull=False)
                | (~Q(act=Act.DEACTIVATED) & Q(reason="")),
                name="deactivation_explained",
            ),
        ]
        indexes = [
            models.Index(fields=["organization_id", "-at"], name="event_of_organization"),
            models.Index(fields=["act", "-at"], name="event_of_act"),
            models.Index(
                fields=["actor_id", "-at", "-id"], condition=Q(actor_id__isnull=False), name="event_of_actor"
            ),
            models.Index(TICKET_PREFIX, models.F("at").desc(), condition=~Q(ticket=""), name="event_of_ticket"),
        ]

    def __str__(self):
        return self.get_act_display()


class EventSubject(models.Model):
    """The erasable side of an event (P47, P57): who and what was concerned, by name, and the teams and roles they had
    (P52)."""

    class Part(models.TextChoices):
        ACTOR = "actor"
        OWNER = "owner"
        CONTACT = "contact"
        MEMBER = "member"
        SYSTEM_ACCOUNT = "system", "system account"
        INVITED = "invited"
        TEAM = "team"
        TOKEN = "token"  # noqa: S105
        STAFF = "staff"

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(LifecycleEvent, on_delete=models.PROTECT, related_name="subjects")
    part = models.CharField(max_length=10, choices=Part)
    subject_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=250, blank=True)
    address = models.CharField(max_length=250, blank=True)
    had = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["subject_id"], name="event_subject_person")]

    def __str__(self):
        return self.name or self.address or str(self.subject_id)
