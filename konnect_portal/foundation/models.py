from datetime import datetime, timedelta

from django.db import models
from post_office.models import STATUS

from konnect_portal.foundation.fields import uuid_key

FAILED_LATELY = timedelta(days=7)


class MailQuerySet(models.QuerySet["Mail"]):
    def failed_lately(self, at: datetime):
        """Those given up within the last 7 days; after that nobody can mend it any more."""
        return self.filter(email__status=STATUS.failed, email__last_updated__gt=at - FAILED_LATELY)


class Mail(models.Model):
    """What a mail is about, beside the library's row that holds its subject and delivery.

    Written in the transaction that gives rise to the mail; a worker sends it afterwards (P48). The kind and the ids
    stay when names and addresses are erased. `event_id` is what gave rise to it: an event, or a notice (P64).
    `refused_at` is when it was given up because its address was refused for good, `bounced_at` when it came back
    after a server had taken it.
    """

    id = uuid_key()
    email = models.OneToOneField("post_office.Email", on_delete=models.CASCADE, related_name="about")
    kind = models.CharField(max_length=50)
    organization_id = models.UUIDField(null=True, blank=True)
    event_id = models.UUIDField(null=True, blank=True)
    person_id = models.UUIDField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization_id", "-email"], name="mail_organization"),
            models.Index(fields=["person_id", "-email"], name="mail_person"),
            models.Index(fields=["event_id"], name="mail_event"),
        ]

    def __str__(self):
        return self.kind

    @property
    def accepted_at(self) -> datetime | None:
        """When a server took it, unless it came back."""
        return self.email.last_updated if self.email.status == STATUS.sent and not self.bounced_at else None

    @property
    def undeliverable_at(self) -> datetime | None:
        """Since when it is known that its address takes no mail."""
        return self.bounced_at or self.refused_at

    @property
    def is_given_up(self) -> bool:
        """Nothing more becomes of it, and no server has it."""
        return self.email.status == STATUS.failed or self.bounced_at is not None
