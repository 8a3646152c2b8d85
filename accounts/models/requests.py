from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.words import Proof, Wish
from konnect_portal.foundation.fields import uuid_key

FROM_OWNER = Q(proof=Proof.SESSION, asked_by_id=F("organization__owner"))
FROM_CONTACT = Q(proof=Proof.CONTACT_LINK, email=F("organization__contact_email"))
"""Who has handed the organization over, or is its contact no longer, has no say in it any more."""


class SupportRequestQuerySet(models.QuerySet["SupportRequest"]):
    def to_confirm(self, at):
        """Those that wait for the contact's word; `expires_at` is exclusive."""
        return self.filter(FROM_CONTACT, confirmed_at__isnull=True, expires_at__gt=at)

    def shown_since(self, since):
        """Those that prove something, confirmed after `since` by who is owner or contact still."""
        return self.filter(FROM_OWNER | FROM_CONTACT, confirmed_at__gt=since)


class SupportRequest(models.Model):
    """What a customer asks support for, and how it was shown that it is them (P73).

    Written in the owner's session it counts at once. Written down by staff it counts when the contact has followed
    the link mailed to `email`, once and before `expires_at`.
    """

    id = uuid_key()
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="support_requests"
    )
    wish = models.CharField(max_length=20, choices=Wish)
    text = models.TextField(blank=True)
    proof = models.CharField(max_length=20, choices=Proof)
    asked_by_id = models.UUIDField()
    asked_at = models.DateTimeField(default=timezone.now)
    email = models.CharField(max_length=250, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    event_id = models.UUIDField()

    objects = SupportRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(proof="session", confirmed_at__isnull=False)
                | Q(proof="contact_link", expires_at__isnull=False),
                name="request_shown_somehow",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-asked_at"], name="request_of_organization"),
            models.Index(fields=["event_id"], name="request_of_event"),
        ]

    def __str__(self):
        return self.get_wish_display()
