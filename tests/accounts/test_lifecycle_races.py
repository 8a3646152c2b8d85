"""Races on PostgreSQL, each with threads of its own connections: one winner, one event, nothing born too late."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import lifecycle
from accounts.access import OrganizationDeactivated, open_by_token
from accounts.errors import LifecycleError
from accounts.models import EmailLock, LifecycleEvent, Organization
from accounts.services.tokens import create_token
from accounts.words import Reason, State, Via
from tests import factories
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db(transaction=True)


def deactivation(organization, actor, **options):
    options = {"reason": Reason.SPAM, "via": Via.ADMIN, "ticket": "T-1"} | options
    return lambda: lifecycle.deactivate_organizations([organization.pk], actor=actor, **options)


def reactivation(organization, actor):
    return lambda: lifecycle.reactivate_organization(
        organization.pk, actor=actor, note="asked", ticket="T-2", via=Via.ADMIN
    )


def test_of_two_deactivations_one_wins(acme, lead, agent):
    """P49"""
    answers = at_once(deactivation(acme, lead), deactivation(acme, agent))

    assert sorted(len(answer) for answer in answers) == [0, 1]
    assert LifecycleEvent.objects.count() == 1
    assert EmailLock.objects.count() == 1


def test_sets_in_any_order_do_not_deadlock(acme, globex, lead):
    """Habit 1: organizations are locked by id."""
    ids = [acme.pk, globex.pk]
    act = {"reason": Reason.SPAM, "via": Via.ADMIN, "ticket": "T-1", "actor": lead}

    answers = at_once(
        *(lambda order=order: lifecycle.deactivate_organizations(order, **act) for order in (ids, ids[::-1]) * 3)
    )

    assert sum(len(answer) for answer in answers) == 2


def test_a_reactivation_that_comes_during_a_deactivation_waits_and_then_acts(acme, lead):
    """P49, P50"""
    event = collide(deactivation(acme, lead), reactivation(acme, lead))

    assert event.act == "reactivated"
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    assert acme.licenses.live().count() == 3


def test_a_reactivation_before_a_deactivation_has_begun_is_told_that_it_is_active(acme, lead):
    """P53"""
    answers = at_once(reactivation(acme, lead), reactivation(acme, lead))

    assert all(isinstance(answer, LifecycleError) for answer in answers)


def test_of_two_reactivations_one_wins(acme, lead):
    """P53"""
    deactivation(acme, lead)()

    answers = at_once(reactivation(acme, lead), reactivation(acme, lead))

    assert [isinstance(answer, LifecycleError) for answer in sorted(answers, key=str)].count(True) == 1
    assert acme.licenses.live().count() == 3


def test_a_second_reactivation_is_told_so_where_the_first_named_a_new_owner(acme, alice, bob, lead):
    """P53"""
    deactivation(acme, lead)()
    alice.is_active = False
    alice.save()

    def act():
        return lifecycle.reactivate_organization(
            acme.pk, actor=lead, note="asked", ticket="T-2", via=Via.ADMIN, owner=bob
        )

    refused = collide(act, act)

    assert str(refused) == "Acme is active."


def test_a_deactivation_that_waits_for_a_change_of_owner_happens(acme, bob, lead):
    """P2, P49: the new owner's address is locked."""

    def transfer():
        Organization.objects.hold(acme.pk)
        Organization.objects.filter(pk=acme.pk).update(owner=bob, contact_email=bob.email)

    [event] = collide(transfer, deactivation(acme, lead))

    assert event.details["owner"] == str(bob.pk)
    assert EmailLock.objects.get().address == bob.email


def test_what_logs_in_while_the_check_waits_is_left_alone(acme):
    """P65: each organization is asked again under lock."""
    asked = []

    def still(organizations):
        asked.extend(organizations)
        return [each.pk for each in organizations if each.inactive_at <= timezone.now()]

    check = deactivation(acme, None, reason=Reason.INACTIVITY, via=Via.CHECK, ticket="", still=still)

    def login():
        organization = Organization.objects.hold(acme.pk)
        organization.inactive_at = timezone.now() + timedelta(days=30)
        organization.save()

    assert collide(login, check) == []
    assert asked == [acme]


def test_nothing_is_added_to_an_organization_that_is_being_deactivated(acme, charlie, lead):
    """Habit 1: whoever adds holds the organization first, and is told that it came too late."""

    def add():
        with transaction.atomic():
            factories.member(Organization.objects.hold(acme.pk), charlie)

    assert isinstance(collide(deactivation(acme, lead), add), Organization.DoesNotExist)
    assert acme.memberships.count() == 2


def test_a_deactivation_waits_for_what_is_being_added_and_ends_it_too(acme, lead):
    """Habit 1, P42"""
    [event] = collide(lambda: factories.control_plane(Organization.objects.hold(acme.pk)), deactivation(acme, lead))

    assert event.details["counts"]["control_planes"] == 1
    assert acme.control_planes.get().state == "decommissioning"


def test_a_token_call_that_meets_a_deactivation_is_refused(acme, alice, lead):
    """P40, P65: the first request of a cycle holds the organization, so it is seen or comes too late."""
    _, secret = create_token(acme.pk, name="t", user=alice, expires_at=timezone.now() + timedelta(days=9))

    answer = collide(deactivation(acme, lead), lambda: open_by_token(secret))

    assert isinstance(answer, OrganizationDeactivated)
    assert acme.billing_account.last_api_request_at is None
