"""P70: staff sign in with password and second factor, apart from customers."""

import re
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.words import Tier
from tests.desk import enroll, signed_in, totp_code
from tests.factories import PASSWORD

LOGIN = "/admin/login/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_yet(db, settings):
    """The real hasher is slow on purpose; here many passwords are tried."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


def try_password(client, user, password=PASSWORD):
    return client.post(LOGIN, {"email": user.email, "password": password})


def is_in(client):
    return client.get("/admin/").status_code == 200


def test_a_password_alone_opens_nothing(client, lead):
    enroll(lead)

    answer = try_password(client, lead)

    assert answer["Location"] == reverse("admin:login_code")
    assert not is_in(client)
    assert "_auth_user_id" not in client.session


def test_password_and_code_open_the_admin(client, lead):
    enroll(lead)
    try_password(client, lead)

    client.post(reverse("admin:login_code"), {"code": totp_code()})

    assert is_in(client)


def test_a_code_works_once(lead):
    enroll(lead)
    code = totp_code()
    first, second = Client(), Client()
    for client in (first, second):
        try_password(client, lead)
        client.post(reverse("admin:login_code"), {"code": code})

    assert is_in(first)
    assert not is_in(second)


def test_a_recovery_code_works_once(lead):
    recovery = enroll(lead)[0]
    first, second = Client(), Client()
    for client in (first, second):
        try_password(client, lead)
        client.post(reverse("admin:login_code"), {"code": recovery})

    assert is_in(first)
    assert not is_in(second)


def test_a_session_signed_in_without_second_factor_sees_nothing(client, lead):
    """Whatever else signs somebody in, the admin asks for the factor."""
    client.force_login(lead)

    assert not is_in(client)
    assert client.get(reverse("admin:accounts_organization_changelist")).status_code == 302


def test_a_customer_gets_the_answer_of_a_wrong_password(client, alice, lead):
    enroll(alice)
    enroll(lead)

    as_customer = try_password(client, alice).content.decode()
    cache.clear()
    with_wrong_password = try_password(client, lead, "wrong").content.decode()
    cache.clear()
    as_stranger = client.post(LOGIN, {"email": "nobody@example.com", "password": PASSWORD}).content.decode()

    said = [re.findall(r'role="alert">(.*?)</p>', page) for page in (as_customer, with_wrong_password, as_stranger)]
    assert said == [["The e-mail address or the password is not right."]] * 3


def test_a_customer_with_a_second_factor_stays_outside(client, alice):
    enroll(alice)
    client.force_login(alice)

    assert not is_in(client)


def test_the_sixth_try_in_five_minutes_is_refused_even_with_the_right_password(client, lead):
    enroll(lead)
    for _ in range(5):
        try_password(client, lead, "wrong")

    answer = try_password(client, lead)

    assert answer.status_code == 200
    assert "wrong too often" in answer.content.decode()


def test_codes_cannot_be_guessed_without_end(client, lead):
    enroll(lead)
    try_password(client, lead)
    for _ in range(5):
        client.post(reverse("admin:login_code"), {"code": "000000"})

    client.post(reverse("admin:login_code"), {"code": totp_code()})

    assert not is_in(client)


def test_the_session_key_changes_with_each_step(client, lead, settings):
    """A session planted in somebody's browser leads nowhere."""
    enroll(lead)
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key

    try_password(client, lead)
    after_password = client.session.session_key
    client.post(reverse("admin:login_code"), {"code": totp_code()})

    assert len({planted.session_key, after_password, client.session.session_key}) == 3


def test_the_right_password_is_forgotten_after_ten_minutes(client, lead):
    enroll(lead)
    try_password(client, lead)
    session = client.session
    session["staff_sign_in"] = {**session["staff_sign_in"], "at": session["staff_sign_in"]["at"] - 601}
    session.save()

    answer = client.post(reverse("admin:login_code"), {"code": totp_code()})

    assert answer["Location"] == LOGIN
    assert not is_in(client)


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_site(client, lead, then):
    enroll(lead)
    client.post(f"{LOGIN}?next={then}", {"email": lead.email, "password": PASSWORD})

    answer = client.post(reverse("admin:login_code"), {"code": totp_code()})

    assert answer["Location"] == "/admin/"


def test_signing_in_leads_to_where_one_wanted_to_go(client, lead):
    enroll(lead)
    wanted = reverse("admin:accounts_organization_changelist")
    login = client.get(wanted)["Location"]
    client.post(login, {"email": lead.email, "password": PASSWORD})

    assert client.post(reverse("admin:login_code"), {"code": totp_code()})["Location"] == wanted


def test_posts_are_checked_for_their_origin(lead):
    enroll(lead)
    client = Client(enforce_csrf_checks=True)

    assert try_password(client, lead).status_code == 403


def test_signing_out_is_a_post_and_ends_the_session(lead):
    client = signed_in(lead)
    assert client.get("/admin/logout/").status_code == 405

    assert "Sign in again" in client.post("/admin/logout/").content.decode()

    assert not is_in(client)


def test_whoever_has_no_authenticator_sets_one_up_before_anything_else(client, lead):
    lead.set_password(PASSWORD)
    lead.save()
    assert try_password(client, lead)["Location"] == reverse("admin:login_second_factor")
    page = client.get(reverse("admin:login_second_factor")).content.decode()
    secret = re.search(r"desk-secret\">(\w+)<", page)[1]
    assert not is_in(client)

    answer = client.post(reverse("admin:login_second_factor"), {"code": totp_code(secret)})

    assert answer["Location"] == reverse("admin:recovery_codes")
    assert is_in(client)
    codes = re.findall(r"<li><code>(\d+)</code>", client.get(answer["Location"]).content.decode())
    assert len(codes) == 10
    assert client.get(answer["Location"])["Location"] == "/admin/"


def test_a_wrong_code_sets_up_nothing(client, lead):
    lead.set_password(PASSWORD)
    lead.save()
    try_password(client, lead)
    client.get(reverse("admin:login_second_factor"))

    client.post(reverse("admin:login_second_factor"), {"code": "000000"})

    assert not Authenticator.objects.exists()


def test_nobody_replaces_a_second_factor_by_knowing_the_password(client, lead):
    enroll(lead)
    try_password(client, lead)

    assert client.get(reverse("admin:login_second_factor"))["Location"] == reverse("admin:login_code")


def test_create_staff_prints_a_link_that_works_once(client, capsys):
    call_command("create_staff", " New@Portal.example ", "--tier", "lead")
    link = urlsplit(capsys.readouterr().out.split()[-1]).path
    form = client.get(link)["Location"]
    answer = client.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    assert answer["Location"] == reverse("admin:login_second_factor")
    assert User.objects.get(email="new@portal.example").tier == Tier.LEAD
    assert not is_in(client)
    assert "used already" in Client().get(link).content.decode()


def test_create_staff_refuses_a_customers_address(alice, capsys):
    """P1"""
    with pytest.raises(SystemExit) as ending:
        call_command("create_staff", alice.email, "--tier", "viewer")

    assert ending.value.code == 2
    assert "customer" in capsys.readouterr().err
    alice.refresh_from_db()
    assert not alice.is_staff


def test_create_staff_moves_to_another_tier_and_says_when_nothing_changed(lead, capsys):
    enroll(lead)
    call_command("create_staff", lead.email, "--tier", "agent")
    assert User.objects.get(pk=lead.pk).tier == Tier.AGENT

    with pytest.raises(SystemExit) as ending:
        call_command("create_staff", lead.email, "--tier", "agent")

    assert ending.value.code == 1
    assert "Nothing changed" in capsys.readouterr().err


def test_create_staff_refuses_an_address_that_is_too_long(db, capsys):
    with pytest.raises(SystemExit) as ending:
        call_command("create_staff", f"new@{'.'.join(['a' * 60] * 5)}.example", "--tier", "viewer")

    assert ending.value.code == 2
    assert "no e-mail address" in capsys.readouterr().err


def test_whoever_has_no_recovery_codes_is_shown_none(lead):
    answer = signed_in(lead).get(reverse("admin:recovery_codes"))

    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))


def test_the_start_of_the_portal_is_the_desk_for_staff(viewer):
    """P70: every page that refuses leads there."""
    refused = signed_in(viewer).get("/admin/accounts/user/")
    assert 'href="/"' in refused.text

    assert signed_in(viewer).get("/")["Location"] == "/admin/"
