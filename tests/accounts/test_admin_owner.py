"""P3: a lead names another owner where the present one's account is closed or has not been seen for 60 days."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.admin.acts import NameOwner
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import LifecycleEvent, Organization, User
from accounts.words import ORGANIZATION_ADMIN, Act, Via
from tests import factories
from tests.customers import mails_to, words
from tests.desk import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alice_has_not_been_seen(alice):
    User.objects.filter(pk=alice.pk).update(created_at=timezone.now() - timedelta(days=61))


def case_of(organization):
    return f"/admin/accounts/organization/{organization.pk}/change/"


def page_of(organization):
    return f"/admin/accounts/organization/{organization.pk}/name-owner/"


def name_owner(client, organization, **answers):
    page = client.get(page_of(organization))
    digest = re.search(r'name="digest" value="(.*?)"', page.text)[1]
    usual = {"digest": digest, "note": "She left", "ticket": "T-1", "proof": "lead_word", "name": organization.name}
    return client.post(page_of(organization), {**usual, **answers})


def owner_of(organization):
    return Organization.objects.get(pk=organization.pk).owner


@pytest.mark.parametrize(("tier", "status"), [("viewer", 403), ("agent", 403), ("lead", 200), ("administrator", 200)])
def test_who_may(request, acme, tier, status):
    """P70"""
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of(acme)).status_code == status
    assert (page_of(acme) in client.get(case_of(acme)).text) == (status == 200)


def test_any_member_becomes_owner(acme, bob, lead):
    """P3, P47"""
    answer = name_owner(signed_in(lead), acme, owner="BOB@acme.example ")

    assert answer["Location"] == case_of(acme)
    assert owner_of(acme) == bob
    event = LifecycleEvent.objects.get()
    assert (event.act, event.via, event.actor_id) == (Act.OWNERSHIP_TRANSFERRED, Via.ADMIN, lead.pk)
    assert (event.note, event.ticket, event.proof) == ("She left", "T-1", "lead_word")
    assert len(mails_to(bob.email)) == 1


def test_a_request_to_reactivate_names_no_owner(acme, alice, bob, lead):
    """P73, also where it is the only one left as the lead presses the button."""
    factories.support_request(acme, "contact_link", wish="reactivate")
    data = {"owner": bob, "note": "She left", "ticket": "T-1", "proof": "contact_link"}
    act, who = NameOwner(), {"actor": lead, "address": None}
    digest = act.show(lead, acme).digest

    with pytest.raises(LifecycleError, match="asked support to reactivate Acme"):
        act.act(acme, data=data, expected=digest, **who)
    assert owner_of(acme) == alice

    factories.support_request(acme, "contact_link", wish="name_owner")
    act.act(acme, data=data, expected=digest, **who)
    assert owner_of(acme) == bob


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        ("alice@acme.example", "Let the contact e-mail alice@acme.example follow"),
        ("office@acme.example", "Change the contact e-mail office@acme.example, which was set apart"),
    ],
)
def test_the_preview_says_what_follows_and_who_is_told(acme, lead, contact, told):
    """P2, P71"""
    Organization.objects.filter(pk=acme.pk).update(contact_email=contact)
    factories.member(acme, factories.UserFactory(full_name="Dora Admin"), ORGANIZATION_ADMIN)

    page = words(signed_in(lead).get(page_of(acme)))

    assert told in page
    assert "2 other members with an open account" in page
    assert "Dora Admin" in page


@pytest.mark.parametrize(
    "owner", ["charlie@globex.example", "alice@acme.example", "gone@acme.example", "a\0b@x.example"]
)
def test_nobody_else_does(acme, charlie, lead, owner):
    """Strangers, the owner themselves, closed accounts."""
    factories.member(acme, factories.UserFactory(email="gone@acme.example", is_active=False))

    answer = name_owner(signed_in(lead), acme, owner=owner)

    assert (answer.status_code, owner_of(acme).email) == (200, "alice@acme.example")
    assert answer.context["form"].errors["owner"]
    assert not LifecycleEvent.objects.exists()


def test_not_while_the_owner_was_seen_lately_and_the_page_says_so(acme, alice, lead):
    """P3"""
    User.objects.filter(pk=alice.pk).update(last_login=timezone.now() - timedelta(days=59))
    client = signed_in(lead)

    assert "seen within the last 60 days" in words(client.get(case_of(acme)))
    assert page_of(acme) not in client.get(case_of(acme)).text
    assert "seen within the last 60 days" in words(client.get(page_of(acme), follow=True))


def test_what_changed_since_the_preview_is_shown_again(acme, bob, lead):
    """Habit 4"""
    client = signed_in(lead)
    digest = client.get(page_of(acme)).context["shown"].digest
    factories.member(acme, None, ORGANIZATION_ADMIN)

    answer = name_owner(client, acme, owner=bob.email, digest=digest)

    assert "Something changed since" in words(answer)
    assert owner_of(acme).email == "alice@acme.example"


def test_somebody_who_left_meanwhile_is_told(acme, bob, lead):
    client = signed_in(lead)
    digest = client.get(page_of(acme)).context["shown"].digest
    bob.team_memberships.all().delete()
    bob.memberships.all().delete()

    answer = name_owner(client, acme, owner=bob.email, digest=digest)

    assert "No other member" in words(answer)
    assert owner_of(acme).email == "alice@acme.example"


def test_it_is_asked_again_under_lock(acme, bob, lead):
    """Habit 4"""
    said = {"owner": bob, "note": "She left", "ticket": "T-1", "proof": "lead_word"}

    with pytest.raises(PreviewChanged):
        NameOwner().act(acme, data=said, expected="as it was", actor=lead)

    assert owner_of(acme).email == "alice@acme.example"
