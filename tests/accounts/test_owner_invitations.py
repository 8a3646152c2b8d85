"""P53: an address is invited to own an organization whose owner closed their account; accepting brings it back."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.holds import hold_organization
from accounts.lifecycle import reactivate_organization
from accounts.models import LifecycleEvent, Organization, OwnerInvitation, User
from accounts.owner_invitations import invite_owner, revoke_owner_invitation, why_barred
from accounts.services.locks import is_locked
from accounts.words import Act, State, Tier, Via
from konnect_portal.foundation.models import Mail
from tests import desk, factories
from tests.accounts.test_deactivation import deactivate, teams_of
from tests.customers import link_of, mails_to, signed_in, with_password, words
from tests.races import at_once, collide

NEW = "nina@acme.example"
SAID = {"via": Via.ADMIN, "note": "The founder left", "ticket": "T-53"}


@pytest.fixture
def closed(acme, alice, lead):
    """Acme, deactivated, and the account of Alice, who owns it, closed since."""
    return shut(acme, lead)


def shut(organization, lead):
    deactivate(organization, actor=lead, take_down_at=timezone.now() + timedelta(hours=72))
    User.objects.filter(pk=organization.owner_id).update(is_active=False, closed_at=timezone.now())
    organization.memberships.filter(user=organization.owner_id).delete()
    return Organization.objects.get(pk=organization.pk)


def invite(organization, actor, email=NEW, **options):
    return invite_owner(organization.pk, email=email, actor=actor, **SAID | {"proof": "lead_word"} | options)


def link(invitation) -> str:
    return link_of(Mail.objects.get(event_id=invitation.event_id))


def accept(path, client=None):
    """By whoever has an account where there is a client, else by signing up."""
    form = {} if client else {"full_name": "Nina New", "password": factories.PASSWORD}
    return (client or Client()).post(path, form)


def state_of(organization):
    return Organization.objects.get(pk=organization.pk).state


@pytest.mark.django_db
class TestAccepting:
    def test_until_the_address_accepts_nothing_changes_and_then_all_at_once(self, closed, globex, bob, lead):
        """P50, P52, P53"""
        control_plane = factories.control_plane(globex)
        invitation = invite(closed, lead, restore_people=True)
        path = link(invitation)
        page = words(Client().get(path))

        assert "nina@acme.example was invited to own it" in page
        assert (state_of(closed), teams_of(bob, closed)) == (State.INACTIVE, [])

        home = Client().post(path, {"full_name": "Nina New", "password": factories.PASSWORD}, follow=True)

        nina = User.objects.get(email=NEW)
        closed.refresh_from_db()
        assert (closed.state, closed.owner, closed.contact_email) == (State.ACTIVE, nina, NEW)
        assert teams_of(nina, closed) == ["Organization Admin"]
        assert teams_of(bob, closed) == ["Analytics Viewer"]
        assert "Acme is active again, and you own it." in words(home)
        assert not is_locked("alice@acme.example")
        control_plane.refresh_from_db()
        assert (control_plane.state, globex.memberships.filter(user=nina).exists()) == ("active", False)

    def test_the_event_names_who_invited_and_who_came(self, closed, lead):
        """P47"""
        invitation = invite(closed, lead)
        accept(link(invitation))

        nina = User.objects.get(email=NEW)
        event = LifecycleEvent.objects.get(act=Act.REACTIVATED, organization_id=closed.pk)
        assert (event.actor_id, event.ticket, event.proof) == (lead.pk, "T-53", "lead_word")
        assert event.details["owner"] == str(nina.pk)
        assert event.details["owner_invitation"] == str(invitation.pk)
        joined = LifecycleEvent.objects.get(act=Act.JOINED, organization_id=closed.pk)
        assert joined.actor_id == nina.pk

    def test_whoever_has_an_account_accepts_with_it(self, closed, globex, charlie, lead):
        path = link(invite(closed, lead, charlie.email))

        assert "has an account" in words(Client().get(path))
        accept(path, signed_in(with_password(charlie)))

        closed.refresh_from_db()
        assert (closed.state, closed.owner) == (State.ACTIVE, charlie)
        assert teams_of(charlie, closed) == ["Organization Admin"]

    def test_an_account_of_another_address_accepts_nothing(self, closed, bob, lead):
        path = link(invite(closed, lead))

        page = signed_in(bob).post(path)

        assert "This invitation is for another address" in page.text
        assert state_of(closed) == State.INACTIVE

    def test_the_link_works_once_and_for_seven_days(self, closed, lead):
        invitation = invite(closed, lead)
        path = link(invitation)
        OwnerInvitation.objects.update(expires_at=timezone.now())
        assert accept(path).status_code == 410
        OwnerInvitation.objects.update(expires_at=timezone.now() + timedelta(days=7))

        assert accept(path).status_code == 302
        assert accept(path).status_code == 410

    def test_what_was_taken_down_meanwhile_stays_gone(self, acme, lead):
        """P51: what comes back is what can when the address accepts."""
        control_plane = factories.control_plane(acme)
        closed = shut(acme, lead)
        path = link(invite(closed, lead))
        type(control_plane).objects.filter(pk=control_plane.pk).update(begun_at=timezone.now())

        accept(path)

        control_plane.refresh_from_db()
        assert (state_of(closed), control_plane.state) == (State.ACTIVE, "decommissioning")

    def test_the_lock_of_the_organization_itself_goes_with_it(self, closed, lead):
        """P45, P50"""
        factories.email_lock(closed, NEW)

        accept(link(invite(closed, lead)))

        assert (state_of(closed), is_locked(NEW)) == (State.ACTIVE, False)

    def test_an_address_that_is_locked_elsewhere_since_is_told_so(self, closed, globex, lead):
        """P45"""
        path = link(invite(closed, lead))
        factories.email_lock(globex, NEW)

        page = accept(path)

        assert (page.status_code, "This address is locked" in page.text) == (403, True)
        assert (state_of(closed), User.objects.filter(email=NEW).exists()) == (State.INACTIVE, False)


@pytest.mark.django_db
class TestRefusing:
    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda acme, globex, lead: factories.staff(Tier.AGENT, email=NEW), "is staff"),
            (lambda acme, globex, lead: factories.member(acme, factories.UserFactory(email=NEW)), "member already"),
            (lambda acme, globex, lead: factories.email_lock(globex, NEW), "locked for another organization"),
            (lambda acme, globex, lead: opened_again(acme), "is open"),
            (lambda acme, globex, lead: hold(acme, lead), "on hold until"),
            (lambda acme, globex, lead: reactivated(acme, lead), "is active"),
            (lambda acme, globex, lead: Organization.objects.filter(pk=acme.pk).update(state="deleted"), "purged"),
        ],
        ids=["staff", "member", "locked elsewhere", "owner open", "hold", "active", "purged"],
    )
    def test_whoever_cannot_own_it_is_not_invited(self, closed, globex, lead, make, reason):
        """P1, P45, P53, P58"""
        make(closed, globex, lead)

        with pytest.raises(LifecycleError, match=reason):
            invite(closed, lead)

        assert not OwnerInvitation.objects.exists()
        assert mails_to(NEW) == []

    def test_an_agent_invites_nobody(self, closed, agent):
        """P70"""
        with pytest.raises(LifecycleError, match="invite owner"):
            invite(closed, agent)

    def test_a_hold_bars_it_and_its_end_lets_it_in(self, closed, lead):
        """P58"""
        invitation = invite(closed, lead)
        path = link(invitation)
        hold(closed, lead)
        page = accept(path)

        assert (page.status_code, "the link goes on working" in page.text) == (409, True)
        assert "Court" not in page.text
        assert state_of(closed) == State.INACTIVE
        assert why_barred(OwnerInvitation.objects.get()) == "Acme is on hold."

        Organization.objects.filter(pk=closed.pk).update(hold_until=timezone.now())
        assert accept(path).status_code == 302

    @pytest.mark.parametrize(
        "change",
        [
            lambda acme, lead: opened_again(acme),
            lambda acme, lead: lead.groups.clear(),
        ],
        ids=["owner is back", "no lead any more"],
    )
    def test_it_is_asked_again_when_the_address_accepts(self, closed, lead, change):
        """P53, P70"""
        path = link(invite(closed, lead))
        change(closed, lead)

        assert accept(path).status_code == 409
        assert state_of(closed) == State.INACTIVE

    def test_another_reactivation_and_a_purge_end_it(self, closed, bob, lead):
        first = link(invite(closed, lead))
        Organization.objects.filter(pk=closed.pk).update(state="deleting")
        assert accept(first).status_code == 410
        Organization.objects.filter(pk=closed.pk).update(state="inactive")
        reactivate_organization(closed.pk, actor=lead, owner=bob, **SAID, proof="lead_word")
        shut(Organization.objects.get(pk=closed.pk), lead)

        assert accept(first).status_code == 410
        assert OwnerInvitation.objects.get().revoked_at is not None

    def test_a_new_one_and_revoking_void_the_link(self, closed, lead):
        first = link(invite(closed, lead))
        second = link(invite(closed, lead))
        assert accept(first).status_code == 410
        revoke_owner_invitation(closed.pk, actor=lead, **SAID)

        assert accept(second).status_code == 410
        with pytest.raises(LifecycleError, match="Nobody is invited"):
            revoke_owner_invitation(closed.pk, actor=lead, **SAID)
        acts = LifecycleEvent.objects.filter(organization_id=closed.pk).values_list("act", flat=True)
        assert list(acts)[:3] == [Act.OWNER_INVITATION_REVOKED, Act.OWNER_INVITED, Act.OWNER_INVITED]


def hold(organization, lead):
    until = timezone.now() + timedelta(days=1)
    return hold_organization(organization.pk, until=until, actor=lead, **SAID | {"note": "Court order"})


def opened_again(organization):
    User.objects.filter(pk=organization.owner_id).update(is_active=True, closed_at=None)


def reactivated(organization, lead):
    opened_again(organization)
    reactivate_organization(organization.pk, actor=lead, **SAID, proof="lead_word")


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_hold_that_comes_first_bars_the_address(self, closed, lead):
        """P58"""
        path = link(invite(closed, lead))

        page = collide(lambda: hold(closed, lead), lambda: accept(path))

        assert (page.status_code, state_of(closed)) == (409, State.INACTIVE)
        assert not User.objects.filter(email=NEW).exists()

    def test_the_same_link_followed_twice_at_once_works_once(self, closed, lead):
        path = link(invite(closed, lead))

        pages = at_once(lambda: accept(path), lambda: accept(path))

        assert sorted(page.status_code for page in pages) == [302, 410]
        assert LifecycleEvent.objects.filter(act=Act.REACTIVATED, organization_id=closed.pk).count() == 1

    def test_of_two_reactivations_one_is_too_late(self, closed, bob, lead):
        """P53"""
        path = link(invite(closed, lead))
        said = {**SAID, "proof": "lead_word"}

        page = collide(lambda: reactivate_organization(closed.pk, actor=lead, owner=bob, **said), lambda: accept(path))

        closed.refresh_from_db()
        assert (page.status_code, closed.owner) == (410, bob)
        assert not User.objects.filter(email=NEW).exists()


@pytest.mark.django_db
class TestDesk:
    def page(self, organization, act):
        return f"/admin/accounts/organization/{organization.pk}/{act}/"

    def case(self, client, organization):
        return words(client.get(self.page(organization, "change")))

    def confirm(self, client, path, **answers):
        digest = re.search(r'name="digest" value="(.*?)"', client.get(path).text)[1]
        usual = {"digest": digest, "note": "She left", "ticket": "T-53", "proof": "lead_word", "name": "Acme"}
        return client.post(path, usual | answers, follow=True)

    def test_a_lead_invites_from_the_case_which_shows_it_until_it_is_revoked(self, closed, lead):
        client = desk.signed_in(lead)
        page = self.confirm(client, self.page(closed, "invite-owner"), email=NEW, restore_people="on")

        assert "nina@acme.example is invited to own it" in words(page)
        invitation = OwnerInvitation.objects.get()
        assert (invitation.restore_people, invitation.proof, invitation.expires_at > timezone.now()) == (
            True,
            "lead_word",
            True,
        )
        assert [mail.subject for mail in mails_to(NEW)] == ["Take over Acme"]

        page = self.confirm(client, self.page(closed, "revoke-owner-invitation"))
        assert "is invited to own it" not in words(page)
        assert OwnerInvitation.objects.get().revoked_at is not None

    def test_the_case_says_why_it_cannot_be_accepted(self, closed, lead):
        invite(closed, lead)
        opened_again(closed)

        assert "can’t be accepted now: The account of alice@acme.example" in self.case(desk.signed_in(lead), closed)

    def test_the_preview_of_reactivating_leads_to_the_other_two_ways(self, closed, lead):
        """P53, P56"""
        page = desk.signed_in(lead).get(self.page(closed, "reactivate"))

        assert self.page(closed, "invite-owner") in page.text
        assert f"/admin/accounts/person/{closed.owner_id}/reopen/" in page.text

    def test_without_any_open_member_reactivating_is_greyed_with_the_reason(self, closed, bob, lead):
        User.objects.filter(pk=bob.pk).update(is_active=False, closed_at=timezone.now())

        page = self.case(desk.signed_in(lead), closed)

        assert "so is every other member’s. Invite an owner, or reopen it." in page

    def test_what_is_wrong_is_told_and_nobody_is_invited(self, closed, globex, lead):
        factories.email_lock(globex, NEW)

        page = self.confirm(desk.signed_in(lead), self.page(closed, "invite-owner"), email=NEW)

        assert "is locked for another organization" in words(page)
        assert not OwnerInvitation.objects.exists()

    @pytest.mark.parametrize(("state", "told"), [("active", "is active"), ("deleted", "was purged: its data went on")])
    def test_what_is_active_or_purged_is_not_reactivated(self, closed, lead, state, told):
        """P53"""
        if state == "active":
            reactivated(closed, lead)
        else:
            Organization.objects.filter(pk=closed.pk).update(state=state)

        assert told in words(desk.signed_in(lead).get(self.page(closed, "reactivate"), follow=True))
