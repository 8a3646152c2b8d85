"""A lost second factor of staff is reset by an administrator, never one's own (P70)."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from accounts.models import LifecycleEvent
from accounts.words import Act, Tier
from tests import factories
from tests.customers import mails_to
from tests.desk import enroll, signed_in
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def lead(lead):
    enroll(lead)
    return lead


def page_of(person):
    return f"/admin/accounts/user/{person.pk}/reset-second-factor/"


def reset(client, person, **changed):
    page = client.get(page_of(person))
    digest = page.context["shown"].digest if page.status_code == 200 else ""
    sent = {"note": "Lost the phone", "ticket": "T-7", "name": person.email, "digest": digest}
    return client.post(page_of(person), sent | changed)


def has_factor(person):
    return Authenticator.objects.filter(user=person).exists()


def test_an_administrator_resets_it_and_every_session_of_theirs_ends(administrator, lead):
    """P70"""
    open_session = signed_in(lead)
    assert open_session.get("/admin/").status_code == 200

    reset(signed_in(administrator), lead)

    assert not has_factor(lead)
    assert open_session.get("/admin/").status_code == 302
    event = LifecycleEvent.objects.get(act=Act.SECOND_FACTOR_RESET)
    assert (event.actor_id, event.note, event.ticket) == (administrator.pk, "Lost the phone", "T-7")
    assert event.details["person"] == str(lead.pk)
    assert [mail.subject for mail in mails_to(lead.email)] == ["Your second factor was reset"]


def test_at_the_next_sign_in_they_set_up_a_new_one(administrator, lead):
    reset(signed_in(administrator), lead)

    answer = Client().post("/admin/login/", {"email": lead.email, "password": PASSWORD})

    assert answer["Location"].startswith("/admin/login/second-factor/")


def test_nobody_resets_their_own(administrator):
    enroll(administrator)
    client = signed_in(administrator)

    assert client.get(page_of(administrator)).status_code == 403
    assert reset(client, administrator).status_code == 403
    assert has_factor(administrator)


@pytest.mark.parametrize("tier", [Tier.VIEWER, Tier.AGENT, Tier.LEAD])
def test_other_tiers_are_refused(lead, tier):
    client = signed_in(factories.staff(tier))

    assert reset(client, lead).status_code == 403
    assert has_factor(lead)


def test_a_customers_is_not_theirs_to_reset(administrator, alice):
    enroll(alice)

    assert reset(signed_in(administrator), alice).status_code == 404
    assert has_factor(alice)


@pytest.mark.parametrize("changed", [{"note": ""}, {"ticket": ""}, {"name": "somebody"}, {"digest": "stale"}])
def test_it_takes_a_reason_a_ticket_the_name_and_a_fresh_page(administrator, lead, changed):
    """P71"""
    assert reset(signed_in(administrator), lead, **changed).status_code == 200
    assert has_factor(lead)
