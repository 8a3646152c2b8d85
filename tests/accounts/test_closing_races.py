"""Closing an account meets what else asks for the person: one comes first, the other is told (P56)."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.closing import HandOver, reopen_account
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import EmailLock, LifecycleEvent, Membership, Organization, User
from accounts.services.opening import Opening, open_organization
from accounts.services.ownership import transfer_ownership
from accounts.services.sign_up import AddressTaken, make_account
from accounts.services.tokens import TokenError, create_token
from accounts.words import ORGANIZATION_ADMIN, Act, Via
from tests import factories
from tests.accounts.test_deactivation import deactivate
from tests.closing import closing, deactivation
from tests.customers import with_password
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db(transaction=True)


def is_open(person):
    return User.objects.get(pk=person.pk).is_active


class TestOwnership:
    def test_whoever_was_made_owner_first_keeps_the_account(self, globex, alice, charlie):
        """P56"""
        transfer = lambda: transfer_ownership(globex.pk, to=alice.pk, actor=charlie, via=Via.SETTINGS)  # noqa: E731

        assert isinstance(collide(transfer, closing(alice)), PreviewChanged)
        assert is_open(alice)

    def test_whoever_closed_the_account_first_is_made_owner_of_nothing(self, globex, alice, charlie):
        """P3, P56"""
        transfer = lambda: transfer_ownership(globex.pk, to=alice.pk, actor=charlie, via=Via.SETTINGS)  # noqa: E731

        assert isinstance(collide(closing(alice), transfer), LifecycleError)
        assert Organization.objects.get(pk=globex.pk).owner == charlie

    def test_what_was_handed_over_in_another_window_is_not_ended_in_this_one(self, acme, alice):
        """P3: the organizations are held before anything is decided."""
        dora = factories.member(acme, None, ORGANIZATION_ADMIN)

        refused = collide(
            lambda: transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS),
            closing(alice, {acme: deactivation(acme)}),
        )

        assert isinstance(refused, PreviewChanged)
        assert Organization.objects.get(pk=acme.pk).owner == dora

    def test_two_owners_who_hand_over_to_each_other_do_not_both_go(self, acme, globex, alice, charlie):
        """P2: one is left, who is told, and no two wait for each other."""
        factories.member(acme, charlie, ORGANIZATION_ADMIN)

        answers = at_once(closing(alice, {acme: HandOver(charlie.pk)}), closing(charlie, {globex: HandOver(alice.pk)}))

        assert sorted(isinstance(answer, LifecycleError) for answer in answers) == [False, True]
        assert is_open(alice) != is_open(charlie)

    def test_a_new_organization_is_not_left_without_its_owner(self, alice):
        """P2"""
        opening = Opening(id=alice.pk, name="New", geo="us")

        refused = collide(lambda: open_organization(opening, owner=alice, via=Via.SIGN_UP), closing(alice))

        assert isinstance(refused, PreviewChanged)
        assert is_open(alice)


class TestDeactivation:
    @pytest.mark.parametrize("is_first", [True, False])
    def test_one_by_support_meanwhile_locks_and_tells_once(self, is_first, acme, alice, lead):
        """P49"""
        acts = [closing(alice, {acme: deactivation(acme)}), lambda: deactivate(acme, actor=lead)]

        answer = collide(*(acts if is_first else reversed(acts)))

        assert answer == [] if is_first else isinstance(answer, PreviewChanged)
        assert LifecycleEvent.objects.filter(act=Act.DEACTIVATED).count() == 1
        assert EmailLock.objects.count() == 1


class TestAdditions:
    def test_a_token_is_not_made_for_who_has_just_left(self, globex, alice):
        """Habit 1"""
        expires_at = timezone.now() + timedelta(days=9)

        refused = collide(closing(alice), lambda: create_token(globex.pk, name="t", user=alice, expires_at=expires_at))

        assert isinstance(refused, TokenError)

    def test_nobody_becomes_a_member_beside_the_closing(self, acme):
        """P56: a membership that came first is shown before it ends."""

        @transaction.atomic
        def join():
            organization = Organization.objects.hold(acme.pk)
            factories.member(organization, User.objects.hold(bystander.pk))

        bystander = factories.UserFactory()
        assert isinstance(collide(join, closing(bystander)), PreviewChanged)
        Membership.objects.filter(user=bystander).delete()
        assert isinstance(collide(closing(bystander), join), User.DoesNotExist)


class TestReopening:
    def test_an_address_that_signs_up_at_this_moment_has_one_account(self, alice, lead):
        """P1, P56"""
        with_password(alice)
        closing(alice)()
        again = {"actor": lead, "via": Via.ADMIN, "note": "asked", "ticket": "T-1"}

        answers = at_once(
            lambda: reopen_account(alice.pk, **again),
            lambda: make_account(alice.email, full_name="A", password=factories.PASSWORD),
        )

        assert sum(isinstance(answer, LifecycleError | AddressTaken) for answer in answers) == 1
        assert User.objects.of_address(alice.email).count() == 1
