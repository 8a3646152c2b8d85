"""Usage by hour, which is billed, and by day, for pages (P32, P33)."""

from collections.abc import Iterable, Sequence

from django.db import connection

from billing.services.reports import Usage

ADD = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        %(organizations)s::uuid[], %(metrics)s::text[], %(hours)s::timestamptz[], %(quantities)s::bigint[]
    ) AS usage (organization_id, metric, hour, quantity)
    WHERE quantity > 0
), by_hour AS (
    INSERT INTO billing_usagerecord AS kept (organization_id, metric, geo, hour, quantity)
    SELECT organization_id, metric, %(geo)s, hour,
        CASE metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END
    FROM given GROUP BY organization_id, metric, hour ORDER BY organization_id, metric, hour
    ON CONFLICT (organization_id, metric, geo, hour) DO UPDATE SET quantity = excluded.quantity
        + CASE kept.metric WHEN 'api_requests' THEN kept.quantity ELSE 0 END
    WHERE kept.metric = 'api_requests' OR kept.quantity < excluded.quantity
)
INSERT INTO billing_dailyusage AS kept (organization_id, metric, geo, day, quantity)
SELECT organization_id, metric, %(geo)s, (hour AT TIME ZONE 'UTC')::date AS day,
    CASE metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END
FROM given GROUP BY organization_id, metric, day ORDER BY organization_id, metric, day
ON CONFLICT (organization_id, metric, day, geo) DO UPDATE SET quantity = excluded.quantity
    + CASE kept.metric WHEN 'api_requests' THEN kept.quantity ELSE 0 END
WHERE kept.metric = 'api_requests' OR kept.quantity < excluded.quantity
"""


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
