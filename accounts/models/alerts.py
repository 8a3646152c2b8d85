from django.db import models
from django.db.models import Q

from konnect_portal.foundation.fields import uuid_key


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self):
        """Those of which the cause is still there."""
        return self.filter(ended_at__isnull=True)


class Alert(models.Model):
    """That something of a kind (accounts.desk.waiting) has waited for longer than 24 hours.

    `told_at` is when a mail last named it, `ended_at` when nothing of the kind waited that long any more.
    """

    id = uuid_key()
    kind = models.CharField(max_length=20)
    began_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(ended_at__isnull=True), name="one_alert_of_a_kind")
        ]
        indexes = [models.Index(fields=["told_at"], condition=Q(told_at__isnull=False), name="alert_told")]

    def __str__(self):
        return f"{self.kind} since {self.began_at:%d %b %Y, %H:%M} UTC"


class DeskFigures(models.Model):
    """The one row of what the start page says about everything there is, counted every few minutes (desk.pulse)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    counted_at = models.DateTimeField()
    counts = models.JSONField()

    class Meta:
        verbose_name_plural = "desk figures"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="desk_figures_once")]

    def __str__(self):
        return f"counted at {self.counted_at:%d %b %Y, %H:%M} UTC"
