"""All that a page of usage shows, for the organization's people and for support (P33)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from billing.models import Metric
from billing.services.costs import Costs, costs_so_far
from billing.services.usage import Cycle, Forecast, Used, cycles_of, find_cycle, forecast, used_in
from konnect_portal.foundation.charts import Chart, Series

TITLES = {
    Metric.API_REQUESTS: "API requests by day",
    Metric.GATEWAY_SERVICES: "Gateway services by day, the most at once",
    Metric.DEV_PORTALS: "Dev Portals by day, the most at once",
}
UNITS = {
    Metric.API_REQUESTS: "requests",
    Metric.GATEWAY_SERVICES: "service hours",
    Metric.DEV_PORTALS: "portal hours",
}

GEOS = """
SELECT geo.code, geo.name, usage.complete_through
FROM geos_organizationgeo AS opened JOIN geos_geo AS geo ON geo.code = opened.geo_id
LEFT JOIN billing_geousage AS usage ON usage.geo = geo.code
WHERE opened.organization_id = %s ORDER BY geo.position, geo.code
"""


class GeoShown(NamedTuple):
    """A geo, and through when its usage is complete; None where it never was."""

    code: str
    name: str
    complete_through: datetime | None


class NoSuchUsage(LookupError):
    """There is no such cycle or metric."""


@dataclass(frozen=True, kw_only=True)
class UsagePage:
    """One cycle of one organization, and what the current one has cost so far. `geos` are those it has opened."""

    at: datetime
    cycle: Cycle
    cycles: Sequence[Cycle]
    metric: Metric
    used: Mapping[str, Used]
    geos: Mapping[str, GeoShown]
    costs: Costs

    @property
    def is_current(self) -> bool:
        return self.cycle.is_current(self.at)

    @property
    def is_empty(self) -> bool:
        return not any(used.days for used in self.used.values())

    @property
    def previous(self) -> Cycle | None:
        return next((each for each in self.cycles if each.end == self.cycle.start), None)

    @property
    def next(self) -> Cycle | None:
        return next((each for each in self.cycles if each.start == self.cycle.end), None)

    @property
    def requests(self) -> int:
        return self.used[Metric.API_REQUESTS].units

    @property
    def has_included_left(self) -> bool:
        return self.is_current and self.requests <= self.included

    @property
    def is_beyond_included(self) -> bool:
        return self.is_current and self.requests > self.included > 0

    @property
    def included(self) -> int:
        """How many requests of the current cycle cost nothing; 0 where nothing costs anything."""
        return self.costs.prices.included(Metric.API_REQUESTS) if self.costs.prices else 0

    @property
    def metrics(self) -> list[tuple[Metric, int, str]]:
        """Each with its total and what it is counted in."""
        return [(metric, self.used[metric].units, UNITS[metric]) for metric in Metric]

    @property
    def unit(self) -> str:
        return UNITS[self.metric]

    @property
    def chosen(self) -> Used:
        return self.used[self.metric]

    @cached_property
    def forecast(self) -> Forecast | None:
        return forecast(self.chosen, self.cycle, at=self.at)

    @cached_property
    def expected_cents(self) -> int | None:
        """What the whole cycle is going to cost by its forecasts; None where nothing is billed or known."""
        prices, forecasts = self.costs.prices, [forecast(self.used[m], self.cycle, at=self.at) for m in Metric]
        if prices is None:
            return None
        costs = [prices.cost(metric, each.units) for metric, each in zip(Metric, forecasts, strict=True) if each]
        return sum(costs) if costs else None

    @cached_property
    def chart(self) -> Chart:
        today, days = self.at.date(), self.cycle.days
        per_day = self.forecast.per_day if self.forecast else 0
        return Chart(
            title=TITLES[self.metric],
            columns=[f"{day:%-d %b}" for day in days],
            series=[self._series(n, geo, days) for n, geo in enumerate(settings.GEOS, 1) if geo in self.chosen.geos],
            expected=[per_day if day > today else None for day in days],
        )

    def _series(self, number: int, geo: str, days: Sequence) -> Series:
        values = [self.chosen.days[day].get(geo, 0) if day in self.chosen.days else 0 for day in days]
        return Series(self.geos[geo].name if geo in self.geos else geo, values, number)


def usage_page(organization_id: UUID, *, since: datetime, cycle: str, metric: str, at: datetime) -> UsagePage:
    """The page of a cycle (by its first day, or "" for the current one) and of a metric (or "" for requests).

    `since` is the organization's creation. NoSuchUsage where there is no such cycle or metric.
    """
    costs = costs_so_far([organization_id], at=at)[organization_id]
    found = find_cycle(cycle, costs.anchor_at, since=since, at=at)
    if found is None or (metric and metric not in Metric.values):
        raise NoSuchUsage
    return UsagePage(
        at=at,
        cycle=found,
        cycles=cycles_of(costs.anchor_at, since=since, at=at),
        metric=Metric(metric or Metric.API_REQUESTS),
        used=used_in(organization_id, found),
        geos={geo.code: geo for geo in _geos(organization_id)},
        costs=costs,
    )


def _geos(organization_id: UUID) -> list[GeoShown]:
    with connection.cursor() as cursor:
        cursor.execute(GEOS, [organization_id])
        return [GeoShown(*row) for row in cursor.fetchall()]
