from django.db import models
from django.db.models import Q
from django.utils import timezone

from konnect_portal.foundation.fields import uuid_key


class StaffLookup(models.Model):
    """Who of staff looked up whom, by ids alone. The same within five minutes, a `slot`, is one row."""

    class What(models.TextChoices):
        ORGANIZATION = "organization", "Organization"
        PERSON = "person", "Person"
        ORGANIZATION_SEARCH = "organization_search", "Search for organizations"
        PERSON_SEARCH = "person_search", "Search for people"
        SEARCH = "search", "Search"

    id = uuid_key()
    staff_id = models.UUIDField()
    what = models.CharField(max_length=20, choices=What)
    target_id = models.UUIDField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)
    slot = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff_id", "what", "target_id", "slot"], nulls_distinct=False, name="one_lookup_in_a_slot"
            ),
            models.CheckConstraint(
                condition=Q(what__in=["organization", "person"], target_id__isnull=False)
                | Q(what__in=["organization_search", "person_search", "search"], target_id__isnull=True),
                name="lookup_of_something",
            ),
        ]
        indexes = [
            models.Index(fields=["staff_id", "-at", "-id"], name="lookup_of_staff"),
            models.Index(fields=["-at", "-id"], name="lookup_newest"),
            models.Index(
                fields=["target_id", "-at", "-id"], condition=Q(target_id__isnull=False), name="lookup_of_target"
            ),
        ]

    def __str__(self):
        return self.get_what_display()
