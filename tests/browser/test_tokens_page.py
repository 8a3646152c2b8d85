"""Tokens in a real browser: made, seen once, used, revoked (P5), by day and night, on desk and phone."""

import json
import urllib.error
import urllib.request

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import axe_of

pytestmark = pytest.mark.django_db(transaction=True)

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def signed_in(page, live_server, alice):
    """The browser has a session of Alice that has entered no organization."""
    client = Client()
    client.force_login(alice)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )


def answer_to(secret: str, live_server) -> int:
    """What the API answers to this token."""
    asked = urllib.request.Request(
        f"{live_server.url}/v3/organizations/me", headers={"Authorization": f"Bearer {secret}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as response:
            assert json.load(response)["name"] == "Acme"
            return response.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def faults(page) -> list[str]:
    """What axe finds serious, by day and night, and whether the page scrolls sideways."""
    found = []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{size['width']} {scheme} {fault}" for fault in axe_of(page)]
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found.append(f"{size['width']} scrolls sideways")
    page.set_viewport_size(DESK)
    return found


def test_a_token_is_made_seen_once_used_and_revoked(page, live_server, signed_in, acme, globex, complaints):
    """P5"""
    page.goto(f"{live_server.url}/account/tokens/")
    expect(page.get_by_role("heading", name="Your organizations")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Enter Acme").click()

    expect(page.get_by_role("heading", name="No token yet")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Make a token").click()
    page.get_by_label("Name").fill("-")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("alert")).to_contain_text("letter or digit at either end")
    assert faults(page) == []
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("Valid for how many days").fill("7")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="laptop was made")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("kpat_")
    assert answer_to(secret, live_server) == 200
    assert faults(page) == []
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("row", name="laptop")).to_contain_text("Valid")
    assert secret not in page.content()
    assert faults(page) == []

    page.get_by_role("link", name="Revoke laptop").click()
    expect(page.get_by_role("heading", name="Revoke laptop")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Revoke laptop").click()
    expect(page.get_by_role("status")).to_contain_text("laptop was revoked")
    expect(page.get_by_role("row", name="laptop")).to_contain_text("Revoked")
    assert answer_to(secret, live_server) == 401
    assert complaints == []


def test_an_admin_gives_a_machine_an_account_and_a_token(page, live_server, signed_in, acme, complaints):
    page.goto(f"{live_server.url}/organizations/")
    page.get_by_role("button", name="Enter Acme").click()
    expect(page.get_by_role("heading", name="Acme", exact=True)).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="System accounts").click()
    expect(page.get_by_role("link", name="Make a system account")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Make a system account").click()
    page.get_by_label("Name").fill("deployer")
    page.get_by_label("Description").fill("Deploys the shop")
    page.get_by_role("button", name="Make the system account").click()
    expect(page.get_by_role("heading", name="deployer")).to_be_visible()
    page.get_by_role("link", name="Make a token").click()
    page.get_by_label("Name").fill("pipeline")
    page.get_by_role("button", name="Make the token").click()

    assert answer_to(page.locator("#secret").inner_text(), live_server) == 200
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("row", name="pipeline")).to_contain_text("Valid")
    assert faults(page) == []
    assert complaints == []


def test_of_many_organizations_one_is_found_by_keyboard(page, live_server, signed_in, alice, acme):
    """P5"""
    for n in range(40):
        factories.organization(f"Initech {n}", owner=alice)
    page.goto(f"{live_server.url}/organizations/")
    assert faults(page) == []
    page.get_by_label("Find one by its name").fill("acme")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Enter Acme").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Acme", exact=True)).to_be_visible()
