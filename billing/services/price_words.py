"""Prices as people speak of them: "105.00 USD for a service that runs the whole cycle"."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from billing.models import Metric
from billing.services.prices import Prices, Tier, half_up
from konnect_portal.foundation.money import dollars

HOURS_OF_A_CYCLE = 720


@dataclass(frozen=True)
class Unit:
    """One that is counted is `metered` units, and a price is for `per` units, said as `each`."""

    metered: int
    per: int
    name: str
    each: str


UNITS = {
    Metric.API_REQUESTS: Unit(1, 1_000_000, "", "a million"),
    Metric.GATEWAY_SERVICES: Unit(
        HOURS_OF_A_CYCLE, HOURS_OF_A_CYCLE, " services", "for a service that runs the whole cycle"
    ),
    Metric.DEV_PORTALS: Unit(
        HOURS_OF_A_CYCLE, HOURS_OF_A_CYCLE, " Dev Portals", "for a Dev Portal that is there the whole cycle"
    ),
}


def price_words(prices: Prices) -> list[tuple[str, str]]:
    """Each metric by its label, and what it costs, as a sentence without its end."""
    return [(metric.label, _sentence(UNITS[metric], prices.tiers[metric])) for metric in Metric]


def price_of(unit: Unit, tier: Tier) -> int:
    """In cents, for one unit that people speak of."""
    return half_up(Fraction(tier.cents * unit.per, tier.per))


def _sentence(unit: Unit, tiers: tuple[Tier, ...]) -> str:
    first, *_ = tiers
    if first.cents:
        start = f"{dollars(price_of(unit, first))} {unit.each}"
    else:
        start = f"the first {_count(unit, tiers[1])}{unit.name} included" if tiers[1:] else "included"
    return ", ".join([start, *(_step(unit, one, other) for one, other in pairwise(tiers))])


def _step(unit: Unit, before: Tier, tier: Tier) -> str:
    price = dollars(price_of(unit, tier))
    return f"{price} above {_count(unit, tier)}{unit.name}" if before.cents else f"then {price} {unit.each}"


def _count(unit: Unit, tier: Tier) -> str:
    return f"{tier.above // unit.metered:,}"
