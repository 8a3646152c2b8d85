"""Figures of the support desk for those who run the portal."""

from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.desk.waiting import KINDS, waiting


class WaitingCollector(Collector):
    """What waits for staff, by kind, as the start page counts it: one statement each."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        counts = GaugeMetricFamily("portal_waiting", "What waits for staff, up to 1001", labels=["kind"])
        ages = GaugeMetricFamily("portal_waiting_oldest_seconds", "Since when the oldest waits", labels=["kind"])
        for each in waiting(KINDS, now):
            counts.add_metric([each.kind.name], each.count)
            ages.add_metric([each.kind.name], (now - (each.moment or now)).total_seconds())
        yield from (counts, ages)
