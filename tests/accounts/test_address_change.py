"""A person changes address: proven by mail, refused in the mail where it cannot be (P1, P2, P45)."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.lifecycle import deactivate_organizations
from accounts.models import AddressChange, EmailLock, Organization, User
from accounts.services.addresses import (
    AddressRefused,
    change_address,
    request_address_change,
)
from accounts.words import Reason, Tier, Via
from tests import factories
from tests.customers import link_to, mails_to, signed_in, with_password
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db
ADDRESS, NEW = "/account/address/", "alice@new.example"


@pytest.fixture(autouse=True)
def _no_tries_yet(db):
    cache.clear()


def path_of(user):
    return link_to(user, "address_change")


def asked(user, email=NEW):
    request_address_change(user, email)
    return path_of(user)


def address_of(user):
    return User.objects.get(pk=user.pk).email


def deactivate(organization):
    return deactivate_organizations(
        [organization.pk], reason=Reason.FRAUD, via=Via.ADMIN, actor=factories.staff(Tier.LEAD), ticket="T-1"
    )


def test_the_link_changes_it_and_the_old_address_is_told(alice):
    """P1"""
    client, old = signed_in(alice), alice.email
    client.post(ADDRESS, {"email": " Alice@NEW.example "})
    assert address_of(alice) == old

    answer = client.post(path_of(alice))

    assert answer["Location"] == "/account/"
    assert address_of(alice) == NEW
    assert list(EmailAddress.objects.filter(user=alice).values_list("email", "verified", "primary")) == [
        (NEW, True, True)
    ]
    assert [mail.subject for mail in mails_to(NEW)] == ["Confirm your new e-mail address"]
    assert [mail.subject for mail in mails_to(old)] == ["Your e-mail address was changed"]


def test_opening_the_link_changes_nothing_yet(alice):
    """Mail programs open links by themselves."""
    client, path = signed_in(alice), asked(alice)

    client.get(path)

    assert address_of(alice) != NEW


def test_the_contact_address_follows_where_it_was_the_owners(alice, charlie):
    """P2"""
    same = factories.organization("Same", owner=alice)
    apart = factories.organization("Apart", owner=alice, contact_email="office@acme.example")
    strangers = factories.organization("Stranger", owner=charlie, contact_email=alice.email)

    signed_in(alice).post(asked(alice))

    contacts = [Organization.objects.get(pk=each.pk).contact_email for each in (same, apart, strangers)]
    assert contacts == [NEW, "office@acme.example", "alice@acme.example"]


def test_the_page_tells_nobody_which_addresses_are_taken_or_locked(alice, bob, lead, acme):
    """P8, P45: only who reads the address's mail learns it."""
    factories.email_lock(acme, "locked@x.example")
    request_address_change(alice, "first@x.example")
    pages, costs = [], []
    for email in ("free@x.example", bob.email, lead.email, "locked@x.example", "LOCKED@x.example"):
        client = signed_in(alice)
        with CaptureQueriesContext(connection) as queries:
            client.post(ADDRESS, {"email": email})
        costs.append(len(queries))
        pages.append(
            re.sub(r'value="[^"]*"', "", client.get("/account/").content.decode().replace(email.lower(), "X"))
        )

    assert len(set(pages)) == 1
    assert max(costs) - min(costs) <= 1
    subjects = {email: [mail.subject for mail in mails_to(email)] for email in (bob.email, lead.email)}
    assert subjects == {bob.email: ["This address can't be used"], lead.email: ["This address can't be used"]}
    assert len(mails_to("locked@x.example")) == 2
    assert not any("/account/address/" in mail.message for mail in mails_to("locked@x.example"))


@pytest.mark.parametrize("became", ["locked", "taken", "staff"])
def test_what_became_impossible_since_is_refused_at_the_link(alice, acme, became):
    """P45: asked again when the link is used."""
    path = asked(alice)
    if became == "locked":
        factories.email_lock(acme, NEW.upper())
    else:
        factories.UserFactory(email=NEW, is_staff=became == "staff")

    page = signed_in(alice).post(path).content.decode()

    assert "can’t become your address" in page
    assert address_of(alice) == "alice@acme.example"


def test_the_link_works_once(alice):
    client, path = signed_in(alice), asked(alice)
    client.post(path)
    client.post(asked(alice, "alice@acme.example"))

    assert "no longer works" in client.post(path).content.decode()
    assert address_of(alice) == "alice@acme.example"


def test_a_new_request_voids_the_old_link(alice):
    client, path = signed_in(alice), asked(alice)
    request_address_change(alice, "other@new.example")

    assert "no longer works" in client.post(path).content.decode()


def test_the_link_ends_after_a_day(alice, settings):
    client, path = signed_in(alice), asked(alice)
    settings.ADDRESS_CHANGE_HOURS = -1

    assert "no longer works" in client.post(path).content.decode()


@pytest.mark.parametrize("link", ["x", "x:y:z", "a" * 500])
def test_a_made_up_link_changes_nothing(alice, link):
    assert "no longer works" in signed_in(alice).post(f"{ADDRESS}{link}/").content.decode()


def test_the_link_is_the_persons_own(alice, bob, client):
    path = asked(alice)

    assert "no longer works" in signed_in(bob).post(path).content.decode()
    assert client.post(path)["Location"].startswith("/login/")
    assert address_of(alice) == "alice@acme.example"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "no address",
        "ALICE@acme.example",
        "a" * 300 + "@x.example",
        "a\x00@x.example",
        "a@x.example\nBcc: b@x.example",
    ],
)
def test_bad_input_asks_for_nothing(alice, email):
    page = signed_in(alice).post(ADDRESS, {"email": email}).content.decode()

    assert 'role="alert"' in page
    assert not AddressChange.objects.exists()


def test_it_takes_showing_once_more_who_one_is(alice):
    client = signed_in(with_password(alice), stepped_up=False)

    assert client.post(ADDRESS, {"email": NEW})["Location"].startswith("/account/confirm/")
    assert not AddressChange.objects.exists()


def test_sent_twice_it_is_one_wish(alice):
    client = signed_in(alice)
    for _ in range(2):
        client.post(ADDRESS, {"email": NEW})

    assert AddressChange.objects.count() == 1


def test_no_more_than_ten_in_a_minute(alice):
    client = signed_in(alice)

    answers = [client.post(ADDRESS, {"email": f"n{n}@x.example"}).status_code for n in range(11)]

    assert answers == [302] * 10 + [429]


@pytest.mark.django_db(transaction=True)
def test_a_deactivation_that_locks_the_new_address_comes_first(alice, charlie):
    """P45: the change waits for it, then sees the lock."""
    globex = factories.organization("Globex", owner=charlie, contact_email=NEW)
    change = request_address_change(alice, NEW)

    outcome = collide(lambda: deactivate(globex), lambda: change_address(alice, change))

    assert isinstance(outcome, AddressRefused)
    assert address_of(alice) == "alice@acme.example"


@pytest.mark.django_db(transaction=True)
def test_a_deactivation_locks_the_address_that_its_owner_has_by_then(alice, acme):
    """P45: it waits for the change, then locks the new address."""
    change = request_address_change(alice, NEW)

    collide(lambda: change_address(alice, change), lambda: deactivate(acme))

    assert address_of(alice) == NEW
    assert list(EmailLock.objects.live().values_list("address", flat=True)) == [NEW]


@pytest.mark.django_db(transaction=True)
def test_two_people_that_want_one_address_at_once(alice, bob):
    """P1: one gets it."""
    wishes = [(each, request_address_change(each, NEW)) for each in (alice, bob)]

    outcomes = at_once(*[lambda wish=wish: change_address(*wish) for wish in wishes])

    assert sorted(type(each).__name__ for each in outcomes) == ["AddressRefused", "NoneType"]
    assert User.objects.filter(email=NEW).count() == 1
