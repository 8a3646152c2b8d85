"""What was metered in a period: the hours that begin in it, wherever it cuts its days (P32, P34)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import UsageRecord
from billing.services.metered import Period, metered
from billing.services.opening import DayOfUsage, keep_daily_usage
from billing.services.reports import Usage
from billing.services.rollups import add_to_rollups
from tests import factories

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 11, 1, tzinfo=UTC)
HOURS = st.integers(0, 24 * 4).map(lambda hours: DAY + timedelta(hours=hours))
MOMENTS = st.integers(0, 24 * 4 * 3600).map(lambda seconds: DAY + timedelta(seconds=seconds))
METRICS = st.sampled_from(["api_requests", "gateway_services"])
REPORTS = st.lists(st.tuples(st.sampled_from(["us", "eu"]), METRICS, HOURS, st.integers(0, 9)), max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=REPORTS, start=MOMENTS, end=MOMENTS)
def test_it_is_the_sum_of_the_hours_that_begin_in_the_period(acme, globex, reports, start, end):
    """P32, P34: however often and in whatever order an hour was reported."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_usagerecord; DELETE FROM billing_dailyusage")
    for geo, metric, hour, quantity in reports:
        add_to_rollups(geo, [Usage(0, acme.pk, metric, hour, quantity), Usage(1, globex.pk, metric, hour, 100)])

    expected: dict[str, dict[str, int]] = {}
    for row in UsageRecord.objects.filter(organization=acme, hour__gte=start, hour__lt=end):
        of_metric = expected.setdefault(row.metric, {})
        of_metric[row.geo] = of_metric.get(row.geo, 0) + row.quantity
    assert metered([Period(acme.pk, start, max(start, end))])[Period(acme.pk, start, max(start, end))] == expected


def test_an_imported_day_is_not_metered():
    """P33: it is for the chart alone."""
    acme = factories.organization()
    keep_daily_usage(
        [DayOfUsage(organization_id=acme.pk, geo="us", metric="api_requests", day=DAY.date(), quantity=7)]
    )
    period = Period(acme.pk, DAY, DAY + timedelta(days=30))

    assert metered([period]) == {period: {}}
