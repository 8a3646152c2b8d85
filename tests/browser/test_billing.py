"""Billing and Usage in a real browser: chart, table and database say the same, by pointer and by keyboard (P33)."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.access import SESSION_KEY
from billing.models import UsageRecord
from geos.models import OrganizationGeo
from tests import factories
from tests.billing.years import fill
from tests.browser.test_tokens_page import faults

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def acme(page, live_server, alice):
    """On Plus for 50 days, used in two geos every hour; the browser has a session of Alice in it."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    acme = factories.organization("Acme", owner=alice, created_at=now - 50 * DAY)
    factories.subscription(acme, starts_at=acme.created_at)
    OrganizationGeo.objects.create(organization=acme, geo_id="eu")
    fill(acme, ["us", "eu"], start=now - 49 * DAY, end=now)
    client = Client()
    client.force_login(alice)
    session, at = client.session, int(now.timestamp())
    session[SESSION_KEY] = {"id": str(acme.pk), "entered_at": at, "used_at": at}
    session.save()
    page.context.add_cookies([{"name": "sessionid", "value": session.session_key, "url": live_server.url}])
    return acme


def metered(organization, day, **which) -> str:
    hours = UsageRecord.objects.filter(organization=organization, hour__date=day, **which)
    return f"{hours.aggregate(all=Sum('quantity'))['all']:,}"


def test_chart_table_and_database_say_the_same(page, live_server, acme, complaints):
    """P33"""
    page.goto(f"{live_server.url}/billing/")
    days = [acme.created_at.date() + n * DAY for n in (35, 36)]
    said = page.get_by_role("status")
    for day in days:
        _us, europe = (metered(acme, day, metric="api_requests", geo=geo) for geo in ("us", "eu"))
        total = metered(acme, day, metric="api_requests")
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=f"{day:%-d %b}", exact=True))
        europe = metered(acme, day, metric="api_requests", geo="eu")
        expect(row.get_by_role("cell")).to_have_text(
            [metered(acme, day, metric="api_requests", geo="us"), europe, total]
        )

        page.locator(".chart-column").nth((day - acme.created_at.date()).days - 30).hover()
        expect(said).to_contain_text(f"{day:%-d %b}: {total}")
        expect(said).to_contain_text(f"Europe {europe}")

    page.mouse.move(0, 0)
    expect(said).to_be_empty()
    page.get_by_role("group", name="API requests by day").focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    expect(said).to_contain_text(f"{days[1]:%-d %b}: {metered(acme, days[1], metric='api_requests')}")
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text(f"{days[0]:%-d %b}: ")
    page.keyboard.press("End")
    expect(said).to_contain_text("expected")
    page.keyboard.press("Escape")
    expect(said).to_be_empty()

    assert faults(page) == []
    page.get_by_role("link", name="Gateway services").click()
    expect(page.get_by_role("link", name="Gateway services")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Previous cycle").click()
    expect(page.get_by_role("link", name="Next cycle")).to_be_visible()
    expect(page.get_by_role("link", name="Gateway services")).to_have_attribute("aria-current", "page")
    page.get_by_label("Billing cycle").select_option(index=0)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("You have used")).to_be_visible()
    assert complaints == []
