"""Invitations as services: one address, single use, 7 days; who has an account joins with it (P7, P45)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.models import Invitation, LifecycleEvent, Membership, Organization, Team, TeamMembership, User
from accounts.services.invitations import (
    ALL,
    MEMBER_ALREADY,
    NO_ADDRESS,
    InvitationEnded,
    InvitationsRefused,
    NotInvited,
    accept_invitation,
    find_invitation,
    invite_people,
    join_as_newcomer,
    make_link,
    resend_invitation,
    revoke_invitation,
)
from accounts.services.locks import AddressLocked
from accounts.services.members import remove_member
from accounts.services.sign_up import AddressTaken
from accounts.words import Reason, Via
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.customers import mails_to
from tests.factories import PASSWORD
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

NEW = "new@initech.example"


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def inviting(organization, *emails, by=None, **options):
    return invite_people(
        organization.pk, emails, actor=by or organization.owner, via=Via.PAGES, address="192.0.2.1", **options
    )


def secret_of(email=NEW) -> str:
    """What the link of the address's last mail ends with, made as it is when the mail is sent."""
    mail = Mail.objects.filter(kind="invitation", email__to=email).latest("email_id")
    return make_link(mail).rstrip("/").rsplit("/", 1)[1]


def joining(secret, **changes):
    return join_as_newcomer(secret, **{"full_name": "Nina New", "password": PASSWORD, **changes})


def teams_of(person, organization) -> list[str]:
    rows = TeamMembership.objects.filter(user=person, organization=organization)
    return sorted(rows.values_list("team__name", flat=True))


class TestInviting:
    def test_each_address_gets_an_invitation_and_a_mail(self, acme, alice):
        made = inviting(acme, "One@Initech.example", "two@initech.example")

        assert [each.email for each in made] == ["one@initech.example", "two@initech.example"]
        assert {each.invited_by_id for each in made} == {alice.pk}
        for each in made:
            [mail] = mails_to(each.email)
            assert mail.subject == "Join Acme"
            assert "Alice Owner invites you to work in Acme" in mail.message

    def test_an_address_written_twice_is_invited_once(self, acme):
        """P1"""
        inviting(acme, NEW, "  NEW@initech.example ", "new＠initech.example")

        assert Invitation.objects.get().email == NEW

    def test_one_event_tells_of_all(self, acme, alice):
        """P47: addresses stand beside the event, not in it."""
        team = Team.objects.get(organization=acme, name="Portal Admin")
        inviting(acme, NEW)
        made = inviting(acme, NEW, "two@initech.example", team_ids=[team.pk])
        event = LifecycleEvent.objects.filter(act="people_invited").first()

        assert event.details == {
            "invitations": [str(each.pk) for each in made],
            "teams": [str(team.pk)],
            "counts": {"invitations": 2, "voided": 1},
        }
        assert sorted(event.subjects.values_list("part", "name", "address")) == [
            ("actor", "Alice Owner", alice.email),
            ("invited", "", NEW),
            ("invited", "", "two@initech.example"),
            ("team", "Portal Admin", ""),
        ]

    @pytest.mark.parametrize(
        ("emails", "reasons"),
        [
            (["bob@acme.example", NEW], {"bob@acme.example": MEMBER_ALREADY}),
            (["BOB@acme.example "], {"bob@acme.example": MEMBER_ALREADY}),
            (['"a,b"@c.example', NEW], {'"a,b"@c.example': NO_ADDRESS}),
            (["junk", "a\x00@b.example", NEW], {"junk": NO_ADDRESS, "a\x00@b.example": NO_ADDRESS}),
            ([f"{'x' * 250}@b.example"], {f"{'x' * 250}@b.example": NO_ADDRESS}),
            ([], {ALL: "Please enter at least one e-mail address."}),
        ],
    )
    def test_all_or_nobody(self, acme, emails, reasons):
        with pytest.raises(InvitationsRefused) as refused:
            inviting(acme, *emails)

        assert refused.value.reasons == reasons
        assert not Invitation.objects.exists()
        assert not LifecycleEvent.objects.exists()

    def test_500_at_once_are_too_many(self, acme):
        with pytest.raises(InvitationsRefused, match=r"500 addresses. At most 50"):
            inviting(acme, *(f"p{n}@initech.example" for n in range(500)))

        assert not Invitation.objects.exists()

    def test_a_team_of_another_organization_is_none_to_choose(self, acme, globex):
        team = Team.objects.filter(organization=globex).first()

        with pytest.raises(InvitationsRefused, match="team"):
            inviting(acme, NEW, team_ids=[team.pk])

    def test_strangers_staff_and_locked_addresses_are_invited_alike(self, acme, globex, charlie, lead):
        """P1, P8, P45: nobody learns by inviting who has an account, is staff or is locked."""
        factories.email_lock(globex, "locked@initech.example")
        addresses = [NEW, charlie.email, lead.email, "locked@initech.example"]
        inviting(acme, *addresses)

        assert Invitation.objects.count() == 4
        assert len({mails_to(address)[0].message for address in addresses}) == 1

    def test_one_form_sent_twice_invites_once(self, acme):
        form = uuid4()
        first = inviting(acme, NEW, id=form)
        again = inviting(acme, NEW, id=form)

        assert first == again == list(Invitation.objects.all())
        assert len(mails_to(NEW)) == LifecycleEvent.objects.count() == 1

    def test_one_form_sent_in_two_organizations_invites_to_both(self, acme, globex):
        form = uuid4()
        for organization in (acme, globex):
            inviting(organization, NEW, id=form)

        assert {row.organization for row in Invitation.objects.all()} == {acme, globex}

    def test_one_form_sent_again_after_its_invitation_was_revoked_says_that_nobody_was_invited(self, acme, alice):
        """P7: what is revoked never comes back."""
        form_id = uuid4()
        [invitation] = inviting(acme, NEW, id=form_id)
        revoke_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES)

        with pytest.raises(InvitationsRefused, match=f"{NEW} was invited by this form"):
            inviting(acme, NEW, id=form_id)

        assert not Invitation.objects.waiting().exists()

    def test_50_cost_as_many_statements_as_one(self, acme):
        with CaptureQueriesContext(connection) as one:
            inviting(acme, NEW)
        with CaptureQueriesContext(connection) as many:
            inviting(acme, *(f"p{n}@initech.example" for n in range(50)))

        assert len(many) == len(one)


class TestLinks:
    def test_it_is_good_for_7_days_from_the_sending_on(self, acme):
        """P7"""
        inviting(acme, NEW)
        Invitation.objects.update(expires_at=timezone.now() + timedelta(days=4))
        secret = secret_of()
        left = find_invitation(secret).expires_at - timezone.now()
        Invitation.objects.update(expires_at=timezone.now())

        assert left == pytest.approx(timedelta(days=7), abs=timedelta(seconds=9))
        with pytest.raises(InvitationEnded):
            find_invitation(secret)

    def test_a_new_invitation_voids_the_one_before(self, acme):
        """P7"""
        inviting(acme, NEW)
        old = secret_of()
        inviting(acme, NEW)

        with pytest.raises(InvitationEnded):
            joining(old)
        assert joining(secret_of())

    def test_sent_again_the_link_before_no_longer_works_and_the_days_begin_anew(self, acme, alice):
        [invitation] = inviting(acme, NEW)
        old = secret_of()
        Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
        resend_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES)

        with pytest.raises(InvitationEnded):
            find_invitation(old)
        assert find_invitation(secret_of()) == invitation
        assert LifecycleEvent.objects.first().act == "invitation_resent"

    def test_revoked_it_no_longer_works_and_a_mail_still_to_be_sent_gets_no_link(self, acme, alice):
        [invitation] = inviting(acme, NEW)
        secret = secret_of()
        assert revoke_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES)
        assert not revoke_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES)

        with pytest.raises(InvitationEnded):
            find_invitation(secret)
        with pytest.raises(Invitation.DoesNotExist):
            resend_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES)
        assert make_link(Mail.objects.get(kind="invitation")) is None
        assert LifecycleEvent.objects.filter(act="invitation_revoked").count() == 1

    def test_another_organizations_is_not_there(self, acme, globex, alice):
        [invitation] = inviting(globex, NEW)

        for act in (resend_invitation, revoke_invitation):
            with pytest.raises(Invitation.DoesNotExist):
                act(acme.pk, invitation.pk, actor=alice, via=Via.PAGES)

    def test_after_a_deactivation_it_never_works_again(self, acme, lead, deactivate):
        """P40"""
        inviting(acme, NEW)
        secret = secret_of()
        deactivate()
        with pytest.raises(InvitationEnded):
            joining(secret)
        reactivate_organization(acme.pk, actor=lead, note="asked", ticket="T-2", via=Via.ADMIN)

        with pytest.raises(InvitationEnded):
            joining(secret)
        assert make_link(Mail.objects.get(kind="invitation")) is None

    def test_everything_is_refused_while_deactivated(self, acme, alice, deactivate):
        """P40"""
        [invitation] = inviting(acme, NEW)
        deactivate()
        for act in (
            lambda: inviting(acme, "two@initech.example"),
            lambda: resend_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES),
            lambda: revoke_invitation(acme.pk, invitation.pk, actor=alice, via=Via.PAGES),
        ):
            with pytest.raises(Organization.DoesNotExist):
                act()


class TestJoining:
    def test_who_has_an_account_joins_with_it_and_the_teams_that_are_left(self, acme, globex, charlie):
        """P7"""
        left, gone = (Team.objects.create(organization=acme, name=name) for name in ("Left", "Gone"))
        inviting(acme, charlie.email, team_ids=[left.pk, gone.pk])
        gone.delete()
        secret = secret_of(charlie.email)
        assert accept_invitation(secret, charlie, address="192.0.2.7") == acme
        event = LifecycleEvent.objects.get(act="joined")

        assert teams_of(charlie, acme) == ["Left"]
        assert teams_of(charlie, globex) == ["Organization Admin"]
        assert (event.actor_id, event.via, event.remote_address) == (charlie.pk, "invitation", "192.0.2.7")
        assert event.details["teams"] == [str(left.pk)]
        assert Membership.objects.get(organization=acme, user=charlie).last_login_at is None

    def test_it_works_once(self, acme, charlie, alice):
        """P7: not again for who was removed, either."""
        inviting(acme, charlie.email)
        secret = secret_of(charlie.email)
        accept_invitation(secret, charlie)
        remove_member(acme.pk, charlie.pk, actor=alice, via=Via.PAGES)

        with pytest.raises(InvitationEnded):
            accept_invitation(secret, charlie)
        assert not Membership.objects.filter(organization=acme, user=charlie).exists()

    @pytest.mark.parametrize("change", [{"email": "else@globex.example"}, {"is_active": False}])
    def test_who_has_another_address_or_a_closed_account_can_not(self, acme, globex, charlie, change):
        inviting(acme, charlie.email)
        secret = secret_of(charlie.email)
        User.objects.filter(pk=charlie.pk).update(**change)

        with pytest.raises(NotInvited):
            accept_invitation(secret, charlie)
        assert find_invitation(secret)

    def test_staff_can_not(self, acme, lead):
        """P70"""
        inviting(acme, lead.email)

        with pytest.raises(NotInvited):
            accept_invitation(secret_of(lead.email), lead)
        with pytest.raises(AddressTaken):
            joining(secret_of(lead.email))

    def test_a_locked_address_joins_with_its_account_and_gets_none(self, acme, globex, charlie):
        """P45"""
        for address in (charlie.email, NEW):
            factories.email_lock(globex, address)
            inviting(acme, address)
        accept_invitation(secret_of(charlie.email), charlie)
        with pytest.raises(AddressLocked):
            joining(secret_of())

        assert not User.objects.filter(email=NEW).exists()
        assert find_invitation(secret_of())

    def test_a_newcomer_has_a_proven_account_and_no_organization_of_their_own(self, acme):
        """P7, P8"""
        inviting(acme, NEW)
        person, organization = joining(secret_of())

        assert organization == acme
        assert person.check_password(PASSWORD)
        assert person.emailaddress_set.get().verified
        assert list(person.memberships.values_list("organization", flat=True)) == [acme.pk]

    def test_an_address_given_up_by_a_closed_account_makes_a_new_one(self, acme):
        """P56"""
        closed = factories.UserFactory(email=NEW, is_active=False, closed_at=timezone.now())
        inviting(acme, NEW)
        person, _ = joining(secret_of())

        assert (person.email, person == closed) == (NEW, False)

    def test_who_is_a_member_by_now_gets_the_teams(self, acme, bob):
        """Their address may have become the invited one since."""
        team = Team.objects.get(organization=acme, name="Portal Admin")
        inviting(acme, NEW, team_ids=[team.pk])
        User.objects.filter(pk=bob.pk).update(email=NEW)
        accept_invitation(secret_of(), bob)

        assert teams_of(bob, acme) == ["Analytics Viewer", "Portal Admin"]

    def test_what_an_import_brought_can_be_sent_again(self, acme, alice):
        imported = factories.invitation(acme, NEW)
        assert find_invitation(imported.secret) == imported
        resend_invitation(acme.pk, imported.pk, actor=alice, via=Via.PAGES)

        assert joining(secret_of())


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_an_invitation_that_meets_a_deactivation_is_not_made(self, acme, deactivate):
        """Habit 1, P40"""
        assert isinstance(collide(deactivate, lambda: inviting(acme, NEW)), Organization.DoesNotExist)
        assert not Invitation.objects.exists()

    def test_one_made_just_before_is_revoked_by_it(self, acme, deactivate):
        """P40"""
        [event] = collide(lambda: inviting(acme, NEW), deactivate)

        assert event.details["counts"]["invitations"] == 1
        assert Invitation.objects.get().revoked_at == event.at

    def test_who_joins_while_it_is_deactivated_is_too_late(self, acme, charlie, deactivate):
        """Habit 1, P40"""
        inviting(acme, charlie.email, NEW)
        mine, new = secret_of(charlie.email), secret_of()
        outcome = collide(deactivate, lambda: accept_invitation(mine, charlie))

        assert isinstance(outcome, InvitationEnded)
        with pytest.raises(InvitationEnded):
            joining(new)
        assert acme.memberships.count() == 2

    def test_who_joins_just_before_a_deactivation_is_a_member_without_teams(self, acme, charlie, deactivate):
        """P44"""
        team = Team.objects.get(organization=acme, name="Portal Admin")
        inviting(acme, charlie.email, team_ids=[team.pk])
        secret = secret_of(charlie.email)
        collide(lambda: accept_invitation(secret, charlie), deactivate)

        assert acme.memberships.filter(user=charlie).exists()
        assert teams_of(charlie, acme) == []

    def test_of_two_who_follow_one_link_at_once_one_joins(self, acme):
        """P7"""
        inviting(acme, NEW)
        secret = secret_of()
        outcomes = at_once(lambda: joining(secret), lambda: joining(secret))

        assert sorted(type(outcome) for outcome in outcomes if isinstance(outcome, Exception)) == [InvitationEnded]
        assert User.objects.filter(email=NEW).count() == LifecycleEvent.objects.filter(act="joined").count() == 1

    def test_a_newcomer_waits_for_a_deactivation_elsewhere_that_locks_the_address(self, acme, globex, lead):
        """P45, habit 1"""
        Organization.objects.filter(pk=globex.pk).update(contact_email=NEW)
        inviting(acme, NEW)
        secret = secret_of()
        outcome = collide(
            lambda: deactivate_organizations([globex.pk], reason=Reason.SPAM, actor=lead, via=Via.ADMIN, ticket="T-1"),
            lambda: joining(secret),
        )

        assert isinstance(outcome, AddressLocked)
        assert not User.objects.filter(email=NEW).exists()

    def test_who_joins_while_invited_again_is_a_member_and_is_refused_then(self, acme, charlie):
        inviting(acme, charlie.email)
        secret = secret_of(charlie.email)
        outcome = collide(lambda: accept_invitation(secret, charlie), lambda: inviting(acme, charlie.email))

        assert isinstance(outcome, InvitationsRefused)
        assert not Invitation.objects.waiting().exists()

    def test_who_invites_one_address_at_once_with_another_voids_theirs(self, acme):
        """P7"""
        at_once(lambda: inviting(acme, NEW), lambda: inviting(acme, NEW))

        assert Invitation.objects.waiting().count() == 1
        assert Invitation.objects.count() == 2
