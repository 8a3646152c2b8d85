"""The plan page in a browser: a card given on the provider's page, Plus begun and cancelled, light, dark and small."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import SERIOUS
from tests.customers import with_password
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def faults(page: Page) -> list[str]:
    """What axe finds serious or worse in light and dark, and whether a phone would scroll sideways."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += [each["id"] for each in Axe().run(page).response["violations"] if each["impact"] in SERIOUS]
    page.set_viewport_size({"width": 390, "height": 800})
    too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1280, "height": 800})
    return found + ["wider than a phone"] * too_wide


def test_an_owner_adds_a_card_upgrades_and_cancels(page: Page, live_server, alice, acme, complaints):
    """P30, P33"""
    with_password(alice)
    page.goto(f"{live_server.url}/login/?next=/billing/plan/")
    page.get_by_label("E-mail address").fill(alice.email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Acme is on Free: nothing is billed.")).to_be_visible()
    assert faults(page) == []

    page.get_by_role("link", name="Add a payment method").first.click()
    page.get_by_role("button", name="Go to the payment provider").click()
    page.get_by_role("button", name="Add this card").click()
    expect(page.get_by_role("status")).to_contain_text("pays for Acme from now on")

    page.get_by_role("link", name="Upgrade to Plus").click()
    expect(page.get_by_role("button", name="Upgrade Acme to Plus")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Upgrade Acme to Plus").click()
    expect(page.get_by_role("status")).to_contain_text("Acme is on Plus.")
    assert faults(page) == []

    page.get_by_role("link", name="Cancel Plus").click()
    expect(page.get_by_role("button", name="Cancel Plus")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Cancel Plus").click()
    expect(page.get_by_role("status")).to_contain_text("Acme is on Free.")
    assert complaints == []
