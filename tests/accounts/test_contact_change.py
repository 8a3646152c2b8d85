"""The contact e-mail follows the owner, or is set apart to an address that its mailbox has proven (P2)."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils.module_loading import import_string

from accounts.lifecycle import deactivate_organizations
from accounts.models import ContactChange, EmailLock, EventSubject, LifecycleEvent, Organization
from accounts.services.contacts import confirm_contact_change, find_contact_change, request_contact_change
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, Via
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.customers import entered, mails_to, signed_in, with_password, words
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

SETTINGS, CONTACT = "/organization/settings/", "/organization/settings/contact/"
CANCEL, OFFICE, OTHER = f"{CONTACT}cancel/", "office@acme.example", "other@acme.example"


@pytest.fixture(autouse=True)
def _no_tries_yet(db):
    cache.clear()


@pytest.fixture
def dora(acme):
    return factories.member(
        acme, factories.UserFactory(email="dora@acme.example", full_name="Dora Admin"), ORGANIZATION_ADMIN
    )


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def link() -> str:
    """The path of the link that the last mail gets when it is sent."""
    mail = Mail.objects.filter(kind="contact_change").latest("email_id")
    return import_string("accounts.services.contacts.make_link")(mail).partition("8000")[2]


def asked(organization, actor, email=OFFICE) -> str:
    request_contact_change(organization.pk, email, actor=actor, via=Via.SETTINGS)
    return link()


def contact_of(organization) -> str:
    return Organization.objects.get(pk=organization.pk).contact_email


def test_it_is_set_apart_by_whoever_reads_the_mailbox_without_an_account(as_alice, acme, alice):
    """P2"""
    page = as_alice.post(CONTACT, {"email": " Office@ACME.example "}, follow=True)
    assert f"We wrote to {OFFICE}" in page.text
    assert contact_of(acme) == alice.email
    [mail] = mails_to(OFFICE)
    assert mail.subject == "Confirm this address as contact of Acme"
    assert "Alice Owner wants us to write to this address" in mail.message

    page = Client().post(link())

    assert f"{OFFICE} is the contact e-mail of Acme now" in words(page)
    assert contact_of(acme) == OFFICE
    assert not ContactChange.objects.exists()


def test_the_event_names_who_asked_and_keeps_the_addresses_beside_it(acme, alice):
    """P47"""
    Client().post(asked(acme, alice))

    event = LifecycleEvent.objects.get()
    assert (event.act, event.via, event.actor_id, event.details) == (Act.CONTACT_CHANGED, Via.LINK, alice.pk, {})
    contacts = event.subjects.filter(part=EventSubject.Part.CONTACT)
    assert sorted(contacts.values_list("address", flat=True)) == [alice.email, OFFICE]


def test_the_contact_before_and_the_owner_are_told(acme, alice, dora):
    """P2"""
    Client().post(asked(acme, dora))
    Client().post(asked(acme, dora, OTHER))

    assert [mail.subject for mail in mails_to(alice.email)] == ["The contact e-mail of Acme was changed"] * 2
    [_asked, told] = mails_to(OFFICE)
    assert f"Dora Admin changed the contact e-mail of Acme from {OFFICE} to {OTHER}" in told.message
    assert len(mails_to(OTHER)) == 1


def test_opening_the_link_changes_nothing_yet(acme, alice):
    """Mail programs open links by themselves."""
    page = Client().get(asked(acme, alice))

    assert f"Use {OFFICE}" in page.text
    assert "no-store" in page["Cache-Control"]
    assert contact_of(acme) == alice.email


def test_the_owners_own_address_is_proven_and_followed_again_at_once(as_alice, acme, alice):
    """P2"""
    Client().post(asked(acme, alice))
    asked(acme, alice, OTHER)
    assert "Follow the owner" in as_alice.get(CONTACT).text
    page = as_alice.post(CONTACT, {"email": "ALICE@acme.example"}, follow=True)

    assert "follows the owner from now on" in page.text
    assert contact_of(acme) == alice.email
    assert not ContactChange.objects.exists()
    assert len(mails_to(OFFICE)) == 2
    assert LifecycleEvent.objects.first().via == Via.SETTINGS


def test_an_admin_may_not_deactivate_but_sets_the_contact_apart(acme, dora):
    """P2"""
    entered(dora, acme).post(CONTACT, {"email": OFFICE})
    Client().post(link())

    assert contact_of(acme) == OFFICE


def test_a_deactivation_locks_both_addresses_then(acme, alice, deactivate):
    """P45"""
    Client().post(asked(acme, alice))
    deactivate()

    assert sorted(EmailLock.objects.live().values_list("address", flat=True)) == [alice.email, OFFICE]


class TestPending:
    def test_it_is_shown_and_can_be_cancelled(self, as_alice, acme, alice):
        path = asked(acme, alice)
        assert f"We wrote to {OFFICE}" in words(as_alice.get(SETTINGS))
        page = as_alice.post(CANCEL, follow=True)

        assert "no longer works" in page.text
        assert OFFICE not in page.text
        assert Client().post(path).status_code == 410
        assert contact_of(acme) == alice.email

    def test_cancelled_twice_it_says_that_there_was_nothing(self, as_alice):
        assert "no change to cancel" in as_alice.post(CANCEL, follow=True).text

    @pytest.mark.parametrize("email", [OFFICE, OTHER])
    def test_a_new_request_voids_the_link_before(self, email, acme, alice):
        path = asked(acme, alice)
        newer = asked(acme, alice, email)

        assert Client().post(path).status_code == 410
        assert Client().post(newer).status_code == 200
        assert contact_of(acme) == email

    def test_another_organizations_stays(self, as_alice, acme, alice, globex, charlie):
        path = asked(globex, charlie, OTHER)
        as_alice.post(CANCEL)
        as_alice.post(CONTACT, {"email": OFFICE})

        assert Client().post(path).status_code == 200
        assert contact_of(globex) == OTHER


class TestLink:
    def test_it_works_once(self, acme, alice):
        path = asked(acme, alice)
        Client().post(path)
        request_contact_change(acme.pk, alice.email, actor=alice, via=Via.SETTINGS)

        assert Client().post(path).status_code == 410
        assert contact_of(acme) == alice.email

    def test_it_ends_after_a_day(self, acme, alice, settings):
        path = asked(acme, alice)
        settings.ADDRESS_CHANGE_HOURS = -1

        assert Client().post(path).status_code == 410

    def test_it_ends_when_whoever_asked_may_not_ask_any_more(self, acme, alice, dora):
        """P4: an admin who was let go sets no contact afterwards."""
        path = asked(acme, dora)
        dora.team_memberships.all().delete()

        assert Client().post(path).status_code == 410
        assert contact_of(acme) == alice.email

    @pytest.mark.parametrize("made_up", ["x", "x:y:z", "a" * 500, "a%00"])
    def test_a_made_up_one_and_one_of_a_deactivated_organization_are_answered_alike(
        self, made_up, acme, alice, deactivate
    ):
        """P40: a stranger learns nothing beyond what the mail said."""
        path = asked(acme, alice)
        deactivate()
        answers = [ask(url) for ask in (Client().get, Client().post) for url in (path, f"{CONTACT}{made_up}/")]

        assert [answer.status_code for answer in answers] == [410] * 4
        assert len({answer.text.replace("\n", "") for answer in answers}) == 1
        assert "Acme" not in answers[0].text
        assert contact_of(acme) == alice.email


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("", "enter the new contact"),
        ("no address", "valid email"),
        ("ALICE@acme.example", "contact e-mail already"),
        ("a" * 300 + "@x.example", "250"),
        ("a" * 10_000, "250"),
        ("a\x00@x.example", "Null characters"),
        ("a@x.example\nBcc: b@x.example", "valid email"),
    ],
)
def test_bad_input_asks_for_nothing(email, said, as_alice):
    page = as_alice.post(CONTACT, {"email": email})

    assert said in page.text
    assert not ContactChange.objects.exists()
    assert not Mail.objects.exists()


def test_it_takes_showing_once_more_who_one_is(alice, acme):
    client = signed_in(with_password(alice), stepped_up=False)
    client.post(f"/organizations/{acme.pk}/enter/")

    assert client.post(CONTACT, {"email": OFFICE})["Location"].startswith("/account/confirm/")
    assert not ContactChange.objects.exists()


def test_no_more_than_ten_mails_in_a_minute(as_alice):
    answers = [as_alice.post(CONTACT, {"email": f"n{n}@x.example"}).status_code for n in range(11)]

    assert answers == [302] * 10 + [429]


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_request_that_meets_a_deactivation_is_refused_with_the_reason(self, as_alice, deactivate):
        """Habit 1, P40"""
        response = collide(deactivate, lambda: as_alice.post(CONTACT, {"email": OFFICE}))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert not ContactChange.objects.exists()

    def test_a_link_that_meets_a_deactivation_changes_nothing(self, acme, alice, deactivate):
        """Habit 1, P45"""
        path = asked(acme, alice)

        assert collide(deactivate, lambda: Client().post(path)).status_code == 410
        assert contact_of(acme) == alice.email
        assert list(EmailLock.objects.live().values_list("address", flat=True)) == [alice.email]

    def test_a_deactivation_locks_the_contact_that_was_confirmed_just_before(self, acme, alice, deactivate):
        """P45"""
        change = find_contact_change(asked(acme, alice).split("/")[-2])
        collide(lambda: confirm_contact_change(change), deactivate)

        assert sorted(EmailLock.objects.live().values_list("address", flat=True)) == [alice.email, OFFICE]

    def test_the_same_link_followed_twice_at_once_changes_it_once(self, acme, alice):
        path = asked(acme, alice)
        answers = at_once(*[lambda: Client().post(path).status_code] * 2)

        assert sorted(answers) == [200, 410]
        assert LifecycleEvent.objects.count() == 1
