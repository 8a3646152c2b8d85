"""Signing up, from the address to the first page (P8, P10, P20, P30, P45)."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.access import organization_of
from accounts.models import EmailLock, LifecycleEvent, Membership, Organization, SignUpRequest, User
from accounts.services.sign_up import forget_requests, make_link, request_sign_up
from billing.models import Credit, Subscription, TrialClaim
from konnect_portal.foundation.delivery import send_due_mails
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import LINK_PLACEHOLDER
from licensing.models import License
from tests import factories, smtp

pytestmark = pytest.mark.django_db

ADDRESS = "new@initech.example"
PASSWORD = "Correct-Horse-7-Battery"


@pytest.fixture(autouse=True)
def fresh_limits():
    cache.clear()


def ask(client, email=ADDRESS):
    return client.post(reverse("sign_up"), {"email": email})


def link_for(email=ADDRESS) -> str:
    """The path of the link, as the worker makes it when it sends the mail."""
    link = make_link(Mail.objects.filter(kind="sign_up", email__to=email).latest("email"))
    assert link is not None
    return link.removeprefix("http://127.0.0.1:8000")


def answers(**changes) -> dict:
    return {
        "id": str(uuid4()),
        "full_name": "Nina New",
        "password": PASSWORD,
        "organization_name": "Initech",
        "geo": "eu",
    } | changes


@pytest.fixture
def link(client) -> str:
    ask(client)
    return link_for()


def nothing_was_made() -> bool:
    models = (User, Organization, EmailAddress, License, Credit, Subscription, TrialClaim, EmailLock, LifecycleEvent)
    return not any(model.objects.exists() for model in models)


def test_asking_makes_nothing_but_the_request_and_a_mail(client):
    """P8"""
    ask(client)

    assert nothing_was_made()
    assert SignUpRequest.objects.get().email == ADDRESS
    assert Email.objects.get().to == [ADDRESS]


def test_the_answer_is_the_same_for_a_new_a_known_a_locked_and_a_staff_address(client, acme, alice, globex, lead):
    """P8: the mail alone says what is the case."""
    factories.email_lock(globex, "locked@globex.example")
    addresses = {
        ADDRESS: "sign_up",
        alice.email: "sign_up_known",
        lead.email: "sign_up_known",
        "locked@globex.example": "sign_up_locked",
    }

    pages = {ask(client, address).content.decode().replace(address, "…") for address in addresses}

    assert len(pages) == 1
    told = {email.to[0]: email.about.kind for email in Email.objects.all()}
    assert told == addresses


@pytest.mark.parametrize("variant", [" LOCKED@Globex.example ", "ｌｏｃｋｅｄ@globex.example"])
def test_a_lock_holds_whatever_the_case_or_unicode_form(client, variant, globex):
    """P1, P45"""
    factories.email_lock(globex, "locked@globex.example")

    request_sign_up(variant)

    assert Email.objects.get().about.kind == "sign_up_locked"


def test_an_address_is_taken_in_the_form_of_p1_before_it_is_judged(client):
    """P1"""
    ask(client, "ｎｅｗ＠ｉｎｉｔｅｃｈ.example")

    assert SignUpRequest.objects.get().email == ADDRESS


def test_following_the_link_changes_nothing(client, link):
    """P8: some mail programs follow links themselves."""
    for _ in range(2):
        assert client.get(link).status_code == 200

    assert nothing_was_made()


def test_one_transaction_makes_all_of_it(client, link):
    """P2, P4, P8, P10, P20, P30"""
    answer = client.post(link, answers())

    assert answer.status_code == 302
    user = User.objects.get(email=ADDRESS)
    organization = Organization.objects.get()
    assert (organization.name, organization.owner, organization.contact_email) == ("Initech", user, ADDRESS)
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified
    assert organization.teams.count() == 8
    assert [row.team.name for row in organization.team_memberships.select_related("team")] == ["Organization Admin"]
    assert organization.organization_geos.get().geo_id == "eu"
    control_plane = organization.control_planes.get()
    assert (control_plane.name, control_plane.geo_id, control_plane.kind) == ("default", "eu", "gateway")
    assert organization.licenses.live().count() == 3
    trial = organization.subscriptions.get()
    assert (trial.is_trial, trial.ends_at - trial.starts_at) == (True, timedelta(days=30))
    credit = organization.credits.get()
    assert (credit.kind, credit.expires_at, credit.remaining_cents) == ("free", trial.ends_at, 50_000)
    assert organization.billing_account.anchor_at == organization.created_at
    event = LifecycleEvent.objects.get()
    assert (event.act, event.via, event.actor_id) == ("opened", "signup", user.pk)
    assert ADDRESS not in str(event.details)


def test_whoever_signed_up_is_inside_the_organization(client, link):
    """P5: entering counts as a login."""
    client.post(link, answers())

    organization = Organization.objects.get()
    request = client.get("/").wsgi_request
    assert organization_of(request) == organization
    assert organization.last_login_at is not None
    assert Membership.objects.get().last_login_at == organization.last_login_at


def test_a_link_works_once(client, link):
    """P8"""
    client.post(link, answers())
    client.logout()

    assert client.post(link, answers(organization_name="Again")).status_code == 410
    assert Organization.objects.get().name == "Initech"


def test_sent_twice_it_leads_on(client, link):
    client.post(link, answers())

    assert client.post(link, answers()).url == "/organizations/"
    assert Organization.objects.count() == 1


def test_a_link_ends_after_24_hours(client, link):
    """P8"""
    SignUpRequest.objects.update(expires_at=timezone.now())

    assert client.get(link).status_code == 410
    assert client.post(link, answers()).status_code == 410
    assert nothing_was_made()


def test_a_new_request_voids_the_link_before(client, link):
    """P8"""
    ask(client)

    assert client.get(link).status_code == 410
    assert client.get(link_for()).status_code == 200


def test_a_made_up_link_is_answered_as_one_that_ended(client):
    assert client.get("/signup/made-up/").status_code == 410


def test_an_address_locked_since_is_refused_and_the_link_waits_for_support(client, link, globex):
    """P8, P45"""
    lock = factories.email_lock(globex, ADDRESS)

    assert client.post(link, answers()).status_code == 403
    assert not User.objects.filter(email=ADDRESS).exists()

    lock.delete()
    assert client.post(link, answers()).status_code == 302


def test_an_address_that_got_an_account_since_is_refused(client, link):
    """P1"""
    factories.UserFactory(email=ADDRESS)

    assert client.post(link, answers()).status_code == 410
    assert not Organization.objects.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"full_name": ""}, "enter your name"),
        ({"full_name": "x" * 251}, "250"),
        ({"full_name": "a\0b"}, "Null characters"),
        ({"password": "short"}, "12"),
        ({"password": ""}, "choose a password"),
        ({"organization_name": "  "}, "name the organization"),
        ({"organization_name": "x" * 251}, "250"),
        ({"geo": ""}, "Please choose one of these geos"),
        ({"geo": "sg"}, "Please choose one of these geos"),
        ({"geo": "moon"}, "Please choose one of these geos"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_typed_is_lost_but_the_password(client, link, change, says):
    """P6, P10"""
    answer = client.post(link, answers(**change))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert says in page
    assert "Initech" in page or "organization_name" in change
    assert PASSWORD not in page
    assert nothing_was_made()


TOO_LONG_IN_FULL = f"x@{'.'.join(['㌀' * 11] * 18)}.example"  # each of these signs stands for four


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "x" * 250 + "@a.example", TOO_LONG_IN_FULL, "a\0@b.example"])
def test_what_is_no_address_is_told(client, email):
    assert ask(client, email).context["form"].errors["email"]
    assert not Email.objects.exists()


@pytest.mark.parametrize("address", ["locked@globex.example", "alice@acme.example", ADDRESS])
def test_nobody_gets_more_than_five_mails_in_a_minute(client, acme, globex, address):
    """P8: the limit, too, is alike for all addresses."""
    factories.email_lock(globex, "locked@globex.example")

    assert [ask(client, address).status_code for _ in range(6)] == [200] * 5 + [429]
    assert ask(client, "other@initech.example").status_code == 200


def test_whoever_asks_for_many_addresses_is_refused(client):
    for number in range(20):
        ask(client, f"person{number}@initech.example")

    assert ask(client).status_code == 429


def test_what_nobody_went_on_with_is_forgotten_after_a_week(client):
    ask(client)
    SignUpRequest.objects.update(requested_at=timezone.now() - timedelta(days=7))
    ask(client, "late@initech.example")

    forget_requests()

    assert SignUpRequest.objects.get().email == "late@initech.example"


def test_whoever_is_signed_in_is_led_to_a_second_organization(client, alice):
    client.force_login(alice)

    assert client.get(reverse("sign_up")).url == "/organizations/new/"


def test_the_secret_stands_in_the_mail_sent_and_nowhere_else(client, settings, caplog):
    """P8, P48"""
    with smtp.running() as server:
        settings.MAILERS = server.mailers
        ask(client)
        assert send_due_mails() == 1

    text = server.taken[0].get_body(("plain",)).get_content()
    secret = re.search(r"/signup/([\w-]{40,})/", text)[1]
    email = Email.objects.get()
    stored = f"{email.message} {email.html_message} {email.context} {email.headers}"
    assert LINK_PLACEHOLDER in stored
    assert secret not in stored
    client.get(f"/signup/{secret}/")
    assert secret not in caplog.text
    assert SignUpRequest.objects.get().digest not in (None, secret.encode())
