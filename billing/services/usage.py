"""Usage as pages show it: by day and geo, cycle by cycle, and where it is going (P31, P33)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.conf import settings
from django.db import connection

from billing.models import Metric
from billing.services.cycles import cycle_of, cycle_start
from billing.services.days import DAY, cut_at_midnights, midnight

CYCLES_TO_CHOOSE = 40
FULL_DAYS = 7
"""How many days a forecast looks back on."""

# A day that a cycle shares with its neighbour is taken from its hours. An imported day has none (its units are zero):
# it belongs to the cycle in which it begins. Each stretch of hours is a range of the key, as in `metered`.
BY_DAY = """
SELECT metric, day, geo, quantity, units FROM billing_dailyusage
WHERE organization_id = %(organization)s AND metric = ANY(%(metrics)s) AND day >= %(first)s::date
    AND day <= %(last)s::date AND (day < %(last)s::date OR %(last)s < %(end)s AND units = 0)
UNION ALL
SELECT asked.metric, (hour AT TIME ZONE 'UTC')::date AS day, opened.geo,
    CASE asked.metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END::bigint, sum(quantity)::bigint
FROM unnest(%(metrics)s::text[]) AS asked (metric) CROSS JOIN unnest(%(geos)s::text[]) AS opened (geo)
CROSS JOIN (VALUES (%(start)s, %(first)s), (%(last)s, %(end)s)) AS rest (starts_at, ends_at)
CROSS JOIN LATERAL (
    SELECT hour, quantity FROM billing_usagerecord AS usage
    WHERE usage.organization_id = %(organization)s AND usage.metric = asked.metric AND usage.geo = opened.geo
        AND usage.hour >= rest.starts_at AND usage.hour < rest.ends_at OFFSET 0
) AS usage
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Cycle:
    """A billing cycle, `[start, end)` (P31), which addresses call by the day on which it begins."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%-d %b %Y} – {self.end:%-d %b %Y}"

    @property
    def name(self) -> str:
        return f"{self.start:%Y-%m-%d}"

    @property
    def days(self) -> list[date]:
        """Every day that an hour of it lies in."""
        count = (midnight(self.end - timedelta(microseconds=1)) - midnight(self.start)) // DAY + 1
        return [self.start.date() + n * DAY for n in range(count)]

    def is_current(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass
class Used:
    """What was used of one metric: `units` as they are billed (requests, or the hours of all services), and by day.

    `days` has the quantity by geo, of services and Dev Portals the day's maximum; `day_units` the units of each day.
    """

    units: int = 0
    days: dict[date, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    day_units: dict[date, int] = field(default_factory=lambda: defaultdict(int))

    @cached_property
    def geos(self) -> set[str]:
        return {geo for by_geo in self.days.values() for geo in by_geo}


@dataclass(frozen=True)
class Forecast:
    """`units` until the cycle's end, and `per_day` what is expected of each day to come, as `Used.days` has it.

    It looks back on `full_days`.
    """

    units: int
    per_day: int
    full_days: int


def cycles_of(anchor: datetime, *, since: datetime, at: datetime) -> list[Cycle]:
    """The current cycle and those before it, back to the one that `since` lies in; the latest 40 at most."""
    current = cycle_of(anchor, at)
    first = max(cycle_of(anchor, since), current - CYCLES_TO_CHOOSE + 1)
    return [cycle(anchor, k) for k in range(current, first - 1, -1)]


def find_cycle(name: str, anchor: datetime, *, since: datetime, at: datetime) -> Cycle | None:
    """The cycle that begins on a day, or that it lies in; None where there is none between `since` and now.

    No name stands for the current one.
    """
    if not name:
        return cycle(anchor, cycle_of(anchor, at))
    try:
        last_moment = datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC) + DAY - timedelta(microseconds=1)
        k = cycle_of(anchor, last_moment)
        is_there = cycle_of(anchor, since) <= k <= cycle_of(anchor, at)
        return cycle(anchor, k) if is_there else None
    except (ValueError, OverflowError):
        return None


def cycle(anchor: datetime, k: int) -> Cycle:
    return Cycle(cycle_start(anchor, k), cycle_start(anchor, k + 1))


def used_in(organization_id: UUID, of: Cycle) -> Mapping[str, Used]:
    """What was used in a cycle, by metric, in one statement that reads as much of it whatever the years hold."""
    start, first, last, end = cut_at_midnights(of.start, of.end)
    found = {metric: Used() for metric in Metric.values}
    asked = {
        "organization": organization_id,
        "metrics": Metric.values,
        "geos": settings.GEOS,
        "start": start,
        "first": first,
        "last": last,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, asked)
        for metric, day, geo, quantity, units in cursor.fetchall():
            used = found[metric]
            used.units += units
            used.day_units[day] += units
            by_geo = used.days[day]
            by_geo[geo] = max(by_geo.get(geo, 0), quantity)
    return found


def forecast(used: Used, of: Cycle, *, at: datetime) -> Forecast | None:
    """What was used so far and, for the rest of the cycle, the average of its last 7 full days, or as many as it has.

    None before its first full day is over, and of a cycle that is.
    """
    first = cut_at_midnights(of.start, of.end).first
    days = [midnight(at) - n * DAY for n in range(1, FULL_DAYS + 1) if midnight(at) - n * DAY >= first]
    if not of.is_current(at) or not days:
        return None
    units = sum(used.day_units.get(day.date(), 0) for day in days)
    shown = sum(sum(used.days.get(day.date(), {}).values()) for day in days)
    rest, length = int((of.end - at).total_seconds()), len(days) * int(DAY.total_seconds())
    return Forecast(used.units + units * rest // length, round(shown / len(days)), len(days))
