from django.db import models
from django.db.models import Q
from django.utils import timezone

from konnect_portal.foundation.fields import uuid_key


class BulkDeactivationQuerySet(models.QuerySet["BulkDeactivation"]):
    def running(self):
        """Those that a worker works off: confirmed, by two where it takes two, and neither stopped nor finished."""
        return self.filter(confirmed_at__isnull=False, stopped_at__isnull=True, finished_at__isnull=True)

    def worked_off_since(self, since):
        """Those running, and those that were stopped or finished after `since`."""
        return self.running() | self.filter(Q(stopped_at__gt=since) | Q(finished_at__gt=since))


class BulkDeactivation(models.Model):
    """A list of organizations that a lead deactivates in one act (P74). Until it is confirmed it is a report.

    `size` is how many are to go, and once it is confirmed how many were.
    """

    id = uuid_key()
    made_by_id = models.UUIDField()
    made_at = models.DateTimeField(default=timezone.now)
    confirmed_by_id = models.UUIDField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)
    ticket = models.CharField(max_length=100, blank=True)
    remote_address = models.GenericIPAddressField(null=True, blank=True)
    stopped_by_id = models.UUIDField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = BulkDeactivationQuerySet.as_manager()

    class Meta:
        verbose_name = "list of spam"
        verbose_name_plural = "lists of spam"
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    confirmed_at__isnull=True,
                    confirmed_by_id__isnull=True,
                    stopped_at__isnull=True,
                    finished_at__isnull=True,
                )
                | (Q(confirmed_at__isnull=False, confirmed_by_id__isnull=False) & ~Q(ticket="")),
                name="bulk_confirmed_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_by_id__isnull=True)
                | Q(stopped_at__isnull=False, stopped_by_id__isnull=False, finished_at__isnull=True),
                name="bulk_stopped_by_someone",
            ),
        ]
        indexes = [
            models.Index(
                fields=["confirmed_at"],
                condition=Q(confirmed_at__isnull=False, stopped_at__isnull=True, finished_at__isnull=True),
                name="bulk_running",
            ),
        ]

    def __str__(self):
        return f"List of {self.made_at:%d %b %Y, %H:%M} UTC"

    @property
    def is_running(self) -> bool:
        return self.confirmed_at is not None and self.stopped_at is None and self.finished_at is None


class BulkEntry(models.Model):
    """An id or a line of a list, and what became of it. `said` is how it was written, `why` is for people.

    Where no organization is meant, or the same was named before, there is none.
    """

    class Result(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DEACTIVATED = "deactivated", "Deactivated"
        LEFT = "left", "Left as it is"
        FAILED = "failed", "Failed"

    id = models.BigAutoField(primary_key=True)
    bulk = models.ForeignKey(BulkDeactivation, on_delete=models.CASCADE, related_name="entries")
    line = models.PositiveIntegerField()
    said = models.CharField(max_length=100)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="bulk_entries", null=True, blank=True
    )
    result = models.CharField(max_length=11, choices=Result, default=Result.WAITING)
    why = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "bulk entries"
        constraints = [
            models.UniqueConstraint(fields=["bulk", "organization"], name="organization_once_in_bulk"),
            models.CheckConstraint(
                condition=Q(result__in=["left", "failed"]) & ~Q(why="")
                | Q(result__in=["waiting", "deactivated"], organization__isnull=False, why=""),
                name="bulk_entry_explained",
            ),
        ]
        indexes = [models.Index(fields=["bulk", "result", "id"], name="bulk_entry_by_result")]

    def __str__(self):
        return self.said
