"""What support keeps on a case: its notes, and who was invited to bring an organization back."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.history import TICKET_PREFIX
from accounts.words import Proof, Via
from konnect_portal.foundation.fields import uuid_key


class CaseNote(models.Model):
    """What a colleague wrote down about an organization, with the ticket it belongs to; no customer sees it.

    Append-only by triggers.
    """

    id = uuid_key()
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="case_notes")
    author_id = models.UUIDField()
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="note_says_something")]
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="note_of_organization"),
            models.Index(TICKET_PREFIX, models.F("at").desc(), condition=~Q(ticket=""), name="note_of_ticket"),
        ]

    def __str__(self):
        return self.text


class OwnerInvitationQuerySet(models.QuerySet["OwnerInvitation"]):
    def waiting(self):
        """Those that nobody has accepted or revoked, whether their time is up or not."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)

    def open(self, at):
        """Those that can be accepted at `at`, as far as the organization lets them."""
        return self.waiting().filter(expires_at__gt=at)


class OwnerInvitation(models.Model):
    """A reactivation that waits for the invited address to accept being the owner (P53), for 7 days.

    It keeps what support said when they invited. The link's secret is made as the mail is sent and stored hashed.
    """

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="owner_invitations"
    )
    email = models.CharField(max_length=250)
    digest = models.BinaryField(max_length=32, unique=True, null=True, editable=False)
    restore_people = models.BooleanField(default=False)
    invited_by_id = models.UUIDField()
    via = models.CharField(max_length=10, choices=Via)
    note = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    proof = models.CharField(max_length=20, choices=Proof, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    event_id = models.UUIDField(unique=True)

    objects = OwnerInvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_owner_invited_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True),
                name="owner_invitation_ended_once",
            ),
        ]

    def __str__(self):
        return self.email
