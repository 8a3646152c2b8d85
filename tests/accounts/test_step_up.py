"""P70: a dangerous act asks for a second factor of the last 15 minutes, and nobody loses what they typed."""

import time

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.models import LifecycleEvent
from accounts.words import State
from tests.desk import enroll, signed_in, totp_code

STEP_UP = "/admin/step-up/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def page(acme):
    return reverse("admin:accounts_organization_deactivate", args=[acme.pk])


@pytest.fixture
def client(lead, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    enroll(lead)
    return signed_in(lead)


def age(client, minutes, method="mfa"):
    """As if this were so long ago, beside a password shown just now."""
    session = client.session
    records = [{"method": method, "at": time.time() - minutes * 60}, {"method": "password", "at": time.time()}]
    session["account_authentication_methods"] = [{"method": "mfa", "at": 0}, *records]
    session.save()


def test_within_15_minutes_nothing_is_asked(client, page):
    age(client, 14)

    assert client.get(page).status_code == 200


@pytest.mark.parametrize(("minutes", "method"), [(16, "mfa"), (0, "password"), (0, "email")])
def test_a_password_or_a_factor_of_an_hour_ago_is_not_enough(client, page, acme, minutes, method):
    age(client, minutes, method)

    for answer in (client.get(page), client.post(page, {"name": "Acme"})):
        assert answer["Location"] == STEP_UP
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    assert client.get("/admin/").status_code == 200


def test_whoever_was_typing_comes_back_to_what_they_typed(client, page, acme):
    """The factor ran out between the page and the button."""
    digest = client.get(page).context["shown"].digest
    typed = {"reason": "spam", "note": "Sends to millions", "ticket": "T-7", "name": "Acme", "take_down": "later"}
    age(client, 20)

    client.post(page, {**typed, "digest": digest})
    assert not LifecycleEvent.objects.exists()
    back = client.post(STEP_UP, {"code": totp_code()})
    assert back["Location"] == page
    form = client.get(page).context["form"]
    client.post(page, {**{name: form[name].value() for name in typed}, "digest": digest})

    assert (event := LifecycleEvent.objects.get()).note == "Sends to millions"
    assert event.ticket == "T-7"


def test_a_wrong_code_leads_nowhere_and_the_page_leads_to_no_other_site(client, page):
    age(client, 20)
    client.get(page)
    assert "not right" in client.post(STEP_UP, {"code": "000000"}).content.decode()

    session = client.session
    session["staff_step_up"] = {"path": "//evil.example/", "typed": ""}
    session.save()
    assert client.post(STEP_UP, {"code": totp_code()})["Location"] == reverse("admin:index")


def test_what_was_typed_for_one_organization_is_not_offered_for_another(client, page, globex):
    age(client, 20)
    client.post(page, {"note": "Only of Acme"})
    client.post(STEP_UP, {"code": totp_code()})

    other = reverse("admin:accounts_organization_deactivate", args=[globex.pk])
    assert "Only of Acme" not in client.get(other).content.decode()
    assert "Only of Acme" in client.get(page).content.decode()
