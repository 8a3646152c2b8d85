"""An hour at the support desk in a real browser: what comes in on one shift, and what the second lead does."""

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.checks import run_check
from accounts.lifecycle import deactivate_organizations
from accounts.models import Approval, CheckPause, CheckRun, Organization
from accounts.services.locks import is_locked
from accounts.words import Reason, State, Tier, Via
from billing.models import GeoUsage, Plan
from tests import desk, factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("without_notices")]

LONG_AGO = timedelta(days=200)


@pytest.fixture
def second_lead(page: Page, live_server) -> Page:
    """The browser of another lead, who is signed in."""
    lead = factories.staff(Tier.LEAD, email="second@portal.example", full_name="Sami Second")
    context = page.context.browser.new_context()
    session = desk.signed_in(lead).cookies[configured.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def find(page: Page, text: str) -> None:
    """Type into the box at the head of every page, and open the first that is found."""
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")


def confirm(page: Page, button: str, name: str) -> None:
    """Fill in what every act asks for, and press its button."""
    page.get_by_label("Why", exact=True).fill("They asked on the phone")
    page.get_by_label("Ticket").fill("T-77")
    page.get_by_label("How identity was shown").select_option(label="A lead's word, see the note")
    page.get_by_label(f"Type “{name}” to confirm").fill(name)
    page.get_by_role("button", name=button).click()


def state_of(organization) -> str:
    return Organization.objects.values_list("state", flat=True).get(pk=organization.pk)


def test_a_shift(page, sign_in, live_server, second_lead, settings, complaints, acme, globex, bob, lead):
    """P50, P52, P54, P61, P66, P67, P71, P72"""
    factories.subscription(globex, Plan.ENTERPRISE)
    unused(acme)
    GeoUsage.objects.create(geo="us", complete_through=timezone.now())
    assert run_check().deactivated == [acme.pk]
    spam = factories.organization("Initech", contact_email="pat@initech.example")
    deactivate_organizations([spam.pk], reason=Reason.SPAM, actor=lead, via=Via.COMMAND, ticket="T-1")
    desk_page = f"{live_server.url}/admin/accounts/checkrun/inactivity/"
    sign_in(lead)

    # Bob writes that his organization is gone. Why?
    find(page, bob.email)
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()
    expect(page.get_by_text("by the inactivity check")).to_be_visible()
    page.get_by_role("link", name="The facts that decide").click()
    expect(page.get_by_text("There never was one")).to_be_visible()

    # It comes back, with its people.
    find(page, "Acme")
    page.get_by_role("link", name="Reactivate Acme").click()
    page.get_by_label("Put people back").check()
    confirm(page, "Reactivate Acme", "Acme")
    expect(page.get_by_text("Acme is active again, on Free.")).to_be_visible()
    assert [row.team.name for row in bob.team_memberships.select_related("team")] == ["Analytics Viewer"]

    # Somebody wants to use an address elsewhere; the organization stays deactivated.
    find(page, "pat@initech.example")
    page.get_by_role("link", name="Unlock").first.click()
    confirm(page, "Unlock pat@initech.example", "pat@initech.example")
    expect(page.get_by_text("pat@initech.example is unlocked")).to_be_visible()
    assert not is_locked("pat@initech.example")
    assert state_of(spam) == State.INACTIVE

    # An Enterprise organization takes two leads.
    find(page, "Globex")
    page.get_by_role("link", name="Deactivate Globex").click()
    page.get_by_label("Reason").select_option(label="Asked for by the customer")
    confirm(page, "Deactivate Globex", "Globex")
    expect(page.get_by_text("another lead has 24 hours to confirm it")).to_be_visible()
    assert state_of(globex) == State.ACTIVE
    second_lead.goto(f"{live_server.url}/admin/accounts/approval/{Approval.objects.get().pk}/change/")
    second_lead.get_by_label("Type “Globex” to confirm").fill("Globex")
    second_lead.get_by_role("button", name="Deactivate Globex").click()
    expect(second_lead.get_by_text("Globex is deactivated")).to_be_visible()
    assert state_of(globex) == State.INACTIVE

    # The check wants more than it may.
    settings.INACTIVITY_LIMIT_FLOOR = settings.INACTIVITY_LIMIT_COUNT = 1
    many = [unused(factories.organization(f"Unused {number}")) for number in range(3)]
    assert run_check().run.outcome == CheckRun.Outcome.WAITING
    page.goto(desk_page)
    page.get_by_role("link", name="Read the list").click()
    page.get_by_label("Why").fill("A geo lost its usage")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Dismissed: the organizations on the list")).to_be_visible()
    assert run_check().deactivated == []
    assert {state_of(each) for each in many} == {State.ACTIVE}

    # Until that is understood nobody goes; then it goes on.
    page.goto(desk_page)
    page.get_by_role("link", name="Pause the check").click()
    page.get_by_label("Why").fill("A geo lost its usage")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused since")).to_be_visible()
    assert run_check().run.outcome == CheckRun.Outcome.PAUSED
    page.get_by_role("link", name="Resume the check").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("goes on with its next hourly run")).to_be_visible()
    assert not CheckPause.objects.filter(resumed_at=None).exists()
    assert complaints == []


def unused(organization):
    """Nobody has been there for long."""
    Organization.objects.filter(pk=organization.pk).update(
        created_at=timezone.now() - LONG_AGO, last_login_at=None, inactive_at=timezone.now() - timedelta(days=100)
    )
    return organization
