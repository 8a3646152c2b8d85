"""Years of usage, hour by hour, written in two statements."""

from django.db import connection

HOURS = """
INSERT INTO billing_usagerecord (organization_id, metric, geo, hour, quantity)
SELECT %(organization)s, metric, geo, hour, CASE metric WHEN 'api_requests'
    THEN (1000 + 40 * extract(hour FROM hour) * (7 - extract(isodow FROM hour))) / position
    ELSE 1 + (extract(day FROM hour)::integer + position) %% 4 END
FROM generate_series(%(start)s::timestamptz, %(end)s, '1 hour') AS hour
CROSS JOIN unnest(%(geos)s::text[]) WITH ORDINALITY AS geo (geo, position)
CROSS JOIN unnest(ARRAY['api_requests', 'gateway_services', 'dev_portals']) AS metric
"""
DAYS = """
INSERT INTO billing_dailyusage (organization_id, metric, geo, day, quantity, units)
SELECT organization_id, metric, geo, (hour AT TIME ZONE 'UTC')::date AS day,
    CASE metric WHEN 'api_requests' THEN sum(quantity) ELSE max(quantity) END, sum(quantity)
FROM billing_usagerecord WHERE organization_id = %(organization)s GROUP BY 1, 2, 3, day
"""


def fill(organization, geos, *, start, end) -> None:
    """Usage of every metric in each geo and hour from `start` to `end`, both with it, which had none before."""
    asked = {"organization": organization.pk, "geos": list(geos), "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(HOURS, asked)
        cursor.execute(DAYS, asked)
        cursor.execute("ANALYZE billing_usagerecord, billing_dailyusage")
