"""Customers sign in at /login/, apart from staff (P6, P70)."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import hashers
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.customers import with_password
from tests.desk import enroll, totp_code
from tests.factories import PASSWORD

LOGIN, SECOND = "/login/", "/login/second-factor/"
WRONG = "The e-mail address or the password is not right."
FORGED = (
    '{"id": "eA", "rawId": "eA", "type": "public-key", "clientExtensionResults": {},'
    ' "response": {"clientDataJSON": "e30", "authenticatorData": "eA", "signature": "eA", "userHandle": "eA"}}'
)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    """The real hasher is slow on purpose; here many passwords are tried."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def alice(alice):
    return with_password(alice)


def try_password(client, user, password=PASSWORD, to=LOGIN):
    email = user if isinstance(user, str) else user.email
    return client.post(to, {"login": email, "password": password})


def is_in(client):
    return client.get("/account/").status_code == 200


def said(answer):
    """What the page says, without what differs between any two pages."""
    page = answer.content.decode()
    assert WRONG in page
    return re.sub(r'value="[^"]*"', "", page)


def nobodies(alice, bob, lead):
    """Everyone whom sign-in must not tell apart: a wrong password, nobody, a closed account, staff."""
    for person in (bob, lead):
        with_password(person)
    bob.is_active, bob.closed_at = False, timezone.now()
    bob.save()
    return [
        (alice.email, "Wrong-Horse-7-Battery"),
        ("nobody@x.example", PASSWORD),
        (bob.email, PASSWORD),
        (lead.email, PASSWORD),
    ]


def test_the_password_opens_the_account(client, alice):
    answer = try_password(client, alice)

    assert answer["Location"] == "/"
    assert is_in(client)


@pytest.mark.parametrize("written", ["  ALICE@ACME.EXAMPLE ", "\uff41lice@acme.example"])
def test_the_address_may_be_written_in_any_case_and_unicode_form(client, alice, written):
    """P1"""
    try_password(client, written)

    assert is_in(client)


def test_nobody_reads_from_the_answer_who_has_an_account(alice, bob, lead):
    answers = [try_password(Client(), *who) for who in nobodies(alice, bob, lead)]

    assert {answer.status_code for answer in answers} == {200}
    assert len({said(answer) for answer in answers}) == 1


def test_every_try_costs_one_password_hash_and_as_many_queries(alice, bob, lead, monkeypatch):
    """Else the time of the answer tells who has an account."""
    who = nobodies(alice, bob, lead)
    hashed = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher, "encode", lambda *args, **more: hashed.append(1) or encode(*args, **more)
    )

    costs = []
    for each in who:
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            try_password(Client(), *each)
        costs.append((len(hashed), len(queries)))

    assert costs[0][0] == 1
    assert len(set(costs)) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"login": "", "password": ""},
        {"login": "alice@acme.example"},
        {"password": PASSWORD},
        {"login": "no address", "password": PASSWORD},
        {"login": "a" * 5000 + "@x.example", "password": PASSWORD},
        {"login": "alice@acme.example\x00", "password": PASSWORD},
        {"login": "alice@acme.example", "password": "x\x00" * 9},
        {"login": "alice@acme.example", "password": "A" * 100_000},
    ],
)
def test_bad_input_is_answered_and_opens_nothing(client, alice, sent):
    answer = client.post(LOGIN, sent)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not is_in(client)


def test_the_sixth_try_is_refused_even_with_the_right_password(client, alice):
    for _ in range(5):
        try_password(Client(), alice, "Wrong-Horse-7-Battery")

    answer = try_password(client, alice)

    assert "wrong too often" in answer.content.decode()
    assert not is_in(client)


def test_the_limit_of_an_address_holds_in_any_spelling_and_counts_alike_for_everyone(alice, lead):
    """Were a right password of staff not counted, the limit would tell that it is right."""
    with_password(lead)
    for email in (alice.email.upper(), lead.email, "nobody@x.example"):
        password = PASSWORD if email == lead.email else "Wrong-Horse-7-Battery"
        cache.clear()
        said_each = ["wrong too often" in try_password(Client(), email, password).content.decode() for _ in range(6)]
        assert said_each == [False] * 5 + [True]


def test_signing_in_rightly_uses_up_no_try(alice):
    for _ in range(8):
        client = Client()
        try_password(client, alice)
        assert is_in(client)


def test_an_address_of_the_internet_tries_thirty_times_a_minute(client):
    answers = [try_password(client, f"nobody{n}@x.example") for n in range(31)]

    assert answers[-1].status_code == 429
    assert "Too many tries" in answers[-1].content.decode()


def test_the_second_factor_is_asked_for_where_there_is_one(client, alice):
    enroll(alice)

    answer = try_password(client, alice)

    assert answer["Location"] == SECOND
    assert not is_in(client)
    client.post(SECOND, {"code": totp_code()})
    assert is_in(client)


def test_a_recovery_code_works_once_in_place_of_the_second_factor(alice):
    code = enroll(alice)[0]
    first, second = Client(), Client()
    for client in (first, second):
        try_password(client, alice)
        client.post(SECOND, {"code": code})

    assert is_in(first)
    assert not is_in(second)


def test_codes_cannot_be_guessed_without_end(client, alice):
    enroll(alice)
    try_password(client, alice)
    for _ in range(5):
        client.post(SECOND, {"code": "000000"})

    client.post(SECOND, {"code": totp_code()})

    assert not is_in(client)


@pytest.mark.parametrize("sent", [{}, {"code": ""}, {"code": "1" * 5000}, {"credential": "{}"}, {"credential": "no"}])
def test_a_second_step_with_bad_input_opens_nothing(client, alice, sent):
    enroll(alice)
    try_password(client, alice)

    assert client.post(SECOND, sent).status_code == 200
    assert not is_in(client)


def test_the_second_step_leads_back_to_the_first_where_nobody_has_shown_a_password(client):
    assert client.get(SECOND)["Location"] == LOGIN
    assert client.post(SECOND, {"code": "123456"})["Location"] == LOGIN


def test_the_session_key_changes_with_each_step(client, alice):
    """A session planted in somebody's browser leads nowhere."""
    enroll(alice)
    session = client.session
    session["planted"] = True
    session.save()
    keys = [client.session.session_key]
    try_password(client, alice)
    keys.append(client.session.session_key)
    client.post(SECOND, {"code": totp_code()})
    keys.append(client.session.session_key)

    assert is_in(client)
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/account/", "/account/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.example", "/"),
    ],
)
def test_sign_in_leads_on_within_the_portal_only(client, alice, wanted, led_to):
    assert try_password(client, alice, to=f"{LOGIN}?next={wanted}")["Location"] == led_to


def test_a_page_that_asks_for_sign_in_is_come_back_to(client, alice):
    to = client.get("/account/sessions/")["Location"]

    assert to == "/login/?next=/account/sessions/"
    assert try_password(client, alice, to=to)["Location"] == "/account/sessions/"


def test_a_form_of_another_site_signs_nobody_in(alice):
    client = Client(enforce_csrf_checks=True)

    assert try_password(client, alice).status_code == 403
    assert not is_in(client)


def test_signing_out_takes_a_press_of_the_button(client, alice):
    try_password(client, alice)
    client.get("/logout/")
    assert is_in(client)

    answer = client.post("/logout/")

    assert answer["Location"] == LOGIN
    assert not is_in(client)


def test_a_customer_who_is_signed_in_is_sent_on_from_the_sign_in_page(client, alice):
    try_password(client, alice)

    assert client.get(LOGIN)["Location"] == "/"


def test_a_closed_account_is_out_at_the_next_request(client, alice):
    """P56"""
    try_password(client, alice)
    alice.is_active, alice.closed_at = False, timezone.now()
    alice.save()

    assert not is_in(client)


def test_staff_have_no_account_page(client, lead):
    """P70"""
    client.force_login(lead)

    for page in ("/account/", "/account/address/", "/account/second-factor/", "/account/sessions/"):
        assert client.get(page).status_code == 404


def test_a_passkey_of_another_or_none_opens_nothing(client, alice):
    """What is posted there comes from anybody."""
    options = client.get("/login/passkey/", headers={"Accept": "application/json"}).json()["request_options"]

    assert options["publicKey"]["userVerification"] == "required"
    for credential in ("", "no json", "{}", "[]", "null", "3", "9" * 5000, '{"id": "x", "response": {}}', FORGED):
        assert client.post("/login/passkey/", {"credential": credential})["Location"] == LOGIN
    assert not is_in(client)
    assert not Authenticator.objects.exists()


def test_no_cache_keeps_what_sign_in_shows(client):
    for page in (LOGIN, "/password/reset/"):
        assert "no-store" in client.get(page)["Cache-Control"]
