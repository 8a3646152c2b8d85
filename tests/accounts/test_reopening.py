"""A lead opens a closed account again (P56), and then its organizations (P50, P53)."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.utils import timezone

from accounts.closing import HandOver, reopen_account, reopens_until
from accounts.errors import LifecycleError
from accounts.models import LifecycleEvent, Membership, Organization, User
from accounts.previews import reactivation_of
from accounts.services.locks import is_locked
from accounts.words import ORGANIZATION_ADMIN, Act, State, Via
from tests import desk, factories
from tests.accounts.test_deactivation import deactivate, teams_of
from tests.accounts.test_reactivation import reactivate
from tests.closing import close, deactivation
from tests.customers import NEW_PASSWORD, link_to, mails_to, with_password, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(alice):
    return with_password(alice)


def closed(person, *organizations):
    """The account, closed with these organizations deactivated."""
    close(person, {each: deactivation(each) for each in organizations})
    return User.objects.get(pk=person.pk)


def reopen(person, actor, **said):
    said = {"note": "asked for it", "ticket": "T-9", "proof": "lead_word", "via": Via.ADMIN} | said
    return reopen_account(person.pk, actor=actor, address="192.0.2.9", **said)


class TestAccount:
    def test_it_has_its_name_and_address_and_a_password_chosen_by_link(self, client, globex, alice, lead):
        """P56"""
        cache.clear()
        close(alice)
        event = reopen(alice, lead)

        person = User.objects.get(pk=alice.pk)
        assert (person.closed_at, person.is_active, person.full_name) == (None, True, "Alice Owner")
        assert EmailAddress.objects.get(user=person).verified
        assert not person.has_usable_password()
        assert mails_to(alice.email)[-1].subject == "Your account is open again"
        path = client.get(link_to(alice, "account_reopened"))["Location"]
        client.post(path, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})
        person.refresh_from_db()
        assert person.check_password(NEW_PASSWORD)
        assert (event.act, event.note, event.ticket, event.proof) == (
            Act.ACCOUNT_REOPENED,
            "asked for it",
            "T-9",
            "lead_word",
        )

    def test_none_of_the_earlier_passwords_comes_back(self, client, alice, lead):
        """P6"""
        close(alice)
        reopen(alice, lead)

        path = client.get(link_to(alice, "account_reopened"))["Location"]
        page = client.post(path, {"new_password1": factories.PASSWORD, "new_password2": factories.PASSWORD})

        assert "differ from your last" in page.text

    def test_memberships_of_what_went_on_do_not_come_back(self, acme, globex, alice, lead):
        """P56"""
        dora = factories.member(acme, None, ORGANIZATION_ADMIN)
        close(alice, {acme: HandOver(dora.pk)})
        reopen(alice, lead)

        assert not Membership.objects.filter(user=alice).exists()
        assert Organization.objects.get(pk=acme.pk).owner == dora

    @pytest.mark.parametrize("tier", ["viewer", "agent"])
    def test_it_takes_a_lead(self, tier, alice, request):
        """P70"""
        close(alice)

        with pytest.raises(LifecycleError, match="reopen account"):
            reopen(alice, request.getfixturevalue(tier))

    @pytest.mark.parametrize("missing", ["note", "ticket"])
    def test_reason_and_ticket_are_named(self, missing, alice, lead):
        """P71"""
        close(alice)

        with pytest.raises(LifecycleError):
            reopen(alice, lead, **{missing: " "})
        assert not User.objects.get(pk=alice.pk).is_active

    def test_an_open_one_is_left_alone(self, alice, lead):
        with pytest.raises(LifecycleError, match="is open"):
            reopen(alice, lead)
        assert not LifecycleEvent.objects.exists()


class TestWhen:
    def test_not_when_the_address_has_signed_up_anew(self, alice, lead):
        """P56"""
        close(alice)
        factories.UserFactory(email=alice.email)

        with pytest.raises(LifecycleError, match="an account of its own since"):
            reopen(alice, lead)

    @pytest.mark.parametrize(("days", "opens"), [(89, True), (90, False)])
    def test_who_owned_nothing_for_as_long_as_an_organization_is_kept(self, days, opens, alice, lead):
        """P55, P56"""
        person = closed(alice)
        assert reopens_until(person) == person.closed_at + timedelta(days=90)
        User.objects.filter(pk=alice.pk).update(closed_at=timezone.now() - timedelta(days=days))

        if opens:
            reopen(alice, lead)
        else:
            with pytest.raises(LifecycleError, match="could be opened again until"):
                reopen(alice, lead)

    def test_an_owner_until_the_last_of_their_organizations_is_purged(self, acme, alice, lead):
        """P56"""
        second = factories.organization("Second", owner=alice)
        person = closed(alice, acme, second)
        User.objects.filter(pk=alice.pk).update(closed_at=timezone.now() - timedelta(days=200))
        Organization.objects.filter(pk=acme.pk).update(state=State.DELETED)
        second.refresh_from_db()
        assert reopens_until(person) == second.purge_at

        Organization.objects.filter(pk=second.pk).update(state=State.DELETED)
        with pytest.raises(LifecycleError, match="purged"):
            reopen(alice, lead)

        Organization.objects.filter(pk=second.pk).update(state=State.INACTIVE)
        reopen(alice, lead)


class TestThereAndBack:
    def test_the_owner_is_a_member_and_admin_again_with_everybody_else(self, acme, alice, bob, lead):
        """P50, P52, P53, P56"""
        closed(alice, acme)
        reopen(alice, lead)
        assert is_locked(alice.email)
        acme.refresh_from_db()
        preview = reactivation_of(acme, at=timezone.now())
        assert (preview.needs_owner, preview.people.gone) == (False, [])

        event = reactivate(acme, lead, restore_people=True, expected=preview.digest)

        assert (acme.state, acme.owner) == (State.ACTIVE, alice)
        assert acme.memberships.filter(user=alice).exists()
        assert (teams_of(alice, acme), teams_of(bob, acme)) == ([ORGANIZATION_ADMIN], ["Analytics Viewer"])
        assert event.details["counts"]["people"] == preview.counts["people"] == 2
        assert not is_locked(alice.email)

    def test_while_the_account_is_closed_another_member_is_named(self, acme, alice, bob, lead):
        """P52, P53"""
        closed(alice, acme)
        with pytest.raises(LifecycleError, match="name another member"):
            reactivate(acme, lead)
        acme.refresh_from_db()
        preview = reactivation_of(acme, at=timezone.now())
        assert preview.needs_owner
        assert len(preview.people.gone) == 1

        reactivate(acme, lead, owner=bob, restore_people=True)

        assert (acme.owner, acme.contact_email) == (bob, bob.email)
        assert ORGANIZATION_ADMIN in teams_of(bob, acme)
        assert not acme.memberships.filter(user=alice).exists()

    def test_a_member_who_closed_and_came_back_is_no_member_of_what_comes_back(self, acme, bob, lead):
        """P52, P56"""
        deactivate(acme, actor=lead)
        close(bob)
        reopen(bob, lead)

        reactivate(acme, lead, restore_people=True)

        assert not acme.memberships.filter(user=bob).exists()
        assert teams_of(bob, acme) == []


class TestDesk:
    def test_support_finds_what_was_closed_by_its_owners_address_and_sees_that(self, acme, alice, viewer):
        """P72"""
        closed(alice, acme)
        client = desk.signed_in(viewer)

        assert "alice@acme.example (closed account)" in words(
            client.get("/admin/accounts/organization/", {"q": alice.email})
        )
        assert "Closed account" in client.get(f"/admin/accounts/organization/{acme.pk}/change/").text
