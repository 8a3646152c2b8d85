"""Figures of billing for those who run the portal."""

from collections.abc import Iterator

from django.apps import apps
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class StopCollector(Collector):
    """Billing stops that the payment provider has not confirmed (P41)."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        stops = apps.get_model("billing", "ProviderSubscription")._default_manager.not_confirmed()
        oldest = stops.order_by("stop_asked_at").values_list("stop_asked_at", flat=True).first()
        now = timezone.now()
        yield GaugeMetricFamily("portal_billing_stops_waiting", "Billing stops not yet confirmed", stops.count())
        yield GaugeMetricFamily(
            "portal_billing_stop_oldest_waiting_seconds",
            "Age of the oldest of them",
            (now - (oldest or now)).total_seconds(),
        )
