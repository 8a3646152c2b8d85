"""P73: what staff do on a customer's behalf needs a request, from the owner's session or by link from the contact."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations, reactivate_organization, unlock_email
from accounts.models import LifecycleEvent, Organization, SupportRequest, User
from accounts.services.requests import ask_contact, ask_support, proofs_of
from accounts.words import Act, Proof, Reason, State, Via, Wish
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.tasks import send_mail
from tests import factories
from tests.customers import entered, read
from tests.desk import signed_in

ASK = "/account/support-request/"
SAID = {"via": Via.ADMIN, "note": "They wrote", "ticket": "T-1"}
pytestmark = pytest.mark.django_db


def words(answer):
    return " ".join(answer.content.decode().split())


def case_of(organization, page="change"):
    return reverse(f"admin:accounts_organization_{page}", args=[organization.pk])


def shut(organization, lead):
    deactivate_organizations([organization.pk], reason=Reason.SPAM, actor=lead, **SAID)


def mailed_links():
    send_mail()
    return [re.search(r"http://[^/]+(/support-request/\S+)", sent.body)[1] for sent in mail.outbox]


def mailed_link():
    return mailed_links()[-1]


def test_an_owner_asks_from_their_session_and_support_reads_it_on_the_case(acme, globex, alice, lead):
    client = entered(alice, acme)
    client.post(ASK, {"organization": acme.pk, "wish": "deactivate", "text": "We merged"}, follow=True)

    request = SupportRequest.objects.get()
    assert (request.organization, request.proof, request.asked_by_id) == (acme, Proof.SESSION, alice.pk)
    assert LifecycleEvent.objects.get().act == Act.SUPPORT_ASKED
    assert "We merged" in words(signed_in(lead).get(case_of(acme)))
    assert "From the owner" in words(signed_in(lead).get(case_of(acme, "deactivate")))
    assert "We merged" not in words(signed_in(lead).get(case_of(globex)))


def test_an_owner_who_asks_again_and_again_is_slowed_down(acme, alice):
    client = entered(alice, acme)
    asked = {"organization": acme.pk, "wish": "deactivate", "text": "We merged"}

    answers = [client.post(ASK, asked).status_code for _ in range(11)]

    assert answers == [302] * 10 + [429]
    assert SupportRequest.objects.count() == 10


def test_the_owner_of_a_deactivated_organization_can_ask_and_nobody_else_can(acme, globex, alice, bob, lead):
    client = entered(alice, globex)
    shut(acme, lead)

    client.post(ASK, {"organization": acme.pk, "wish": "reactivate"})
    assert SupportRequest.objects.get().organization == acme
    client.post(ASK, {"organization": globex.pk, "wish": "reactivate"})
    with pytest.raises(LifecycleError, match="do not own"):
        ask_support(acme.pk, wish=Wish.REACTIVATE, text="", actor=bob, via=Via.ACCOUNT)
    assert SupportRequest.objects.count() == 1


def test_the_contact_confirms_once_by_the_link_in_the_mail(acme, agent):
    page = case_of(acme, "ask-contact")
    client = signed_in(agent)
    digest = client.get(page).context["shown"].digest
    form = {"digest": digest, "wish": "deactivate", "note": "Phoned", "ticket": "T-1", "name": "Acme"}
    client.post(page, form)
    assert "/support-request/" not in read(Mail.objects.get().email).message
    link, stranger = mailed_link(), Client()

    assert "Did you ask support for this?" in words(stranger.get(link))
    assert SupportRequest.objects.get().confirmed_at is None
    assert "it is confirmed" in words(stranger.post(link))
    assert stranger.post(link).status_code == stranger.get("/support-request/made-up/").status_code == 410

    assert [event.act for event in LifecycleEvent.objects.order_by("at")] == [Act.CONTACT_ASKED, Act.CONTACT_CONFIRMED]
    assert "Confirmed by link from the contact" in words(signed_in(agent).get(case_of(acme, "deactivate")))


def test_a_link_is_good_for_7_days(acme, agent):
    ask_contact(acme.pk, wish=Wish.DEACTIVATE, text="", actor=agent, **SAID)
    link = mailed_link()
    SupportRequest.objects.update(expires_at=timezone.now())

    assert Client().post(link).status_code == 410
    assert SupportRequest.objects.get().confirmed_at is None


def test_a_contact_of_before_confirms_nothing(acme, agent):
    """P2, P73: neither by the link that was mailed, nor by what they had confirmed."""
    for _ in range(2):
        ask_contact(acme.pk, wish=Wish.DEACTIVATE, text="", actor=agent, **SAID)
    used, unused = mailed_links()
    Client().post(used)
    Organization.objects.filter(pk=acme.pk).update(contact_email="new@acme.example")

    assert Client().post(unused).status_code == 410
    assert SupportRequest.objects.filter(confirmed_at=None).count() == 1
    assert proofs_of([acme.pk], at=timezone.now()) == []


def test_who_handed_the_organization_over_asks_for_nothing_any_more(acme, globex, alice, bob):
    """P3, P73"""
    for organization in (acme, globex):
        factories.support_request(organization)
    Organization.objects.filter(pk=acme.pk).update(owner=bob)

    assert [request.organization for request in proofs_of([acme.pk, globex.pk], at=timezone.now())] == [globex]


@pytest.mark.parametrize("proof", ["", Proof.SESSION, Proof.CONTACT_LINK, Proof.LEAD_WORD])
def test_an_agent_needs_a_request_that_exists(acme, globex, alice, agent, proof):
    """Neither another organization's, nor one that nobody confirmed, nor one of two months ago."""
    for wish in Wish:
        factories.support_request(globex, wish=wish)
        factories.support_request(acme, Proof.CONTACT_LINK, wish=wish, confirmed_at=None)
        factories.support_request(acme, wish=wish, confirmed_at=timezone.now() - timedelta(days=60))
    said = {"actor": agent, "proof": proof, **SAID}

    with pytest.raises(LifecycleError, match="request by the customer"):
        deactivate_organizations([acme.pk], reason=Reason.SUPPORT_REQUEST, **said)
    deactivate_organizations([acme.pk], reason=Reason.FRAUD, **said)
    for act in (lambda: reactivate_organization(acme.pk, **said), lambda: unlock_email(alice.email, **said)):
        with pytest.raises(LifecycleError, match="request by the customer"):
            act()

    acme.refresh_from_db()
    assert acme.state == State.INACTIVE


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        (Wish.DEACTIVATE, "deactivate Acme"),
        (Wish.REACTIVATE, "reactivate Acme"),
        (Wish.UNLOCK, "unlock the address of Acme"),
        (Wish.OTHER, "help with Acme"),
    ],
)
def test_a_request_proves_the_act_that_it_asks_for_and_no_other(acme, alice, agent, wish, asked):
    factories.support_request(acme, wish=wish)
    said = {"actor": agent, "proof": Proof.SESSION, **SAID}
    acts = {
        Wish.DEACTIVATE: lambda: deactivate_organizations([acme.pk], reason=Reason.SUPPORT_REQUEST, **said),
        Wish.UNLOCK: lambda: unlock_email(alice.email, **said),
        Wish.REACTIVATE: lambda: reactivate_organization(acme.pk, **said),
    }

    for wished, act in acts.items():
        if wished == wish:
            act()
        else:
            with pytest.raises(LifecycleError, match=f"asked support to {asked}; this needs a request of its own"):
                act()
        if wished == Wish.DEACTIVATE:
            deactivate_organizations([acme.pk], reason=Reason.FRAUD, **said)


def test_the_form_of_an_act_offers_only_requests_for_it(acme, alice, lead):
    def offered(page):
        choices = signed_in(lead).get(page).context["form"].fields["proof"].choices
        return {choice for choice, _ in choices if choice} - {Proof.LEAD_WORD}

    def offered_to(*names):
        return [offered(case_of(acme, name)) for name in names]

    User.objects.filter(pk=alice.pk).update(created_at=timezone.now() - timedelta(days=61))
    factories.support_request(acme, wish=Wish.REACTIVATE)
    factories.support_request(acme, Proof.CONTACT_LINK, wish=Wish.NAME_OWNER)
    assert offered_to("deactivate", "name-owner") == [set(), {Proof.CONTACT_LINK}]
    shut(acme, lead)

    unlock = reverse("admin:accounts_emaillock_unlock", args=[acme.email_locks.get().pk])

    assert [*offered_to("reactivate"), offered(unlock)] == [{Proof.SESSION}, set()]
    factories.support_request(acme, Proof.CONTACT_LINK, wish=Wish.UNLOCK)
    assert offered(unlock) == {Proof.CONTACT_LINK}


def test_an_owner_is_asked_for_what_their_request_counts_and_names_the_next_owner_themselves(acme, alice):
    """P3"""
    page = entered(alice, acme).get(ASK)

    assert "Support may do this and nothing else because of it" in words(page)
    assert Wish.NAME_OWNER not in dict(page.context["form"].fields["wish"].choices)


def test_a_leads_word_says_why_and_no_agent_is_offered_it(acme, lead, agent):
    offered = [
        choice
        for choice, _ in signed_in(agent).get(case_of(acme, "deactivate")).context["form"].fields["proof"].choices
    ]
    assert offered == [""]
    said = {"actor": lead, "via": Via.ADMIN, "ticket": "T-1", "proof": Proof.LEAD_WORD}
    with pytest.raises(LifecycleError, match="why it is enough"):
        deactivate_organizations([acme.pk], reason=Reason.SUPPORT_REQUEST, **said)

    [event] = deactivate_organizations([acme.pk], reason=Reason.SUPPORT_REQUEST, note="I know her voice", **said)

    assert (event.proof, event.note) == (Proof.LEAD_WORD, "I know her voice")
