"""Members removed by those who manage people, or gone by themselves (P2)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import open_by_token
from accounts.lifecycle import deactivate_organizations
from accounts.models import (
    AccessToken,
    Invitation,
    LifecycleEvent,
    Membership,
    Organization,
    RoleAssignment,
    TeamMembership,
)
from accounts.services.members import MemberError, leave, remove_member
from accounts.services.tokens import create_token
from accounts.words import Reason, Via
from konnect_portal.foundation.problems import Problem
from tests import factories
from tests.customers import mails_to
from tests.races import collide

pytestmark = pytest.mark.django_db


def token_of(user, organization):
    return create_token(organization.pk, name="laptop", expires_at=timezone.now() + timedelta(days=9), user=user)


def remove(organization, user, by):
    remove_member(organization.pk, user.pk, actor=by, via=Via.PAGES, address="192.0.2.1")


def rows_of(user, organization) -> list[int]:
    return [
        model.objects.filter(user=user, organization=organization).count()
        for model in (Membership, TeamMembership, RoleAssignment, AccessToken)
    ]


def test_who_is_removed_loses_teams_roles_and_tokens_of_this_organization_alone(acme, globex, alice, bob):
    """P44 has the same for everybody; here it is one person, and the others stay."""
    factories.member(globex, bob, "Organization Admin")
    for organization in (acme, globex):
        factories.role(organization, user=bob)
        token_of(bob, organization)
    remove(acme, bob, alice)

    assert rows_of(bob, acme) == [0, 0, 0, 0]
    assert rows_of(bob, globex) == [1, 1, 1, 1]
    assert rows_of(alice, acme)[:2] == [1, 1]


def test_their_tokens_are_refused_from_the_commit_on(acme, alice, bob):
    _, secret = token_of(bob, acme)
    assert open_by_token(secret).user == bob
    remove(acme, bob, alice)

    with pytest.raises(Problem) as refused:
        open_by_token(secret)
    assert refused.value.status == 401


def test_one_event_says_who_and_what_went(acme, alice, bob):
    """P47"""
    token, _ = token_of(bob, acme)
    factories.role(acme, user=bob)
    remove(acme, bob, alice)
    event = LifecycleEvent.objects.get(act="member_removed")

    assert (event.organization_id, event.actor_id, event.remote_address) == (acme.pk, alice.pk, "192.0.2.1")
    assert event.details == {
        "user": str(bob.pk),
        "tokens": [str(token.pk)],
        "counts": {"tokens": 1, "team_memberships": 1, "role_assignments": 1, "invitations": 0},
    }
    assert sorted(event.subjects.values_list("part", "name")) == [
        ("actor", "Alice Owner"),
        ("member", "Bob Member"),
        ("token", "laptop"),
    ]


def test_they_are_told_by_mail(acme, alice, bob):
    remove(acme, bob, alice)
    [mail] = mails_to(bob.email)

    assert mail.subject == "You were removed from Acme"
    assert "Your account and your other organizations are not affected" in mail.message


def test_an_invitation_that_waits_for_them_is_no_way_back(acme, alice, bob):
    """Their address may have become the invited one since."""
    invitation = Invitation.objects.create(
        organization=acme, email=bob.email, expires_at=timezone.now() + timedelta(days=7)
    )
    remove(acme, bob, alice)
    invitation.refresh_from_db()

    assert invitation.revoked_at


def test_the_owner_stays(acme, globex, alice, bob):
    """P2"""
    factories.member(acme, None, "Organization Admin")
    with pytest.raises(MemberError, match="Hand ownership over first"):
        remove(acme, alice, bob)
    with pytest.raises(MemberError, match="Hand ownership over first"):
        leave(acme.pk, actor=alice, via=Via.ACCOUNT)

    assert rows_of(alice, acme)[:2] == [1, 1]
    assert not LifecycleEvent.objects.exists()


def test_who_leaves_is_told_nothing_and_the_event_says_that_they_left(acme, bob):
    leave(acme.pk, actor=bob, via=Via.ACCOUNT)

    assert LifecycleEvent.objects.get().act == "member_left"
    assert rows_of(bob, acme) == [0, 0, 0, 0]
    assert mails_to(bob.email) == []


def test_when_the_organization_was_used_last_stays(acme, alice, bob):
    """P62: it never moves back, whoever leaves."""
    last = timezone.now() - timedelta(days=1)
    Membership.objects.filter(user=bob).update(last_login_at=last)
    Organization.objects.filter(pk=acme.pk).update(last_login_at=last, inactive_at=last + timedelta(days=30))
    remove(acme, bob, alice)
    acme.refresh_from_db()

    assert (acme.last_login_at, acme.inactive_at) == (last, last + timedelta(days=30))


def test_strangers_can_not_be_removed(acme, globex, alice, charlie):
    with pytest.raises(Membership.DoesNotExist):
        remove(acme, charlie, alice)
    with pytest.raises(Membership.DoesNotExist):
        remove_member(acme.pk, acme.pk, actor=alice, via=Via.PAGES)

    assert rows_of(charlie, globex)[:2] == [1, 1]


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.fixture
    def deactivate(self, acme, lead):
        return lambda: deactivate_organizations(
            [acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1"
        )

    def test_a_removal_that_meets_a_deactivation_leaves_everybody_to_it(self, acme, alice, bob, deactivate):
        """P44, P50: members are still there when it comes back."""
        refused = collide(deactivate, lambda: remove(acme, bob, alice))

        assert isinstance(refused, Organization.DoesNotExist)
        assert rows_of(bob, acme)[0] == 1

    def test_who_was_removed_just_before_is_none_of_the_deactivations(self, acme, alice, bob, deactivate):
        [event] = collide(lambda: remove(acme, bob, alice), deactivate)

        assert not event.subjects.filter(subject_id=bob.pk).exists()

    def test_of_two_who_remove_one_person_the_second_is_too_late(self, acme, alice, bob):
        second = collide(lambda: remove(acme, bob, alice), lambda: remove(acme, bob, alice))

        assert isinstance(second, Membership.DoesNotExist)
        assert LifecycleEvent.objects.count() == 1

    def test_a_token_made_while_they_are_removed_is_refused(self, acme, alice, bob):
        outcome = collide(lambda: remove(acme, bob, alice), lambda: token_of(bob, acme))

        assert "is no member of Acme" in str(outcome)
        assert not AccessToken.objects.exists()
