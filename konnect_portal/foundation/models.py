from django.db import models

from konnect_portal.foundation.fields import uuid_key


class Mail(models.Model):
    """What a mail is about, beside the library's row that holds its text and delivery.

    Written in the transaction that gives rise to the mail; a worker sends it afterwards (P48). The kind and the ids
    stay when names and addresses are erased.
    """

    id = uuid_key()
    email = models.OneToOneField("post_office.Email", on_delete=models.CASCADE, related_name="about")
    kind = models.CharField(max_length=50)
    organization_id = models.UUIDField(null=True, blank=True)
    event_id = models.UUIDField(null=True, blank=True)
    person_id = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization_id", "-email"], name="mail_organization"),
            models.Index(fields=["person_id", "-email"], name="mail_person"),
            models.Index(fields=["event_id"], name="mail_event"),
        ]

    def __str__(self):
        return self.kind
