"""Billing and Usage: what was metered, by day and geo, cycle by cycle, to those who may read it (P31, P33)."""

import csv
import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import UsageRecord
from billing.services import DayOfUsage, keep_daily_usage, record_completeness, usage_page
from billing.services.cycles import cycle_start
from billing.services.usage import Cycle, Used, cycles_of, find_cycle, forecast
from geos.models import OrganizationGeo
from tests import factories
from tests.billing.years import fill
from tests.customers import entered, words

pytestmark = pytest.mark.django_db

ANCHOR = datetime(2026, 10, 1, 14, 30, tzinfo=UTC)
HOUR, DAY, CYCLE = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
NOW = datetime(2026, 11, 12, 9, 20, tzinfo=UTC)
CURRENT = ANCHOR + CYCLE
GEOS = ["us", "eu", "au", "me", "in", "sg"]


@pytest.fixture
def acme(alice):
    """On Plus since its creation; its second cycle began on 31 Oct 2026 at 14:30."""
    acme = factories.organization("Acme", owner=alice, created_at=ANCHOR)
    factories.subscription(acme, starts_at=ANCHOR)
    return acme


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def page_of(organization, *, at=NOW, cycle="", metric=""):
    return usage_page(organization.pk, since=organization.created_at, cycle=cycle, metric=metric, at=at)


def test_an_hour_belongs_to_the_cycle_in_which_it_begins(acme, globex):
    """P31, P33"""
    for hour in (CURRENT - timedelta(minutes=30), CURRENT + timedelta(minutes=30), NOW - 2 * HOUR):
        factories.usage(acme, hour.replace(minute=0), 10)
    factories.usage(globex, NOW.replace(minute=0) - HOUR, 999, geo="eu")

    current, previous = page_of(acme), page_of(acme, cycle="2026-10-01")
    assert (current.used["api_requests"].units, previous.used["api_requests"].units) == (20, 10)
    assert previous.cycle == Cycle(ANCHOR, CURRENT)
    assert current.used["api_requests"].days[CURRENT.date()] == {"us": 10}
    assert previous.used["api_requests"].days[CURRENT.date()] == {"us": 10}


def test_of_services_a_day_has_its_maximum_and_the_cycle_their_hours(acme):
    """P32, P34"""
    for quantity, back in ((3, 2), (5, 3), (2, 4)):
        factories.usage(acme, (NOW - back * HOUR).replace(minute=0), quantity, metric="gateway_services")

    used = page_of(acme).used["gateway_services"]
    assert (used.units, used.days) == (10, {NOW.date(): {"us": 5}})


def test_an_imported_day_belongs_to_the_cycle_in_which_it_begins(acme):
    """P33: it has no hours by which its day could be parted."""
    day = {"organization_id": acme.pk, "geo": "us", "metric": "api_requests", "day": CURRENT.date()}
    keep_daily_usage([DayOfUsage(**day, quantity=70)])

    assert page_of(acme).used["api_requests"].days == {}
    assert page_of(acme, cycle="2026-10-01").used["api_requests"].days == {CURRENT.date(): {"us": 70}}


def test_cycles_go_back_to_the_creation():
    """P31: before the anchor they are counted on, and the creation's is the first."""
    since = ANCHOR - 45 * DAY

    cycles = cycles_of(ANCHOR, since=since, at=NOW)
    assert [each.start for each in cycles] == [cycle_start(ANCHOR, k) for k in (1, 0, -1, -2)]
    assert len(cycles_of(ANCHOR, since=ANCHOR - 5000 * DAY, at=NOW)) == 40


@pytest.mark.parametrize("name", ["x", "2026-13-01", "2027-01-01", "2026-09-29", "0001-01-01", "9999-12-31", "\0"])
def test_there_is_no_cycle_elsewhere(name):
    assert find_cycle(name, ANCHOR, since=ANCHOR, at=NOW) is None


def test_a_forecast_goes_on_with_the_average_of_the_last_full_days():
    of = Cycle(ANCHOR, ANCHOR + CYCLE)
    used = Used(units=1_000)
    for n in range(20):
        day = (ANCHOR + n * DAY).date()
        used.days[day], used.day_units[day] = {"us": 50 if n > 2 else 9_000}, 100 if n > 2 else 9_000
    at = ANCHOR + 10 * DAY

    found = forecast(used, of, at=at)
    assert (found.units, found.per_day, found.full_days) == (1_000 + 20 * 100, 50, 7)
    assert forecast(used, of, at=ANCHOR + 3 * DAY).full_days == 2
    assert forecast(used, of, at=ANCHOR + DAY) is None
    assert forecast(used, of, at=of.end) is None


@pytest.mark.usefixtures("now")
def test_the_page_begins_with_one_sentence(alice, acme):
    """P33"""
    factories.usage(acme, (NOW - 2 * HOUR).replace(minute=0), 1_250_000)
    factories.usage(acme, (NOW - 2 * HOUR).replace(minute=0), 2, metric="gateway_services")
    record_completeness(["us"], NOW - HOUR, at=NOW)

    text = words(entered(alice, acme).get("/billing/"))
    assert (
        "You have used 1.2 million requests, 1 million of them included; this cycle ends in 18 days; so far 50.29 USD."
        in text
    )
    assert "complete through 12 Nov 2026, 08:20 UTC" in text
    assert "by the end of the cycle, and about <b>50.29 USD</b> for everything." in text
    assert "<td>1,250,000</td>" in text


@pytest.mark.usefixtures("now")
def test_an_organization_without_usage_reads_where_usage_comes_from(alice, acme):
    text = words(entered(alice, acme).get("/billing/"))

    assert "You have used 0 of 1 million included requests; this cycle ends in 18 days; so far 0.00 USD." in text
    assert "Nothing was used in this cycle" in text
    assert "has not reported yet" in text


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("asked", ["?cycle=nonsense", "?cycle=2020-01-01", "?metric=gold", "?cycle=2027-03-01"])
def test_what_does_not_exist_is_not_found(alice, acme, asked):
    client = entered(alice, acme)

    assert client.get(f"/billing/{asked}").status_code == 404
    assert client.get(f"/billing/usage.csv{asked}").status_code == 404


@pytest.mark.usefixtures("now")
def test_a_cycle_is_downloaded_as_csv(alice, acme, globex):
    """P33: the same numbers, and nobody else's."""
    factories.usage(acme, (NOW - 2 * HOUR).replace(minute=0), 12)
    factories.usage(acme, (NOW - 30 * HOUR).replace(minute=0), 3, metric="dev_portals")
    factories.usage(globex, (NOW - 2 * HOUR).replace(minute=0), 99)

    response = entered(alice, acme).get("/billing/usage.csv?cycle=2026-10-31")
    assert response["Content-Disposition"] == 'attachment; filename="usage-2026-10-31.csv"'
    assert list(csv.reader(StringIO(response.getvalue().decode()))) == [
        ["day", "geo", "metric", "quantity"],
        ["2026-11-12", "us", "api_requests", "12"],
        ["2026-11-11", "us", "dev_portals", "3"],
    ]


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("team", "answer"),
    [("Organization Admin", 200), ("Organization Admin (Read Only)", 200), ("Analytics Viewer", 403)],
)
def test_owner_and_admins_read_it(acme, team, answer):
    """P33"""
    client = entered(factories.member(acme, None, team), acme)

    assert client.get("/billing/").status_code == answer
    assert client.get("/billing/usage.csv").status_code == answer


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("days", "geos"), [(200, ["us", "eu"]), pytest.param(3 * 365, GEOS, marks=pytest.mark.slow)], ids=["200", "1095"]
)
def test_years_of_usage_ask_no_more_than_a_day(alice, acme, globex, charlie, days, geos):
    """P33: as many statements, which read rows of the cycle alone."""
    factories.usage(acme, (NOW - 2 * HOUR).replace(minute=0), 12)
    factories.subscription(globex, starts_at=ANCHOR)
    globex.billing_account.anchor_at = ANCHOR
    globex.billing_account.save()
    OrganizationGeo.objects.bulk_create(
        OrganizationGeo(organization=globex, geo_id=geo) for geo in geos if geo != "eu"
    )
    fill(globex, geos, start=NOW - days * DAY, end=NOW)

    asked = {}
    for name, client in (("quiet", entered(alice, acme)), ("busy", entered(charlie, globex))):
        client.get("/billing/")
        with CaptureQueriesContext(connection) as statements:
            assert client.get("/billing/").status_code == 200
        asked[name] = [each["sql"] for each in statements]
    assert len(asked["busy"]) == len(asked["quiet"])
    reading = [sql for sql in asked["busy"] if "billing_usagerecord" in sql]
    assert len(reading) == 2
    for sql in reading:
        hours, of_days = rows_read(sql, "billing_usagerecord"), rows_read(sql, "billing_dailyusage")
        assert hours <= 2 * 24 * len(geos) * 3
        assert of_days <= 31 * len(geos) * 3


def rows_read(sql: str, table: str) -> int:
    """Rows that a statement takes from a table or passes over in it, and every entry of its key that it looks at.

    A small table is sooner read whole than by a key that other tests have left full of holes: not what is asked here.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (plan,) = cursor.fetchone()[0]
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes(plan["Plan"])
        if node.get("Relation Name") == table
    )


def nodes(node: dict) -> list[dict]:
    return [node, *(below for child in node.get("Plans", []) for below in nodes(child))]


@pytest.mark.usefixtures("now")
def test_the_chart_the_table_and_the_hours_agree(alice, acme):
    """P33"""
    fill(acme, ["us"], start=NOW - 100 * HOUR, end=NOW)

    text = words(entered(alice, acme).get("/billing/"))
    hours = UsageRecord.objects.filter(organization=acme, metric="api_requests", hour__date=NOW.date() - DAY)
    expected = f"{sum(hours.values_list('quantity', flat=True)):,}"
    assert re.search(rf"<title>11 Nov: {expected}</title>", text)
    assert f'<th scope="row">11 Nov</th><td>{expected}</td>' in text
