"""Plans and cards meet a deactivation, or each other, on PostgreSQL: nothing is born late, nothing twice (habit 1)."""

from uuid import uuid4

import pytest

from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations
from accounts.models import Organization
from accounts.services.contracts import begin_contract
from accounts.words import Reason, Via
from billing.models import PaymentMethod, Plan, Subscription
from billing.provider import Card
from billing.services import Contract
from billing.services.plans import PlanRefused, cancel_plan, set_payment_method, upgrade
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db(transaction=True)

BY = uuid4()


def add_card(organization, reference="card_1"):
    return set_payment_method(organization.pk, Card(reference, "Visa", "4242", 2099, 12), by_id=BY)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations(
        [acme.pk], reason=Reason.NON_PAYMENT, actor=lead, via=Via.ADMIN, ticket="T-1"
    )


@pytest.fixture
def acts(acme, lead):
    said = {"actor": lead, "via": Via.ADMIN, "note": "Signed", "ticket": "T-2"}
    return {
        "payment method": lambda: add_card(acme, "card_2"),
        "subscription": lambda: upgrade(acme.pk, by_id=BY),
        "contract": lambda: begin_contract(acme.pk, Contract(contract_number="C-1"), prices={}, **said),
    }


@pytest.mark.parametrize("what", ["payment method", "subscription", "contract"])
def test_nothing_is_added_once_the_organization_is_deactivated(acme, acts, deactivate, what):
    """P40, P41"""
    add_card(acme)

    assert isinstance(collide(deactivate, acts[what]), (Organization.DoesNotExist, LifecycleError))
    assert not Subscription.objects.exists()
    assert not PaymentMethod.objects.filter(reference="card_2").exists()


def test_a_deactivation_ends_what_was_begun_just_before_it(acme, acts, deactivate):
    """P41"""
    add_card(acme)
    [event] = collide(acts["subscription"], deactivate)

    ended = Subscription.objects.get()
    assert (ended.ended_at, ended.closes_at) == (event.at, None)


def test_of_two_upgrades_at_once_one_wins(acme):
    """P30"""
    add_card(acme)
    came = at_once(*(lambda: upgrade(acme.pk, by_id=BY) for _ in range(2)))

    assert sorted(type(each) for each in came if isinstance(each, PlanRefused)) == [PlanRefused]
    assert Subscription.objects.get().plan == Plan.PLUS


def test_of_two_cards_at_once_the_second_replaces_the_first(acme):
    """P33"""
    at_once(lambda: add_card(acme), lambda: add_card(acme, "card_2"))

    assert PaymentMethod.objects.live().count() == 1
    assert PaymentMethod.objects.count() == 2


def test_an_upgrade_that_waits_for_a_cancellation_begins_after_it(acme):
    """P30, P31"""
    add_card(acme)
    upgrade(acme.pk, by_id=BY)
    again = collide(lambda: cancel_plan(acme.pk, by_id=BY), lambda: upgrade(acme.pk, by_id=BY))

    assert again.starts_at >= Subscription.objects.get(ended_at__isnull=False).ended_at
