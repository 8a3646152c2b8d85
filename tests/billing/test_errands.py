"""Subscriptions start and end at the payment provider, until it confirms (P41, P48)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent
from accounts.services.logins import record_login
from accounts.words import Reason, Via
from billing.models import BillingAccount, Credit, Plan, ProviderSubscription
from billing.services import NewSubscription, costs_so_far, errands, start_subscriptions
from tests import desk, factories
from tests.billing.payments import AWAY, KILLED, LOST, Killed
from tests.customers import words
from tests.races import collide, meanwhile

pytestmark = pytest.mark.django_db


@pytest.fixture
def plus(acme):
    """A paid subscription of Acme, which is to start at the provider."""
    subscription = factories.subscription(acme)
    errands.mirror_start(subscription)
    return subscription


def work(*, later=timedelta(0)) -> None:
    """The workers' turns, `later` than they would come."""
    for errand in ProviderSubscription.objects.filter(next_attempt_at__isnull=False):
        errand.next_attempt_at -= later
        errand.save()
    while errands.run_next_errand():
        pass


def mirror(subscription) -> ProviderSubscription:
    return ProviderSubscription.objects.get(subscription=subscription)


def deactivate(organization, lead) -> LifecycleEvent:
    [event] = deactivate_organizations([organization.pk], reason=Reason.FRAUD, via=Via.ADMIN, actor=lead, ticket="T-1")
    return event


def test_a_subscription_starts_at_the_provider_once(acme, plus, other_side):
    work()
    work(later=timedelta(days=1))

    assert [mirror(plus).reference] == other_side.running(acme)
    assert mirror(plus).started_at


@pytest.mark.parametrize("trouble", [AWAY, LOST])
def test_silence_is_asked_again_and_starts_one(acme, plus, other_side, trouble):
    other_side.trouble("start_subscription", trouble)
    work()
    assert mirror(plus).started_at is None

    work(later=timedelta(hours=1))

    assert [mirror(plus).reference] == other_side.running(acme)


def test_a_deactivation_ends_it_and_leaves_others_alone(acme, globex, plus, other_side, lead):
    """P41"""
    theirs = factories.subscription(globex)
    errands.mirror_start(theirs)
    work()
    deactivate(acme, lead)
    assert len(other_side.running(acme)) == 1, "what lies outside follows the commit"

    work()

    assert other_side.running(acme) == []
    assert mirror(plus).stopped_at
    assert other_side.running(globex) == [mirror(theirs).reference]
    assert mirror(theirs).stop_asked_at is None


def test_the_stop_is_asked_for_until_it_is_confirmed_at_most_an_hour_apart(acme, plus, other_side, lead):
    """P41"""
    work()
    deactivate(acme, lead)
    other_side.trouble("end_subscription", *[AWAY] * 12)
    for attempt in range(1, 13):
        work(later=timedelta(hours=1))
        waiting = mirror(plus)
        assert (waiting.attempts, waiting.stopped_at) == (attempt, None)
        assert waiting.last_error
        assert waiting.next_attempt_at <= timezone.now() + timedelta(hours=1)

    work(later=timedelta(hours=1))

    assert mirror(plus).stopped_at
    assert mirror(plus).next_attempt_at is None


def test_what_a_killed_worker_had_started_is_found_and_ended(acme, plus, other_side, lead):
    """P41, P48: its reference was never written down."""
    other_side.trouble("start_subscription", KILLED)
    with pytest.raises(Killed):
        work()
    assert len(other_side.running(acme)) == 1
    assert mirror(plus).reference == ""

    deactivate(acme, lead)
    work()

    assert other_side.running(acme) == []
    assert mirror(plus).stopped_at


def test_what_the_provider_was_never_asked_for_needs_no_confirmation(acme, plus, other_side, lead):
    deactivate(acme, lead)
    work(later=timedelta(days=1))

    assert mirror(plus).stopped_at
    assert other_side.asked("start_subscription") == other_side.asked("end_subscription") == 0


@pytest.mark.django_db(transaction=True)
def test_a_deactivation_waits_for_the_start_that_is_under_way(acme, plus, other_side, lead):
    """P41"""
    collide(errands.run_next_errand, lambda: deactivate(acme, lead))
    assert mirror(plus).stop_asked_at

    work()

    assert other_side.running(acme) == []


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_does_not_wait_for_the_start_that_is_under_way(acme, alice, plus, other_side):
    """P5"""
    with transaction.atomic():
        errands.run_next_errand()
        meanwhile(lambda: record_login(acme.pk, alice, timezone.now()))

    assert len(other_side.running(acme)) == 1


def test_support_sees_what_is_not_confirmed_and_why(acme, plus, other_side, lead, viewer):
    """P41, P48: on the case page, in the list, and as a number on the start page."""
    work()
    deactivate(acme, lead)
    other_side.trouble("end_subscription", AWAY)
    work()
    client = desk.signed_in(viewer)

    case = words(client.get(f"/admin/accounts/organization/{acme.pk}/change/"))
    listed = words(client.get("/admin/billing/providersubscription/?stop=waiting"))

    assert "Billing stop not yet confirmed" in case
    assert "1 attempt" in case
    assert "The provider did not answer." in case
    assert "The provider did not answer." in listed
    assert "Billing stops not yet confirmed" in words(client.get("/admin/"))

    work(later=timedelta(hours=1))

    assert "not yet confirmed" not in words(client.get(f"/admin/accounts/organization/{acme.pk}/change/"))
    assert "Every billing stop is confirmed" in words(client.get("/admin/"))


def test_support_has_the_list_of_credits_to_be_refunded(acme, globex, lead, viewer):
    """P41"""
    for organization in (acme, globex):
        given = {"granted_cents": 500, "remaining_cents": 400, "granted_at": timezone.now()}
        Credit.objects.create(organization=organization, kind="paid", **given)
    deactivate(acme, lead)

    listed = words(desk.signed_in(viewer).get("/admin/billing/credit/?refund=due"))

    assert "Acme" in listed
    assert "4.00 USD" in listed
    assert "Globex" not in listed


def test_how_many_are_not_confirmed_is_a_figure(client, settings, plus):
    ProviderSubscription.objects.update(stop_asked_at=timezone.now() - timedelta(minutes=1))
    settings.METRICS_TOKEN = "s3cret"

    figures = client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).text

    assert 'portal_waiting{kind="billing_stops"} 1.0' in figures


def test_what_is_imported_and_billed_here_starts_at_the_provider_too(acme, globex, other_side):
    """Not a trial, not by contract, and not what has ended."""
    at = timezone.now() - timedelta(days=5)
    plus = NewSubscription(id=uuid4(), organization_id=acme.pk, plan=Plan.PLUS, starts_at=at)
    contract = NewSubscription(id=uuid4(), organization_id=globex.pk, plan=Plan.ENTERPRISE, starts_at=at)
    start_subscriptions([plus, contract])

    work()

    assert ProviderSubscription.objects.get().subscription_id == plus.id
    assert other_side.running(acme)


def test_the_event_says_what_was_used_and_never_invoiced(acme, lead, other_side):
    """P41"""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    start = now - timedelta(days=5)
    subscription = factories.subscription(acme, starts_at=start, closes_at=start + timedelta(days=30))
    BillingAccount.objects.filter(organization=acme).update(anchor_at=start)
    factories.usage(acme, now - timedelta(days=1), 10_000_000)
    so_far = costs_so_far([acme.pk], at=timezone.now())[acme.pk].total_cents

    event = deactivate(acme, lead)

    assert so_far > 0
    assert event.details["forgiven_cents"] == so_far
    subscription.refresh_from_db()
    assert subscription.closes_at is None
