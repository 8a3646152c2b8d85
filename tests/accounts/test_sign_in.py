"""Customers sign in at /login/, apart from staff (P6, P70)."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from tests.factories import PASSWORD

LOGIN, SECOND = "/login/", "/login/second-factor/"
WRONG = "The e-mail address or the password is not right."
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    """The real hasher is slow on purpose; here many passwords are tried."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def alice(alice):
    alice.set_password(PASSWORD)
    alice.save()
    return alice


def try_password(client, user, password=PASSWORD, **more):
    email = user if isinstance(user, str) else user.email
    return client.post(LOGIN, {"login": email, "password": password, **more})


def is_in(client):
    return client.get("/account/").status_code == 200


def said(answer):
    """What the page says, without what differs between any two pages."""
    page = answer.content.decode()
    assert WRONG in page
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|value="[^"]*"|nonce="[^"]*"', "", page)


def test_the_password_opens_the_account(client, alice):
    answer = try_password(client, alice)

    assert answer["Location"] == "/organizations/"
    assert is_in(client)


def test_the_address_may_be_written_in_any_case_and_unicode_form(client, alice):
    """P1"""
    try_password(client, "  ALICE@ACME.EXAMPLE ")

    assert is_in(client)


def test_a_wrong_password_an_unknown_address_a_closed_account_and_staff_read_the_same(
    client, alice, bob, lead, django_assert_num_queries
):
    for closed in (bob, lead):
        closed.set_password(PASSWORD)
    bob.is_active = False
    bob.save()
    lead.save()

    answers = [
        try_password(Client(), alice, "Wrong-Horse-7-Battery"),
        try_password(Client(), "nobody@acme.example"),
        try_password(Client(), bob),
        try_password(Client(), lead),
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert len({said(answer) for answer in answers}) == 1
