"""Usage by hour, and by day what its hours add up to (P32, P33)."""

from collections.abc import Iterable, Sequence

from django.db import connection

from billing.services.reports import Usage

ADD = """
WITH given AS MATERIALIZED (
    SELECT organization_id, metric, hour,
        CASE metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END AS quantity
    FROM unnest(
        %(organizations)s::uuid[], %(metrics)s::text[], %(hours)s::timestamptz[], %(quantities)s::bigint[]
    ) AS usage (organization_id, metric, hour, quantity)
    WHERE quantity > 0
    GROUP BY organization_id, metric, hour ORDER BY organization_id, metric, hour
), added AS MATERIALIZED (
    SELECT *, CASE metric WHEN 'api_requests' THEN quantity ELSE greatest(quantity - coalesce((
        SELECT kept.quantity FROM billing_usagerecord AS kept
        WHERE kept.organization_id = given.organization_id AND kept.metric = given.metric
            AND kept.geo = %(geo)s AND kept.hour = given.hour
    ), 0), 0) END AS units
    FROM given
), by_hour AS (
    INSERT INTO billing_usagerecord AS kept (organization_id, metric, geo, hour, quantity)
    SELECT organization_id, metric, %(geo)s, hour, quantity FROM given
    ON CONFLICT (organization_id, metric, geo, hour) DO UPDATE SET quantity = excluded.quantity
        + CASE kept.metric WHEN 'api_requests' THEN kept.quantity ELSE 0 END
    WHERE kept.metric = 'api_requests' OR kept.quantity < excluded.quantity
)
INSERT INTO billing_dailyusage AS kept (organization_id, metric, geo, day, quantity, units)
SELECT organization_id, metric, %(geo)s, (hour AT TIME ZONE 'UTC')::date AS day,
    CASE metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END, sum(units)
FROM added GROUP BY organization_id, metric, day ORDER BY organization_id, metric, day
ON CONFLICT (organization_id, metric, day, geo) DO UPDATE SET
    quantity = CASE kept.metric
        WHEN 'api_requests' THEN kept.quantity + excluded.quantity
        ELSE greatest(kept.quantity, excluded.quantity) END,
    units = kept.units + excluded.units
WHERE excluded.units > 0
"""
"""Whoever adds holds the geo's row, so that the hours stay as they were read until they are written."""


def add_to_rollups(geo: str, usage: Sequence[Usage]) -> None:
    """Requests add up; of the others the maximum counts, of the hour and for pages of the day. Zero leaves no row."""
    if not usage:
        return
    _, organizations, metrics, hours, quantities = (_array(column) for column in zip(*usage, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            ADD,
            {
                "geo": geo,
                "organizations": organizations,
                "metrics": metrics,
                "hours": hours,
                "quantities": quantities,
            },
        )


def _array(values: Iterable[object]) -> str:
    """As PostgreSQL reads an array: ids, words, moments and numbers need no quotes, which a driver looks for."""
    return f"{{{','.join(map(str, values))}}}"
