"""What people do without support: invite, join, promote, hand over, and close an account with two organizations."""

import re

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.models import Organization, User
from accounts.services.locks import is_locked
from konnect_portal.foundation.delivery import send_due_mails
from tests import factories, smtp
from tests.browser.test_tokens_page import faults
from tests.customers import with_password
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

NINA = "nina@acme.example"


@pytest.fixture
def mailbox(settings, live_server):
    cache.clear()
    with smtp.running() as server:
        settings.MAILERS = server.mailers
        settings.PUBLIC_URL = live_server.url
        yield server


@pytest.fixture
def other_page(browser: Browser):
    """The browser of somebody else."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def text_of(mailbox, address: str) -> str:
    """The last mail to the address, once the worker has sent what waits."""
    send_due_mails()
    [*_, mail] = [mail for mail in mailbox.taken if address in mail["To"]]
    return mail.get_body(("plain",)).get_content()


def sign_in(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login/" not in address)


def test_invite_join_promote_hand_over_and_close_the_account(
    page, other_page, live_server, mailbox, alice, acme, globex
):
    """P2, P3, P7, P41, P45, P56"""
    alices, ninas, url = page, other_page, live_server.url
    sign_in(alices, url, with_password(alice).email)
    alices.get_by_role("button", name="Enter Acme").click()

    alices.get_by_role("link", name="People", exact=True).click()
    alices.get_by_role("link", name="Invite people").click()
    alices.get_by_label("E-mail addresses").fill(NINA)
    alices.get_by_role("button", name="Invite").click()
    expect(alices.get_by_text(NINA).first).to_be_visible()

    ninas.goto(re.search(r"https?://\S+/join/\S+", text_of(mailbox, NINA))[0])
    assert faults(ninas) == []
    ninas.get_by_label("Your name").fill("Nina New")
    ninas.get_by_label("Password", exact=True).fill(PASSWORD)
    ninas.get_by_role("button", name="Join Acme").click()
    expect(ninas.get_by_role("heading", name="Acme")).to_be_visible()
    expect(ninas.get_by_role("link", name="People", exact=True)).to_have_count(0)

    alices.get_by_role("link", name="People", exact=True).click()
    alices.get_by_role("link", name="Nina New", exact=True).click()
    alices.get_by_role("link", name="Add to a team").click()
    alices.get_by_role("button", name="Add Organization Admin", exact=True).click()
    expect(alices.get_by_text("Nina New was added to Organization Admin.")).to_be_visible()
    ninas.reload()
    expect(ninas.get_by_role("link", name="People", exact=True)).to_be_visible()

    alices.get_by_role("link", name="Settings", exact=True).click()
    alices.get_by_role("link", name="Hand it over").click()
    alices.get_by_label(re.compile("Nina New")).check()
    alices.get_by_label("Your password", exact=True).fill(PASSWORD)
    alices.get_by_role("button", name="Hand it over").click()
    expect(alices.get_by_text("Nina New owns Acme now.")).to_be_visible()
    expect(alices.get_by_text("Deactivate Acme")).to_have_count(0)
    assert Organization.objects.get(pk=acme.pk).owner.email == NINA

    factories.organization("Second", owner=User.objects.get(email=NINA))
    ninas.goto(f"{url}/account/delete/")
    assert faults(ninas) == []
    ninas.get_by_label("What becomes of Acme").select_option(index=1)
    ninas.get_by_label("What becomes of Second").select_option(index=1)
    ninas.get_by_label(f"Type “{NINA}” to confirm").fill(NINA)
    ninas.get_by_label("Your password", exact=True).fill(PASSWORD)
    ninas.get_by_role("button", name="Delete my account").click()
    expect(ninas.get_by_role("heading", name="Your account is deleted")).to_be_visible()

    assert set(Organization.objects.values_list("name", "state", "owner__email")) == {
        ("Acme", "active", alice.email),
        ("Globex", "active", globex.owner.email),
        ("Second", "inactive", NINA),
    }
    assert is_locked(NINA)
    ninas.goto(f"{url}/organizations/")
    expect(ninas).to_have_url(re.compile("/login/"))
    assert "Second" in text_of(mailbox, NINA)

    alices.get_by_role("link", name="People", exact=True).click()
    expect(alices.get_by_text("Nina New")).to_have_count(0)
    alices.get_by_role("link", name="History", exact=True).click()
    expect(alices.get_by_text("Nina New left")).to_be_visible()
    assert faults(alices) == []
