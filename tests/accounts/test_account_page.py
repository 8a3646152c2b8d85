"""My Account: name, password, second factor; each page its owner's alone, and what matters behind one more proof."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from tests import desk
from tests.customers import NEW_PASSWORD, mails_to, signed_in, with_password
from tests.desk import enroll, totp_code
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
FACTOR = "/account/second-factor/"
PAGES = [
    "/account/",
    "/account/name/",
    "/account/address/",
    "/account/password/",
    "/account/sessions/",
    "/account/confirm/",
    FACTOR,
    f"{FACTOR}app/",
    f"{FACTOR}recovery-codes/new/",
    f"{FACTOR}passkeys/add/",
]


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def alice(alice):
    return with_password(alice)


@pytest.mark.parametrize("page", PAGES)
def test_each_page_is_there_for_who_is_signed_in_kept_by_no_cache(alice, page):
    answer = signed_in(alice).get(page)

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer.content.decode().count("<h1>") == 1


@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_sent_to_sign_in_and_staff_find_nothing(client, lead, page):
    """P70"""
    for ask in (client.get, client.post):
        assert ask(page)["Location"].startswith("/login/?next=")
    assert desk.signed_in(lead).get(page).status_code == 404


def test_the_name_is_the_persons_to_choose(alice):
    signed_in(alice).post("/account/name/", {"full_name": "Alice <b>New</b>", "preferred_name": "Al"})

    alice.refresh_from_db()
    assert (alice.full_name, alice.preferred_name) == ("Alice <b>New</b>", "Al")
    assert "<b>New" not in signed_in(alice).get("/account/").content.decode()


@pytest.mark.parametrize(
    "sent", [{"full_name": ""}, {"full_name": "  "}, {"full_name": "x" * 251}, {"full_name": "a\x00"}]
)
def test_a_bad_name_changes_nothing(alice, sent):
    page = signed_in(alice).post("/account/name/", sent).content.decode()

    assert 'role="alert"' in page
    alice.refresh_from_db()
    assert alice.full_name == "Alice Owner"


def test_nothing_else_can_be_posted_with_the_name(alice):
    signed_in(alice).post(
        "/account/name/", {"full_name": "A", "is_staff": "on", "email": "x@x.example", "password": "x"}
    )

    alice.refresh_from_db()
    assert (alice.is_staff, alice.email) == (False, "alice@acme.example")
    assert alice.check_password(PASSWORD)


def change(client, old=PASSWORD, new=NEW_PASSWORD, again=None):
    return client.post(
        "/account/password/", {"old_password": old, "new_password1": new, "new_password2": again or new}
    )


def test_a_new_password_ends_every_other_session_and_is_told_by_mail(alice):
    """P6"""
    here, elsewhere = signed_in(alice), signed_in(alice)

    change(here)

    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert [mail.subject for mail in mails_to(alice.email)] == ["Your password was changed"]


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("Wrong-Horse-7-Battery", NEW_PASSWORD, None),
        (PASSWORD, "short", None),
        (PASSWORD, PASSWORD, None),
        (PASSWORD, NEW_PASSWORD, "Other-Horse-8-Staple"),
        ("", NEW_PASSWORD, None),
        (PASSWORD, "", None),
        (PASSWORD, "Aa1!" * 2000 + "\x00", None),
    ],
)
def test_a_password_is_not_changed_without_the_present_one_and_the_rules(alice, old, new, again):
    """P6"""
    assert 'role="alert"' in change(signed_in(alice), old, new, again).content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_the_present_password_cannot_be_guessed_without_end(alice):
    client = signed_in(alice)
    for _ in range(5):
        change(client, "Wrong-Horse-7-Battery")

    change(client)

    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def set_up_app(client):
    secret = client.get(f"{FACTOR}app/").context["form"].secret
    return client.post(f"{FACTOR}app/", {"code": totp_code(secret)})


def test_an_app_is_set_up_and_its_recovery_codes_are_shown_once(alice, django_capture_on_commit_callbacks):
    client = signed_in(alice)

    with django_capture_on_commit_callbacks(execute=True):
        answer = set_up_app(client)

    codes = client.get(answer["Location"]).context["unused_codes"]
    assert len(codes) == 10
    assert codes[0] not in client.get(answer["Location"]).content.decode()
    assert [mail.subject for mail in mails_to(alice.email)] == ["An authenticator app was added"]


def test_a_wrong_code_sets_up_nothing(alice):
    client = signed_in(alice)
    client.get(f"{FACTOR}app/")

    for code in ("000000", "", "x" * 5000):
        assert client.post(f"{FACTOR}app/", {"code": code}).status_code == 200
    assert not Authenticator.objects.exists()


def test_removing_the_app_takes_the_recovery_codes_too_and_is_told_by_mail(alice):
    client = signed_in(alice)
    enroll(alice)
    client = signed_in(alice)

    client.post(f"{FACTOR}app/remove/")

    assert not Authenticator.objects.exists()
    assert [mail.subject for mail in mails_to(alice.email)] == ["The authenticator app was removed"]


@pytest.mark.parametrize(
    "page", ["/account/address/", f"{FACTOR}app/", f"{FACTOR}passkeys/add/", f"{FACTOR}recovery-codes/new/"]
)
def test_what_matters_asks_once_more_who_one_is_and_goes_on_from_there(alice, page):
    client = signed_in(alice, stepped_up=False)

    to = client.get(page)["Location"]
    assert to.startswith("/account/confirm/")
    assert client.post(to, {"password": "Wrong-Horse-7-Battery"}).status_code == 200
    assert client.get(page).status_code == 302

    assert client.post(to, {"password": PASSWORD})["Location"] == page
    assert client.get(page).status_code == 200


def test_who_has_a_second_factor_shows_it_and_the_password_is_not_enough(alice):
    """Else whoever learns the password in an open session removes it."""
    enroll(alice)
    client = signed_in(alice, stepped_up=False)

    client.post("/account/confirm/", {"password": PASSWORD})
    to = client.get(f"{FACTOR}app/remove/")["Location"]
    assert to.startswith("/account/confirm/code/")

    client.post(to, {"code": totp_code()})
    client.post(f"{FACTOR}app/remove/")
    assert not Authenticator.objects.exists()


def test_that_it_was_them_holds_for_minutes_only(alice, settings):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1

    assert signed_in(alice).get("/account/address/").status_code == 302


def test_nobody_removes_anothers_passkey(alice, bob):
    theirs = Authenticator.objects.create(user=bob, type=Authenticator.Type.WEBAUTHN, data={})

    assert signed_in(alice).post(f"{FACTOR}passkeys/{theirs.pk}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("credential", ["", "no json", "{}", "[]", "null", '{"id": "x", "response": {}}'])
def test_a_malformed_passkey_is_not_added(alice, credential):
    answer = signed_in(alice).post(
        f"{FACTOR}passkeys/add/", {"name": "Mine", "credential": credential, "passwordless": "on"}
    )

    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    "page", ["/account/name/", "/account/password/", "/account/sessions/", f"{FACTOR}app/remove/", "/logout/"]
)
def test_a_form_of_another_site_changes_nothing(alice, page):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post(page, {}).status_code == 403
