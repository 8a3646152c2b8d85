"""Whoever has never heard of the portal opens an organization, and a deactivation shuts every door but the others'."""

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from accounts.lifecycle import deactivate_organizations, unlock_email
from accounts.models import Organization
from accounts.words import Reason, Via
from konnect_portal.foundation.delivery import send_due_mails
from tests import smtp
from tests.browser.test_tokens_page import faults
from tests.browser.test_whole_story import answer_to

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "nina@initech.example"
PASSWORD = "Correct-Horse-7-Battery"


@pytest.fixture
def mailbox(settings, live_server):
    cache.clear()
    with smtp.running() as server:
        settings.MAILERS = server.mailers
        settings.PUBLIC_URL = live_server.url
        yield server


def last_link(mailbox) -> str:
    """The link of the last mail, once the worker has sent what waits."""
    send_due_mails()
    text = mailbox.taken[-1].get_body(("plain",)).get_content()
    return re.search(r"https?://\S+/signup/\S+", text)[0]


def make_organization(page, name, geo):
    page.get_by_label("Name of the organization").fill(name)
    page.get_by_label(re.compile(geo)).check()
    page.get_by_role("button", name="Create the organization").click()


def test_from_the_first_visit_to_a_shut_door_and_past_it(page, live_server, mailbox, complaints, lead):
    """P5, P8, P10, P30, P40, P45, P54"""
    page.goto(f"{live_server.url}/login/")
    page.get_by_role("link", name="Create an organization").click()
    expect(page.get_by_role("button", name="Send the link")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("E-mail address").fill(ADDRESS)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_text(f"We wrote to {ADDRESS}")).to_be_visible()

    page.goto(last_link(mailbox))
    assert faults(page) == []
    page.get_by_label("Your name").fill("Nina New")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    make_organization(page, "Initech", "Europe")
    expect(page.get_by_text("Initech is open.")).to_be_visible()
    assert faults(page) == []

    page.goto(f"{live_server.url}/account/tokens/new/")
    page.get_by_label("Name").fill("ci")
    page.get_by_role("button", name=re.compile("token")).click()
    secret = page.locator("#secret").inner_text()
    assert answer_to(secret, live_server)[0] == 200

    page.goto(f"{live_server.url}/organizations/new/")
    make_organization(page, "Second", "India")
    expect(page.get_by_text("Second is open.")).to_be_visible()
    page.goto(f"{live_server.url}/organizations/")
    page.get_by_role("button", name="Enter Initech").click()
    expect(page.get_by_role("heading", name="Initech")).to_be_visible()

    initech = Organization.objects.get(name="Initech")
    act = {"actor": lead, "via": Via.ADMIN, "ticket": "T-1"}
    deactivate_organizations([initech.pk], reason=Reason.NON_PAYMENT, **act)

    page.goto(f"{live_server.url}/")
    expect(page.get_by_text("because its invoices were not paid")).to_be_visible()
    assert faults(page) == []
    status, problem = answer_to(secret, live_server)
    assert (status, "its invoices were not paid" in problem["detail"]) == (403, True)

    page.goto(f"{live_server.url}/organizations/")
    page.get_by_role("button", name="Enter Second").click()
    expect(page.get_by_role("heading", name="Second")).to_be_visible()

    page.goto(f"{live_server.url}/organizations/new/")
    make_organization(page, "Third", "Europe")
    expect(page.get_by_role("heading", name="This address is locked")).to_be_visible()
    assert faults(page) == []
    unlock_email(ADDRESS, note="paid since", **act)
    page.goto(f"{live_server.url}/organizations/new/")
    make_organization(page, "Third", "Europe")
    expect(page.get_by_text("Third is open.")).to_be_visible()
    assert set(Organization.objects.values_list("name", "state")) == {
        ("Initech", "inactive"),
        ("Second", "active"),
        ("Third", "active"),
    }
    assert [message for message in complaints if "403" not in message] == []
