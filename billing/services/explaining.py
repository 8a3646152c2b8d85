"""How an amount came about, in words: quantities with their unit, included ones, and tier by tier (P34)."""

from billing.models import Metric
from konnect_portal.foundation.money import dollars

UNITS = {
    Metric.API_REQUESTS: "requests",
    Metric.GATEWAY_SERVICES: "service-hours",
    Metric.DEV_PORTALS: "portal-hours",
}
HOURS_OF_A_CYCLE = 720


def amount_of(metric: str, quantity: int) -> str:
    """ "1,440 service-hours"."""
    return f"{quantity:,} {UNITS[Metric(metric)]}"


def price_of(metric: str, *, per: int, cents: int) -> str:
    """ "105.00 USD per 720 service-hours", or that it is included."""
    return f"{dollars(cents)} per {amount_of(metric, per)}" if cents else "included"
