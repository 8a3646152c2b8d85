"""The look of customer pages: every part of it in a real browser, by day and by night, on a desk and on a phone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.access import SESSION_KEY
from accounts.lifecycle import deactivate_organizations
from accounts.models import Organization, User
from accounts.words import Reason, Via
from geos.models import OrganizationGeo
from tests import factories
from tests.billing.test_plan_page import add_card
from tests.billing.years import fill
from tests.browser.conftest import axe_of
from tests.browser.look_urls import LONG, PAGES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.browser.look_urls")]

DAY = timedelta(days=1)
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SHOWN = sorted(f"/look/{page.stem}/" for page in PAGES.glob("*.html"))
MAILS = settings.BASE_DIR / "accounts" / "templates" / "mail"
TYPICAL = ["inactivity_notice.html", "invitation.html", "organization_deactivated.html"]
"""Those that stand for the others, which are laid out alike, when there is little time."""
REFUSED = ["/refuse/400/", "/refuse/403/", "/refuse/500/", "/no/such/page/"]
PLACES = ["Home", "Control planes", "Licenses", "Billing and Usage", "People", "Teams", "Access tokens", "Settings"]


@pytest.fixture(autouse=True)
def places(settings):
    """As many places as there will be."""
    settings.NAVIGATION = [
        (title, f"/look/{page}/", "accounts.view_organization")
        for title, page in zip(PLACES, ["home", "no", "no2", "no3", "no4", "no5", "table", "settings"], strict=True)
    ]


@pytest.fixture
def enter(page: Page, live_server) -> Callable[..., None]:
    """Sign the browser in, in an organization."""

    def enter(user, organization) -> None:
        client = Client()
        client.force_login(user)
        session, now = client.session, int(timezone.now().timestamp())
        session[SESSION_KEY] = {"id": str(organization.pk), "entered_at": now, "used_at": now}
        session.save()
        page.context.add_cookies([{"name": "sessionid", "value": session.session_key, "url": live_server.url}])

    return enter


@pytest.fixture
def faults(page: Page) -> Callable[[], list[str]]:
    """What is wrong with the page as it stands, by day on a desk and by night on a phone: what axe finds serious, and
    sideways scrolling."""

    def faults() -> list[str]:
        found = []
        for size, scheme in ((DESK, "light"), (PHONE, "dark")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            found += [f"{size['width']} {scheme} {fault}" for fault in axe_of(page)]
            if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                found.append(f"{size['width']} scrolls sideways")
        return found

    return faults


@pytest.mark.parametrize("place", [*SHOWN, *REFUSED])
def test_every_page_can_be_read_by_day_on_a_desk_and_by_night_on_a_phone(
    page, enter, live_server, faults, alice, acme, place
):
    Organization.objects.filter(pk=acme.pk).update(name="Acme and everything else under the sun " * 6)
    User.objects.filter(pk=alice.pk).update(full_name="Alice of a long line of owners " * 8)
    enter(alice, acme)

    page.goto(live_server.url + place)

    assert faults() == []


@pytest.mark.parametrize("place", ["/look/sign_up/", "/look/settings/", "/look/table/"])
def test_nothing_on_a_page_needs_an_exception_from_the_security_policy(
    page, enter, live_server, complaints, alice, acme, place
):
    enter(alice, acme)

    answer = page.goto(live_server.url + place)

    assert "unsafe" not in answer.headers["content-security-policy"]
    assert complaints == []


@pytest.mark.parametrize(
    "mail",
    [
        mail if mail in TYPICAL else pytest.param(mail, marks=pytest.mark.slow)
        for mail in sorted(path.name for path in MAILS.glob("*.html"))
    ],
)
def test_every_mail_can_be_read_by_day_on_a_desk_and_by_night_on_a_phone(page, faults, mail):
    page.set_content(render_to_string(f"mail/{mail}", {"subject": LONG, "organization_name": LONG}))

    assert faults() == []


def test_pages_of_billing_can_be_read_by_day_on_a_desk_and_by_night_on_a_phone(
    page, enter, live_server, faults, complaints, alice, acme
):
    """P33, P34"""
    now = timezone.now()
    factories.subscription(acme, starts_at=now - 40 * DAY)
    OrganizationGeo.objects.bulk_create(OrganizationGeo(organization=acme, geo_id=geo) for geo in ("eu", "sg"))
    fill(acme, ["us", "eu", "sg"], start=now.replace(minute=0, second=0, microsecond=0) - 40 * DAY, end=now)
    add_card(acme)
    lines = [("api_requests", 12_345_678, 234_567), ("gateway_services", 7_200, 105_000)]
    refused = {"refusals": 1, "attempts": 1, "next_attempt_at": now + DAY}
    paid = factories.invoice(acme, *lines, ends_at=now - 40 * DAY, charge={"paid_at": now})
    factories.invoice(acme, *lines, ends_at=now - 10 * DAY, number=2, charge=refused)
    enter(alice, acme)

    found = []
    invoices = ("/billing/invoices/", f"/billing/invoices/{paid.pk}/")
    for place in ("/billing/", "/billing/plan/", "/billing/plan/cancel/", "/billing/plan/payment-method/", *invoices):
        page.goto(live_server.url + place)
        found += [f"{place} {fault}" for fault in faults()]
    assert (found, complaints) == ([], [])


class TestForm:
    def test_what_is_wrong_stands_first_in_focus_and_leads_to_its_field(self, page, live_server, faults):
        page.goto(f"{live_server.url}/look/sign_up/")
        page.get_by_role("button", name="Create the organization").click()

        expect(page).to_have_title("Error: Create an organization")
        expect(page.get_by_role("alert")).to_be_focused()
        assert faults() == []
        page.get_by_role("link", name="Geo: This field is required.").click()
        expect(page.get_by_label("United States")).to_be_focused()
        page.get_by_role("link", name="Your name: This field is required.").click()
        expect(page.get_by_label("Your name")).to_be_focused()
        expect(page.get_by_label("Your name")).to_have_accessible_description("This field is required.")

    def test_it_can_be_filled_with_the_keyboard_alone(self, page, enter, live_server, alice, acme):
        enter(alice, acme)
        page.goto(f"{live_server.url}/look/sign_up/")
        page.get_by_label("Your name").focus()

        for keys in ["Alice", "Tab", "a secret", "Tab", "Tab", "Tab", "Space", "ArrowDown", "Tab", "Space", "Tab"]:
            press = page.keyboard.press if keys in {"Tab", "Space", "ArrowDown"} else page.keyboard.type
            press(keys)
        expect(page.get_by_label("Europe")).to_be_checked()
        expect(page.get_by_role("button", name="Create the organization")).to_be_focused()
        page.keyboard.press("Enter")

        expect(page.get_by_text("Acme was created.")).to_be_visible()

    def test_it_is_sent_once_until_the_page_is_shown_again(self, page, live_server):
        sent = []
        page.goto(f"{live_server.url}/look/sign_up/")
        page.on("request", lambda request: sent.append(request.method) if request.url.endswith("/sign_up/") else None)
        page.route("**/look/sign_up/", lambda route: route.fulfill(status=204))
        button = page.get_by_role("button", name="Create the organization")

        button.press("Enter")
        expect(button).to_have_attribute("aria-disabled", "true")
        button.press("Enter")
        assert sent == ["POST"]

        page.evaluate("dispatchEvent(new Event('pageshow'))")  # as after going back to a page that the browser kept
        with page.expect_request("**/look/sign_up/"):
            button.press("Enter")
        assert sent == ["POST", "POST"]

    def test_a_password_can_be_looked_at(self, page, live_server):
        page.goto(f"{live_server.url}/look/sign_up/")
        password = page.get_by_label("Password", exact=True)

        page.get_by_role("button", name="Show").click()

        expect(password).to_have_attribute("type", "text")


class TestFrame:
    def test_the_first_tab_leads_past_the_head(self, page, enter, live_server, alice, acme):
        enter(alice, acme)
        page.goto(f"{live_server.url}/look/table/")

        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")

        expect(page.get_by_role("link", name="Create a token")).to_be_focused()

    def test_it_names_the_organization_and_where_one_is(self, page, enter, live_server, alice, acme):
        """P5"""
        enter(alice, acme)
        page.goto(f"{live_server.url}/look/table/")

        expect(page.get_by_role("link", name="Acme Switch organization")).to_have_attribute("href", "/organizations/")
        expect(page.get_by_role("navigation", name="Acme").locator("[aria-current=page]")).to_have_text(
            "Access tokens"
        )

    def test_places_that_a_person_may_not_see_are_not_named(self, page, enter, live_server, settings, bob, acme):
        """P4"""
        settings.NAVIGATION = [
            ("Home", "/", "accounts.view_organization"),
            ("People", "/people/", "accounts.view_user"),
        ]
        enter(bob, acme)
        page.goto(f"{live_server.url}/look/table/")

        expect(page.get_by_role("navigation", name="Acme").get_by_role("link")).to_have_text(["Home"])

    def test_the_keyboard_opens_and_closes_what_is_ones_own(self, page, enter, live_server, faults, alice, acme):
        enter(alice, acme)
        page.goto(f"{live_server.url}/look/table/")

        page.get_by_role("button", name="Alice Owner").press("Enter")
        expect(page.get_by_text("alice@acme.example")).to_be_visible()
        assert faults() == []
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="My Account")).to_be_focused()
        page.keyboard.press("Escape")

        expect(page.get_by_role("link", name="My Account")).to_be_hidden()
        expect(page.get_by_role("button", name="Alice Owner")).to_be_focused()

    def test_what_is_dangerous_has_to_be_opened_first(self, page, enter, live_server, alice, acme):
        enter(alice, acme)
        page.goto(f"{live_server.url}/look/settings/")
        button = page.get_by_role("button", name="Deactivate Acme")

        expect(button).to_be_hidden()
        page.get_by_text("Deactivate this organization").click()

        expect(button).to_be_visible()

    def test_a_secret_is_copied_where_the_browser_allows_it(self, page, enter, live_server, alice, acme):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        enter(alice, acme)
        page.goto(f"{live_server.url}/look/table/")

        page.get_by_role("button", name="Copy").click()

        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == page.get_by_label("Token").inner_text()


class TestRefusal:
    def test_a_page_that_is_about_no_organization_goes_on_after_a_deactivation(
        self, page, enter, live_server, alice, acme, lead
    ):
        """P40"""
        deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")
        enter(alice, acme)

        answer = page.goto(f"{live_server.url}/look/notices/")

        assert answer.status == 200
        expect(page.get_by_role("button", name="Alice Owner")).to_be_visible()
        expect(page.get_by_role("navigation")).to_have_count(0)

    def test_members_of_a_deactivated_organization_read_why_and_what_to_do(
        self, page, enter, live_server, settings, faults, alice, acme, lead
    ):
        """P40"""
        deactivate_organizations([acme.pk], reason=Reason.NON_PAYMENT, actor=lead, via=Via.ADMIN, ticket="T-1")
        enter(alice, acme)

        answer = page.goto(f"{live_server.url}/enter/")

        assert answer.status == 403
        expect(page.get_by_text("because its invoices were not paid")).to_be_visible()
        expect(page.get_by_text("your other organizations are not affected")).to_be_visible()
        expect(page.get_by_role("link", name="Write to support")).to_have_attribute("href", settings.SUPPORT_URL)
        expect(page.get_by_role("link", name="Your organizations")).to_have_attribute("href", "/organizations/")
        assert faults() == []

    def test_a_form_without_its_token_changes_nothing_and_says_so(self, page, live_server, faults):
        page.goto(f"{live_server.url}/look/sign_up/")
        page.context.clear_cookies()

        page.get_by_role("button", name="Create the organization").click()

        expect(page.get_by_role("heading", name="This page was open for too long")).to_be_visible()
        assert faults() == []

    def test_a_host_that_is_not_ours_is_refused_before_anybody_is_known(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            answer = Client(HTTP_HOST="portal.invalid").get("/")

        assert answer.status_code == 400
        assert b"This request could not be understood" in answer.content

    def test_the_page_for_our_own_faults_asks_no_database(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            answer = Client(raise_request_exception=False).get("/refuse/500/")

        assert answer.status_code == 500
        assert b"Something broke on our side" in answer.content
