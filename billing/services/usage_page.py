"""All that a page of usage shows, for the organization's people and for support (P33)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from django.conf import settings

from billing.models import BillingAccount, GeoUsage, Metric
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
    Metric.DEV_PORTALS: "Dev Portal hours",
}


class NoSuchUsage(LookupError):
    """There is no such cycle or metric."""


@dataclass(frozen=True, kw_only=True)
class UsagePage:
    """One cycle of one organization. `geos` has the names of those it has opened; only the current cycle has costs."""

    at: datetime
    cycle: Cycle
    cycles: Sequence[Cycle]
    metric: Metric
    used: Mapping[str, Used]
    geos: Mapping[str, str]
    complete_through: Mapping[str, datetime]
    costs: Costs | None

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
    def included(self) -> int:
        """How many requests of the cycle cost nothing; 0 where that is not so much as agreed."""
        prices = self.costs and self.costs.prices
        return prices.included(Metric.API_REQUESTS) if prices else 0

    @property
    def metrics(self) -> list[tuple[Metric, int, str]]:
        """Each with its total and what it is counted in."""
        return [(metric, self.used[metric].units, UNITS[metric]) for metric in Metric]

    @property
    def unit(self) -> str:
        return UNITS[self.metric]

    @property
    def freshness(self) -> list[tuple[str, datetime | None]]:
        """Of each geo, through when its usage is complete."""
        return [(name, self.complete_through.get(geo)) for geo, name in self.geos.items()]

    @property
    def chosen(self) -> Used:
        return self.used[self.metric]

    @cached_property
    def forecast(self) -> Forecast | None:
        return forecast(self.chosen, self.cycle, at=self.at)

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
        return Series(self.geos.get(geo, geo), values, number)


def usage_page(
    organization_id: UUID, *, since: datetime, geos: Mapping[str, str], cycle: str, metric: str, at: datetime
) -> UsagePage:
    """The page of a cycle (by its first day, or "" for the current one) and of a metric (or "" for requests).

    `since` is the organization's creation, `geos` those it has opened, by code. NoSuchUsage where there is none.
    """
    anchor = BillingAccount.objects.values_list("anchor_at", flat=True).get(pk=organization_id)
    found = find_cycle(cycle, anchor, since=since, at=at)
    if found is None or (metric and metric not in Metric.values):
        raise NoSuchUsage
    return UsagePage(
        at=at,
        cycle=found,
        cycles=cycles_of(anchor, since=since, at=at),
        metric=Metric(metric or Metric.API_REQUESTS),
        used=used_in(organization_id, found),
        geos=geos,
        complete_through=dict(GeoUsage.objects.filter(pk__in=geos).values_list("geo", "complete_through")),
        costs=costs_so_far([organization_id], at=at)[organization_id] if found.is_current(at) else None,
    )
