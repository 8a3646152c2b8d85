"""A customer signs in in a real browser: by authenticator app, and by a passkey that the browser itself holds."""

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect

from tests.browser.conftest import axe_of
from tests.customers import with_password
from tests.desk import totp_code
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"width": 390, "height": 844}


@pytest.fixture(autouse=True)
def _no_tries_yet(db):
    cache.clear()


@pytest.fixture
def portal(live_server) -> str:
    """By name: no browser makes a passkey for an address of numbers."""
    return live_server.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def authenticator(page: Page) -> None:
    """A device with a fingerprint reader, which always sees the right finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_in(page: Page, portal: str, user) -> None:
    page.goto(f"{portal}/login/?next=/account/second-factor/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")


def confirm_by_password(page: Page) -> None:
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page: Page, portal: str) -> None:
    page.goto(f"{portal}/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_app_is_set_up_and_asked_for_at_the_next_sign_in(page, portal, complaints, alice):
    sign_in(page, portal, with_password(alice))
    page.get_by_role("link", name="Set up an app").click()
    confirm_by_password(page)
    secret = page.get_by_label("Letters for the app").inner_text()
    page.get_by_label("Authenticator code").fill(totp_code(secret, for_seconds=8))
    page.get_by_role("button", name="Set up the app").click()
    expect(page.locator(".codes li")).to_have_count(10)
    code = page.locator(".codes li").first.inner_text()

    sign_out(page, portal)
    sign_in(page, portal, alice)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_role("link", name="Remove the app")).to_be_visible()
    expect(page.get_by_text("9 left")).to_be_visible()
    assert complaints == []


def test_a_passkey_signs_in_without_a_password(page, portal, complaints, authenticator, alice):
    sign_in(page, portal, with_password(alice))
    page.get_by_role("link", name="Add a passkey").click()
    confirm_by_password(page)
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    sign_out(page, portal)

    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile("/organizations/"))
    page.goto(f"{portal}/account/second-factor/")

    expect(page.get_by_role("link", name="Remove Work laptop")).to_be_visible()


def test_a_passkey_is_the_second_factor_after_a_password(page, portal, complaints, authenticator, alice):
    sign_in(page, portal, with_password(alice))
    page.get_by_role("link", name="Add a passkey").click()
    confirm_by_password(page)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    sign_out(page, portal)

    sign_in(page, portal, alice)
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_role("heading", name="Second factor and passkeys")).to_be_visible()
    assert complaints == []


def test_a_passkey_is_asked_for_once_the_page_can_ask(page, portal):
    """P5: pressed before its script has come, the button would post no passkey, and the sign-in would be refused."""
    page.route("**/passkeys*.js", lambda route: route.abort())
    page.goto(f"{portal}/login/")
    button = page.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_disabled()

    page.unroute_all()
    page.reload()

    expect(button).to_be_enabled()


@pytest.mark.parametrize(
    "place",
    ["/login/", "/password/reset/", "/account/", "/account/name/", "/account/sessions/", "/account/second-factor/"],
)
def test_every_page_fits_a_phone_and_axe_finds_nothing_serious(page, portal, alice, place):
    if place.startswith("/account/"):
        sign_in(page, portal, with_password(alice))
        page.wait_for_url(f"{portal}/account/**")
    page.set_viewport_size(PHONE)
    page.goto(portal + place)

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_of(page) == []
