"""What was metered in a stretch of time, by organization, metric and geo: in units and unit-hours (P32, P34)."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from billing.models import Metric
from billing.services.days import cut_at_midnights


class Period(NamedTuple):
    """`[start, end)` of one organization. An hour belongs to the period in which it begins."""

    organization_id: UUID
    start: datetime
    end: datetime


type Metered = dict[str, dict[str, int]]
"""Quantity by geo, by metric: requests, and for services and Dev Portals the hours of all of them."""

# A whole day is one row for each geo; of the days that a period shares with its neighbours the hours are read. Each
# stretch of hours is a range of the key, whatever the years hold: OFFSET keeps it from becoming a join over them all.
SUM = """
WITH asked AS MATERIALIZED (
    SELECT period.*, metric FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[]) WITH ORDINALITY AS period (organization_id, starts_at, first, last, ends_at, position)
    CROSS JOIN unnest(%s::text[]) AS metric
)
SELECT position, metric, geo, sum(units)::bigint FROM (
    SELECT asked.position, asked.metric, usage.geo, usage.units
    FROM asked JOIN billing_dailyusage AS usage
        ON usage.organization_id = asked.organization_id AND usage.metric = asked.metric
        AND usage.day >= (asked.first AT TIME ZONE 'UTC')::date AND usage.day < (asked.last AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT asked.position, asked.metric, usage.geo, usage.quantity
    FROM asked CROSS JOIN unnest(%s::text[]) AS opened (geo)
    CROSS JOIN LATERAL (VALUES (asked.starts_at, first), (last, asked.ends_at)) AS rest (starts_at, ends_at)
    CROSS JOIN LATERAL (
        SELECT geo, quantity FROM billing_usagerecord
        WHERE organization_id = asked.organization_id AND metric = asked.metric AND geo = opened.geo
            AND hour >= rest.starts_at AND hour < rest.ends_at OFFSET 0
    ) AS usage
) AS counted WHERE units > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def metered(periods: Collection[Period]) -> dict[Period, Metered]:
    """The sum of each period, in one statement; what was not used is left out."""
    asked = list(periods)
    found: dict[Period, Metered] = {period: defaultdict(dict) for period in asked}
    if not asked:
        return found
    moments = zip(*(cut_at_midnights(period.start, period.end) for period in asked), strict=True)
    organizations = [period.organization_id for period in asked]
    with connection.cursor() as cursor:
        cursor.execute(SUM, [organizations, *map(list, moments), Metric.values, settings.GEOS])
        for position, metric, geo, quantity in cursor.fetchall():
            found[asked[position - 1]][metric][geo] = quantity
    return found
