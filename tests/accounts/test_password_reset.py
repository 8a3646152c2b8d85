"""A new password by mail: a link that works once, and an answer that tells nobody who has an account (P6)."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Session
from accounts.services.resets import request_password_reset
from tests import factories
from tests.customers import NEW_PASSWORD, link_to, mails_to, signed_in, with_password
from tests.desk import enroll
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
RESET = "/password/reset/"


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def alice(alice):
    return with_password(alice)


def path_of(user):
    request_password_reset(user.email)
    return link_to(user, "password_reset")


def choose(client, path, password=NEW_PASSWORD, again=None):
    """Follow the link and choose a password; the link leads to a page whose address no longer holds the secret."""
    opened = client.get(path)
    if opened.status_code != 302:
        return opened
    return client.post(opened["Location"], {"new_password1": password, "new_password2": again or password})


def test_the_link_sets_a_password_and_ends_every_session(client, alice):
    """P6"""
    elsewhere = signed_in(alice)

    answer = choose(client, path_of(alice))

    assert answer["Location"] == "/login/"
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert elsewhere.get("/account/").status_code == 302
    assert not Session.objects.filter(user_id=alice.pk).exists()
    assert mails_to(alice.email)[-1].subject == "Your password was changed"


def test_it_signs_nobody_in_past_the_second_factor(client, alice):
    enroll(alice)

    choose(client, path_of(alice))

    assert client.get("/account/").status_code == 302


def test_the_link_works_once(alice):
    path = path_of(alice)
    choose(Client(), path)

    answer = choose(Client(), path, "Third-Horse-9-Battery")

    assert "no longer works" in answer.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)


def test_the_link_ends_after_a_day(alice, settings):
    path = path_of(alice)
    settings.PASSWORD_RESET_TIMEOUT = -1

    assert "no longer works" in choose(Client(), path).content.decode()


@pytest.mark.parametrize("end", ["closed", "address", "staff"])
def test_the_link_ends_with_what_it_was_made_for(alice, end):
    path = path_of(alice)
    if end == "closed":
        alice.is_active, alice.closed_at = False, timezone.now()
    elif end == "address":
        alice.email = "other@acme.example"
    else:
        alice.is_staff = True
    alice.save()

    assert "no longer works" in choose(Client(), path).content.decode()


@pytest.mark.parametrize("path", ["x/y/", "MQ/set-password/", "%00/x/", "a" * 300 + "/b/"])
def test_a_made_up_link_is_refused_plainly(client, path):
    answer = client.get(RESET + path)

    assert answer.status_code == 200
    assert "no longer works" in answer.content.decode()


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        (PASSWORD, None, "differ from your last 13"),
        ("short", None, "at least 12 characters"),
        (NEW_PASSWORD, "Other-Horse-8-Staple", "didn’t match"),
        ("", None, "Please choose a password"),
    ],
)
def test_a_password_has_to_keep_the_rules(client, alice, password, again, said):
    """P6"""
    page = choose(client, path_of(alice), password, again).content.decode()

    assert said in page
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_the_answer_is_alike_for_everybody_and_so_is_its_cost(alice, bob, charlie, lead, acme):
    """P45: whoever has an account goes on having it, locked address or not."""
    bob.is_active, bob.closed_at = False, timezone.now()
    bob.save()
    factories.email_lock(acme, charlie.email)
    addresses = [alice.email, "nobody@x.example", bob.email, charlie.email, lead.email]

    answers, costs = [], []
    for email in addresses:
        with CaptureQueriesContext(connection) as queries:
            answer = Client().post(RESET, {"email": email})
        answers.append(re.sub(r'value="[^"]*"', "", answer.content.decode().replace(email, "X")))
        costs.append((answer.status_code, len(queries)))

    assert len(set(answers)) == 1
    assert len(set(costs)) == 1
    told = [[mail.subject for mail in mails_to(email)] for email in addresses]
    link, none = ["Choose a new password"], ["No account with this address"]
    assert told == [link, none, none, link, none]


def test_an_address_is_written_to_five_times_a_minute_in_whatever_spelling():
    answers = [Client().post(RESET, {"email": "Nobody@X.example" if n % 2 else "nobody@x.example"}) for n in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert len(mails_to("nobody@x.example")) == 5


@pytest.mark.parametrize(
    "email", ["", "no address", "a@x.example\r\nBcc: b@x.example", "a\x00@x.example", "a" * 300 + "@x.example"]
)
def test_bad_addresses_are_written_to_by_nobody(client, email):
    assert client.post(RESET, {"email": email}).status_code == 200
    assert mails_to(email) == []
    assert 'role="alert"' in client.post(RESET, {"email": email}).content.decode()
