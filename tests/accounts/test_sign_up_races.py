"""Signing up and opening organizations beside others that do the same, or that lock the address (P8, P30, P45)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import lifecycle
from accounts.models import AddressChange, Organization, SignUpRequest, User
from accounts.services.addresses import change_address
from accounts.services.locks import AddressLocked, hold_addresses
from accounts.services.opening import AlreadyOpened, Opening, open_organization
from accounts.services.sign_up import AddressTaken, LinkUsedUp, request_sign_up, sign_up
from accounts.words import Reason, Via
from billing.models import TrialClaim
from konnect_portal.foundation.links import new_secret
from tests import factories
from tests.races import at_once, collide, in_thread, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "new@initech.example"
PASSWORD = "Correct-Horse-7-Battery"


@pytest.fixture
def secret() -> str:
    secret, digest = new_secret()
    now = timezone.now()
    SignUpRequest.objects.create(email=ADDRESS, digest=digest, requested_at=now, expires_at=now + timedelta(hours=24))
    return secret


def opening(**changes) -> Opening:
    return Opening(**{"id": uuid4(), "name": "Initech", "geo": "eu"} | changes)


def signing_up(secret, **changes):
    return lambda: sign_up(secret, full_name="Nina New", password=PASSWORD, opening=opening(**changes))


def another_of(owner, **changes):
    return lambda: open_organization(opening(**changes), owner=owner, via=Via.ACCOUNT)


def deactivation(organization, lead):
    return lambda: lifecycle.deactivate_organizations(
        [organization.pk], reason=Reason.SPAM, actor=lead, via=Via.ADMIN, ticket="T-1"
    )


def test_of_two_sign_ups_with_one_link_one_is_too_late(secret):
    """P8"""
    outcome = collide(signing_up(secret), signing_up(secret))

    assert isinstance(outcome, LinkUsedUp)
    assert User.objects.count() == Organization.objects.count() == 1


def test_a_sign_up_waits_for_a_deactivation_that_locks_its_address(secret, acme, lead):
    """P45, habit 1"""
    Organization.objects.filter(pk=acme.pk).update(contact_email=ADDRESS)

    outcome = collide(deactivation(acme, lead), signing_up(secret))

    assert isinstance(outcome, AddressLocked)
    assert not User.objects.filter(email=ADDRESS).exists()


def test_a_second_organization_waits_for_a_deactivation_that_locks_its_owners_address(acme, alice, lead):
    """P45, habit 1"""
    outcome = collide(deactivation(acme, lead), another_of(alice))

    assert isinstance(outcome, AddressLocked)
    assert alice.owned_organizations.get() == acme


def test_of_two_organizations_that_one_person_opens_at_once_one_has_the_trial(alice):
    """P30"""
    outcomes = at_once(another_of(alice), another_of(alice))

    assert all(isinstance(outcome, Organization) for outcome in outcomes)
    assert sorted(outcome.subscriptions.count() for outcome in outcomes) == [0, 1]
    assert TrialClaim.objects.count() == 1


def test_one_form_sent_twice_at_once_opens_one_organization(alice):
    form = {"id": uuid4()}

    outcome = collide(another_of(alice, **form), another_of(alice, **form))

    assert isinstance(outcome, AlreadyOpened)
    assert Organization.objects.count() == 1


def test_whoever_takes_the_id_of_a_form_at_once_with_another_is_told(alice, bob):
    form = {"id": uuid4()}

    outcome = collide(another_of(alice, **form), another_of(bob, **form))

    assert isinstance(outcome, AlreadyOpened)
    assert Organization.objects.get().owner == alice


def test_an_address_that_gets_an_account_at_once_is_told(secret):
    """P1: whoever makes staff or imports holds no address."""
    outcome = collide(lambda: factories.UserFactory(email=ADDRESS), signing_up(secret))

    assert isinstance(outcome, AddressTaken)
    assert not Organization.objects.exists()


def test_a_new_request_beside_the_sign_up_with_the_old_link_waits_and_is_not_waited_for(secret):
    """Whoever asks anew and whoever follows the link take address and request in one order."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hold_addresses([ADDRESS])
            other = pool.submit(in_thread, signing_up(secret))
            wait_until_blocked()
            request_sign_up(ADDRESS)
        outcome = other.exception(timeout=20)

    assert isinstance(outcome, LinkUsedUp)
    assert not User.objects.exists()


def test_an_organization_opened_beside_a_change_of_address_has_the_new_one(alice):
    """P2, P45: the address that is asked about, and that becomes the contact's, is the one its owner has then."""
    change = AddressChange.objects.create(user=alice, email="alice@initech.example")

    organization = collide(lambda: change_address(alice, change), another_of(User.objects.get(pk=alice.pk)))

    assert organization.contact_email == "alice@initech.example"
    assert TrialClaim.objects.filter(organization_id=organization.pk).exists()
