"""What was metered in a stretch of time, by organization, metric and geo: in units and unit-hours (P32, P34)."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from billing.models import Metric


class Period(NamedTuple):
    """`[start, end)` of one organization. An hour belongs to the period in which it begins."""

    organization_id: UUID
    start: datetime
    end: datetime


type Metered = dict[str, dict[str, int]]
"""Quantity by geo, by metric: requests, and for services and Dev Portals the hours of all of them."""

# Geo and metric are named, so that each period is a few ranges of the key whatever the years hold.
SUM = """
SELECT asked.position, metric.name, geo.code, sum(usage.quantity)::bigint
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])
    WITH ORDINALITY AS asked (organization_id, starts_at, ends_at, position)
CROSS JOIN unnest(%s::text[]) AS metric (name)
CROSS JOIN unnest(%s::text[]) AS geo (code)
JOIN billing_usagerecord AS usage
    ON usage.organization_id = asked.organization_id AND usage.metric = metric.name AND usage.geo = geo.code
    AND usage.hour >= asked.starts_at AND usage.hour < asked.ends_at
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def metered(periods: Collection[Period]) -> dict[Period, Metered]:
    """The sum of each period, in one statement; what was not used is left out."""
    asked = list(periods)
    found: dict[Period, Metered] = {period: defaultdict(dict) for period in asked}
    if not asked:
        return found
    organizations, starts, ends = zip(*asked, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(SUM, [list(organizations), list(starts), list(ends), Metric.values, settings.GEOS])
        for position, metric, geo, quantity in cursor.fetchall():
            found[asked[position - 1]][metric][geo] = quantity
    return found
