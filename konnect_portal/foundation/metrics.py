"""Figures for those who run the portal, read from the database at the moment of asking."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from post_office.models import STATUS, Email
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from konnect_portal.foundation.registry import registry


class MailCollector(Collector):
    """Mails that wait or have failed; the sent ones are not counted."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        waiting = Email.objects.filter(status__in=[STATUS.queued, STATUS.requeued]).aggregate(
            count=Count("pk"), oldest=Min("created")
        )
        now = timezone.now()
        yield GaugeMetricFamily("portal_mails_waiting", "Mails not yet taken by the server", waiting["count"])
        yield GaugeMetricFamily(
            "portal_mail_oldest_waiting_seconds",
            "Age of the oldest of them",
            (now - (waiting["oldest"] or now)).total_seconds(),
        )
        failed = Email.objects.filter(status=STATUS.failed).count()
        yield GaugeMetricFamily("portal_mails_failed", "Mails given up", failed)


registry.register(MailCollector())
