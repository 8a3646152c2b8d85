"""What owners and admins change of plan and payment method (P30, P33), and what stays as it is."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import inactivity
from accounts.checks import run_check
from accounts.models import Organization
from billing.models import BillingAccount, PaymentMethod, Plan, ProviderSubscription, Subscription
from billing.provider import Card
from billing.services import activity_facts, plans, standing_of
from billing.services.plans import (
    PlanRefused,
    cancel_plan,
    remove_payment_method,
    set_payment_method,
    upgrade,
)
from billing.services.subscribing import move_begun_anchors
from billing.tasks import move_anchors
from tests import factories

pytestmark = pytest.mark.django_db

BY = uuid4()
SECOND = timedelta(seconds=1)


def card(reference="card_1", expires_year=2099, expires_month=12) -> Card:
    return Card(reference, "Visa", "4242", expires_year, expires_month)


def plan_at(organization, at=None):
    return plans([organization.pk], at=at or timezone.now())[organization.pk]


def rows(organization):
    return list(organization.subscriptions.order_by("starts_at").values("pk", "ended_at", "closes_at"))


@pytest.fixture
def tried(alice):
    """On a trial that ends in 20 days."""
    return factories.organization("Tried", owner=alice, plan="trial")


@pytest.fixture
def paying(acme):
    """On Plus since just now, with a card."""
    set_payment_method(acme.pk, card(), by_id=BY)
    upgrade(acme.pk, by_id=BY)
    return acme


def test_plus_begins_now_and_its_cycles_with_it(acme, globex):
    """P30, P31"""
    set_payment_method(acme.pk, card(), by_id=BY)
    plus = upgrade(acme.pk, by_id=BY)

    assert plan_at(acme) == Plan.PLUS
    assert (plus.made_by_id, plus.is_trial, plus.ends_at) == (BY, False, None)
    assert plus.closes_at == plus.starts_at + timedelta(days=30)
    assert BillingAccount.objects.get(pk=acme.pk).anchor_at == plus.starts_at
    assert ProviderSubscription.objects.get().subscription == plus
    assert plan_at(globex) == Plan.FREE


def test_an_upgrade_needs_a_card_that_has_not_expired(acme):
    """P30"""
    with pytest.raises(PlanRefused, match="needs a payment method"):
        upgrade(acme.pk, by_id=BY)
    set_payment_method(acme.pk, card(), by_id=BY)
    PaymentMethod.objects.update(expires_year=2020)
    with pytest.raises(PlanRefused, match="has expired"):
        upgrade(acme.pk, by_id=BY)
    assert rows(acme) == []


@pytest.mark.parametrize(("plan", "why"), [("trial", "still runs"), ("plus", "on Plus"), ("enterprise", "Enterprise")])
def test_nobody_upgrades_from_another_plan_than_free(alice, plan, why):
    """P30"""
    organization = factories.organization(owner=alice, plan=plan)
    before = rows(organization)

    with pytest.raises(PlanRefused, match=why):
        upgrade(organization.pk, by_id=BY)
    assert rows(organization) == before


def test_a_cancelled_plus_ends_now_and_is_closed_now(paying):
    """P34"""
    cancel_plan(paying.pk, by_id=BY)

    plus = paying.subscriptions.get()
    assert plan_at(paying) == Plan.FREE
    assert (plus.closes_at, plus.ended_by_id) == (plus.ended_at, BY)
    assert ProviderSubscription.objects.get().stop_asked_at == plus.ended_at
    assert PaymentMethod.objects.live().filter(organization=paying).exists()


@pytest.mark.parametrize(("plan", "why"), [("free", "already"), ("trial", "by itself"), ("enterprise", "not ended")])
def test_only_plus_is_cancelled(alice, plan, why):
    """P30"""
    organization = factories.organization(owner=alice, plan=plan)
    before = rows(organization)

    with pytest.raises(PlanRefused, match=why):
        cancel_plan(organization.pk, by_id=BY)
    assert rows(organization) == before


def test_a_card_during_the_trial_puts_plus_after_it_to_the_second_and_without_a_worker(tried):
    """P30"""
    ends_at = tried.subscriptions.get().ends_at
    set_payment_method(tried.pk, card(), by_id=BY)

    for moment, is_trial in ((ends_at - SECOND, True), (ends_at, False), (ends_at + SECOND, False)):
        standing = standing_of(tried.pk, at=moment)
        assert (standing.plan, standing.is_trial) == (Plan.PLUS, is_trial)
    assert not activity_facts([tried.pk], at=ends_at)[tried.pk].is_free
    assert BillingAccount.objects.get(pk=tried.pk).anchor_at < timezone.now()


def test_without_a_card_the_trial_ends_on_free_to_the_second(tried):
    """P30"""
    ends_at = tried.subscriptions.get().ends_at

    assert plan_at(tried, ends_at - SECOND) == Plan.PLUS
    assert plan_at(tried, ends_at) == Plan.FREE
    assert activity_facts([tried.pk], at=ends_at)[tried.pk].free_since == ends_at


def test_removing_the_card_calls_off_the_plus_that_was_to_follow(tried):
    """P30"""
    ends_at = tried.subscriptions.get().ends_at
    set_payment_method(tried.pk, card(), by_id=BY)
    remove_payment_method(tried.pk, by_id=BY)

    assert plan_at(tried, ends_at) == Plan.FREE
    assert plan_at(tried) == Plan.PLUS
    assert tried.subscriptions.get(is_trial=False).closes_at is None
    set_payment_method(tried.pk, card("card_2"), by_id=BY)
    assert plan_at(tried, ends_at) == Plan.PLUS


def test_a_card_is_replaced_by_another_and_the_same_changes_nothing(paying):
    """P33"""
    first = set_payment_method(paying.pk, card(), by_id=uuid4())
    second = set_payment_method(paying.pk, card("card_2"), by_id=BY)
    first.refresh_from_db()

    assert first.added_by_id == BY
    assert (first.removed_by_id, second.removed_at) == (BY, None)
    assert PaymentMethod.objects.live().get() == second


def test_a_card_that_has_expired_is_not_taken(acme):
    """P33"""
    last_month = timezone.now().replace(day=1) - timedelta(days=1)
    with pytest.raises(PlanRefused, match="has expired"):
        set_payment_method(acme.pk, card("old", last_month.year, last_month.month), by_id=BY)
    set_payment_method(acme.pk, card("this month", timezone.now().year, timezone.now().month), by_id=BY)


def test_the_card_stays_while_plus_runs_and_until_what_was_used_is_paid(paying):
    """P33, P34"""
    with pytest.raises(PlanRefused, match="replace it"):
        remove_payment_method(paying.pk, by_id=BY)
    cancel_plan(paying.pk, by_id=BY)
    with pytest.raises(PlanRefused, match="still to be paid"):
        remove_payment_method(paying.pk, by_id=BY)
    Subscription.objects.update(closes_at=None)
    remove_payment_method(paying.pk, by_id=BY)
    with pytest.raises(PlanRefused, match="no payment method"):
        remove_payment_method(paying.pk, by_id=BY)


def test_the_anchor_of_a_plan_that_was_scheduled_moves_once_it_has_begun(tried, globex):
    """P31"""
    set_payment_method(tried.pk, card(), by_id=BY)
    ends_at = tried.subscriptions.get(is_trial=True).ends_at
    others = BillingAccount.objects.get(pk=globex.pk).anchor_at

    assert [move_begun_anchors(ends_at - SECOND), move_begun_anchors(ends_at), move_begun_anchors(ends_at)] == [
        0,
        1,
        0,
    ]
    assert BillingAccount.objects.get(pk=tried.pk).anchor_at == ends_at
    assert BillingAccount.objects.get(pk=globex.pk).anchor_at == others
    move_anchors()  # the task itself


def test_what_never_began_moves_no_anchor(tried):
    """P31"""
    set_payment_method(tried.pk, card(), by_id=BY)
    remove_payment_method(tried.pk, by_id=BY)

    assert move_begun_anchors(timezone.now() + timedelta(days=60)) == 0


def test_coming_back_to_free_keeps_the_lower_bound_below_the_moment_of_inactivity(acme):
    """P61, P62, habit 7: a new anchor brings the second cycle after a request forward."""
    now = timezone.now()
    anchor = now - timedelta(days=61)
    BillingAccount.objects.update(anchor_at=anchor, last_api_request_at=now - timedelta(hours=23))
    run_check()
    assert Organization.objects.get(pk=acme.pk).inactive_at == anchor + timedelta(days=120)

    set_payment_method(acme.pk, card(), by_id=BY)
    upgrade(acme.pk, by_id=BY)
    cancel_plan(acme.pk, by_id=BY)

    exact = inactivity.explain(acme.pk).inactive_at
    assert exact < anchor + timedelta(days=120)
    assert Organization.objects.get(pk=acme.pk).inactive_at <= exact
