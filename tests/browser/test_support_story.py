"""The support desk in a real browser, as staff use it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.desk.pulse import count_figures
from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent
from accounts.services.finding import LONGEST
from accounts.words import Act, Reason, State, Via
from geos.models import ControlPlane
from tests import factories
from tests.browser.conftest import axe_of

pytestmark = pytest.mark.django_db(transaction=True)

INACTIVITY = "/admin/accounts/checkrun/inactivity/"


def test_a_lead_finds_an_organization_and_reads_its_case(
    page, sign_in, live_server, serious, complaints, acme, globex, lead
):
    """P70, P72"""
    factories.control_plane(acme, "shop", geo="eu", nodes=2)
    factories.subscription(acme)
    sign_in(lead)
    assert serious() == []

    box = page.get_by_role("combobox", name="Find an organization")
    expect(box).to_be_focused()
    page.keyboard.type("cme")
    expect(page.get_by_role("option")).to_have_count(3)  # Acme, Alice and Bob at acme.example
    expect(page.get_by_role("status")).to_have_text("3 found")
    assert axe_of(page) == []

    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("option", name="Bob")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "found-1-1")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_attribute("aria-expanded", "false")

    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()
    expect(page.get_by_text("2 nodes, 0 running")).to_be_visible()

    page.get_by_text("Write a note").click()
    page.get_by_label("Note").fill("Called Alice back")
    page.get_by_label("Ticket").fill("T-9")
    page.get_by_role("button", name="Keep this note").click()
    expect(page.get_by_text("The note is kept on the timeline.")).to_be_visible()
    page.get_by_role("link", name="See all of it").click()
    page.get_by_role("link", name="Notes", exact=True).click()
    page.wait_for_url(re.compile("notes"))
    page.locator("summary", has_text="Called Alice back").click()
    expect(page.get_by_text("T-9")).to_be_visible()
    assert axe_of(page) == []

    page.keyboard.press("Control+k")
    page.keyboard.insert_text("a" * 10_000)
    expect(page.get_by_role("combobox")).to_have_value("a" * (LONGEST + 1))

    page.keyboard.press("Control+k")
    page.keyboard.type("nobody is called so")
    expect(page.get_by_role("search").get_by_text("Nothing found.").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What can be searched for")).to_be_visible()
    assert axe_of(page) == []
    page.goto(f"{live_server.url}/admin/accounts/organization/?q=acme")
    assert axe_of(page) == []
    assert complaints == []


def test_a_lead_deactivates_after_reading_what_it_will_do(page, sign_in, complaints, acme, lead):
    """P71"""
    factories.control_plane(acme, "shop", nodes=2)
    sign_in(lead)
    page.get_by_label("Find an organization").fill("Acme")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Deactivate Acme").click()
    expect(page.get_by_text("Stop configuration for 1 control plane in 1 geo")).to_be_visible()

    page.get_by_label("Reason").select_option(label="Asked for by the customer")
    page.get_by_label("Why").fill("I know the owner's voice")
    page.get_by_label("Ticket").fill("T-1")
    page.get_by_label("How identity was shown").select_option(label="A lead's word, see the note")
    page.get_by_label(re.compile("Type .Acme. to confirm")).fill("Acme")
    page.get_by_role("button", name="Deactivate Acme").click()

    expect(page.get_by_text("Acme is deactivated.")).to_be_visible()
    expect(page.get_by_text("0 of 1 control planes taken down")).to_be_visible()
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE
    assert complaints == []


def test_a_lead_reads_the_inactivity_desk_and_pauses_the_check(page, sign_in, live_server, complaints, acme, lead):
    """P66, P67: the charts are read by keyboard alone; what the bars say, the tables say in numbers."""
    coming = timezone.now() + timedelta(days=5)
    factories.organization("Quiet", created_at=coming - timedelta(days=30))
    LifecycleEvent.objects.create(act=Act.DEACTIVATED, reason=Reason.SPAM, via=Via.ADMIN, organization_id=acme.pk)
    sign_in(lead)
    page.goto(live_server.url + INACTIVITY)
    expect(page.get_by_role("heading", name="Not told in time yet")).to_be_visible()

    chart = page.get_by_role("group", name="Becoming inactive in the next 30 days")
    chart.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    expect(chart.get_by_role("status")).to_have_text(f"{coming:%-d %b}: 1")
    page.get_by_text("In numbers").first.click()
    expect(page.get_by_role("row", name=f"{coming:%-d %b} 1")).to_be_visible()

    page.get_by_role("link", name="Pause the check").click()
    page.get_by_label("Why").fill("Billing is behind")
    page.get_by_role("button", name="Pause the inactivity check").click()
    expect(page.get_by_text("Billing is behind. Nobody is told or deactivated.")).to_be_visible()
    expect(page.get_by_role("heading", name="The check is paused")).to_be_visible()

    page.get_by_role("link", name="Ask about a date").click()
    page.get_by_label("Moment").fill(f"{coming + timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Ask the check").click()
    expect(page.get_by_role("link", name="Quiet", exact=True)).to_be_visible()
    assert axe_of(page) == []

    page.get_by_role("link", name="Why Quiet").click()
    expect(page.get_by_role("row", name="Created Decides")).to_be_visible()
    assert axe_of(page) == []
    assert complaints == []


def test_the_pulse_is_read_by_pointer_and_keyboard(page, sign_in, complaints, acme, lead):
    now = timezone.now()
    for reason in (Reason.SPAM, Reason.INACTIVITY):
        LifecycleEvent.objects.create(
            act=Act.DEACTIVATED, at=now, via=Via.CHECK, reason=reason, organization_id=acme.pk
        )
    count_figures(at=now)
    sign_in(lead)

    chart = page.get_by_role("group", name=re.compile("Deactivated each week"))
    chart.focus()
    page.keyboard.press("End")
    expect(chart.get_by_role("status")).to_contain_text("Spam 1")
    page.get_by_text("The same in numbers").click()
    expect(page.get_by_role("region", name="Deactivated each week, by reason, in numbers")).to_be_visible()
    assert complaints == []


def test_a_lead_narrows_a_list_and_ticks_what_shall_go(page, sign_in, live_server, complaints, acme, globex, lead):
    """P74: by keyboard."""
    factories.left_organization("Gone", at=timezone.now())
    sign_in(lead)
    page.goto(f"{live_server.url}/admin/accounts/organization/")

    page.get_by_role("button", name="Filters").press("Enter")
    page.get_by_role("link", name="Active", exact=True).press("Enter")
    page.wait_for_url(re.compile("state__exact=active"))
    page.get_by_label("Select Globex").press("Space")
    expect(page.get_by_text("1 of 2 selected")).to_be_visible()
    page.get_by_label("Select all on this page").press("Space")
    expect(page.get_by_text("2 of 2 selected")).to_be_visible()
    assert axe_of(page) == []
    page.get_by_label("Select action to run").select_option("deactivate_in_bulk")
    page.get_by_role("button", name="Run").press("Enter")

    page.wait_for_url(re.compile("bulkdeactivation"))
    expect(page.get_by_role("link", name="Acme")).to_be_visible()
    expect(page.get_by_role("link", name="Globex")).to_be_visible()
    assert complaints == []


def test_the_first_tab_leads_past_the_side_bar_to_the_acts(page, sign_in, live_server, acme, lead):
    """P70: the keyboard alone reaches what a person may do; the page has landmarks to go by."""
    sign_in(lead)
    page.goto(f"{live_server.url}/admin/accounts/organization/{acme.pk}/change/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    for _ in range(2):  # the owner, and what can be done
        page.keyboard.press("Tab")

    expect(page.get_by_role("main").get_by_role("link", name="Deactivate Acme")).to_be_focused()
    expect(page.get_by_role("banner").get_by_role("heading", name="Organizations")).to_be_visible()


def test_the_case_page_follows_a_take_down_by_itself(page, sign_in, live_server, complaints, acme, lead):
    """P42: support sees progress."""
    factories.control_plane(acme, "shop")
    deactivate_organizations([acme.pk], reason=Reason.SPAM, actor=lead, via=Via.COMMAND, ticket="T-1")
    sign_in(lead)
    page.goto(f"{live_server.url}/admin/accounts/organization/{acme.pk}/change/")
    expect(page.get_by_text("Being taken down")).to_be_visible()

    ControlPlane.objects.update(
        state="decommissioned", begun_at=timezone.now(), decommissioned_at=timezone.now(), next_attempt_at=None
    )

    expect(page.locator("#control-planes").locator("..")).to_contain_text("Taken down", timeout=10_000)
    expect(page.locator("[data-refresh]")).to_have_count(0)
    assert complaints == []
