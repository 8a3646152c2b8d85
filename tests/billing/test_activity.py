from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import BillingAccount, GeoUsage, Plan
from billing.services import (
    CYCLE,
    FutureFactError,
    activity_facts,
    complete_through,
    record_api_hours,
    record_api_requests,
    record_completeness,
)
from tests import factories

pytestmark = pytest.mark.django_db

DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


def facts_of(organization, at):
    return activity_facts([organization.pk], at=at)[organization.pk]


def last_request_of(organization):
    return BillingAccount.objects.get(pk=organization.pk).last_api_request_at


def set_billing(organization, **fields):
    BillingAccount.objects.filter(pk=organization.pk).update(**fields)


def test_without_a_subscription_an_organization_is_on_free(acme, now):
    """P30"""
    facts = facts_of(acme, now)

    assert (facts.plan, facts.is_free, facts.on_trial, facts.plan_until, facts.free_since) == (
        Plan.FREE,
        True,
        False,
        None,
        None,
    )


def test_a_trial_runs_until_its_end_and_not_at_it(acme, now):
    """P30, P60"""
    end = now + DAY
    factories.subscription(acme, "trial", ends_at=end)

    before, after = facts_of(acme, end - SECOND), facts_of(acme, end)

    assert (before.plan, before.on_trial, before.plan_until, before.free_since) == (Plan.PLUS, True, end, None)
    assert (after.plan, after.on_trial, after.plan_until, after.free_since) == (Plan.FREE, False, None, end)


def test_a_subscription_runs_without_end_until_something_ends_it(acme, now):
    """P60, P61"""
    paid = factories.subscription(acme, Plan.ENTERPRISE)
    assert (facts_of(acme, now).plan, facts_of(acme, now).plan_until) == (Plan.ENTERPRISE, None)

    paid.ended_at = now - SECOND
    paid.save()

    assert (facts_of(acme, now).plan, facts_of(acme, now).free_since) == (Plan.FREE, now - SECOND)


def test_the_latest_of_several_ends_counts(acme, now):
    """P61"""
    set_billing(acme, free_since_at=now - 50 * DAY)
    factories.subscription(acme, "trial", starts_at=now - 90 * DAY, ends_at=now - 60 * DAY)
    factories.subscription(acme, Plan.PLUS, starts_at=now - 60 * DAY, ended_at=now - 40 * DAY)

    assert facts_of(acme, now).free_since == now - 40 * DAY


def test_a_subscription_ended_before_it_began_is_no_coming_onto_free(acme, now):
    """P61"""
    factories.subscription(acme, Plan.PLUS, starts_at=now - DAY, ended_at=now - 2 * DAY)

    assert facts_of(acme, now).free_since is None


def test_facts_of_many_are_one_statement(acme, globex, now, django_assert_num_queries):
    """Habit 2"""
    factories.subscription(globex, Plan.PLUS)

    with django_assert_num_queries(1):
        facts = activity_facts([acme.pk, globex.pk], at=now)

    assert {id: each.plan for id, each in facts.items()} == {acme.pk: Plan.FREE, globex.pk: Plan.PLUS}


def test_a_request_is_written_only_when_it_falls_in_a_later_cycle(acme, now):
    """P62, habit 7"""
    anchor = now - 10 * DAY
    set_billing(acme, anchor_at=anchor, last_api_request_at=anchor + DAY)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        record_api_requests({acme.pk: now}, at=now)
    assert last_request_of(acme) == anchor + DAY
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]

    record_api_requests({acme.pk: anchor + CYCLE}, at=anchor + CYCLE)
    assert last_request_of(acme) == anchor + CYCLE


def test_the_last_request_never_moves_back(acme, now):
    """P62"""
    set_billing(acme, last_api_request_at=now)

    record_api_requests({acme.pk: now - 100 * DAY}, at=now)

    assert last_request_of(acme) == now


def test_the_first_request_is_written_and_that_of_no_other_organization(acme, globex, now):
    """P62"""
    record_api_requests({acme.pk: now}, at=now)

    assert (last_request_of(acme), last_request_of(globex)) == (now, None)


def test_of_an_hour_the_last_second_counts(acme, now):
    """P62"""
    hour = now.replace(minute=0, second=0, microsecond=0)

    record_api_hours({acme.pk: hour}, at=now)

    assert last_request_of(acme) == hour + timedelta(hours=1) - SECOND


@pytest.mark.parametrize("record", [record_api_requests, record_api_hours])
def test_a_fact_more_than_5_minutes_ahead_is_refused(record, acme, globex, now):
    """P62"""
    with pytest.raises(FutureFactError):
        record({acme.pk: now, globex.pk: now + 5 * MINUTE + SECOND}, at=now)
    assert last_request_of(acme) is None

    record({acme.pk: now + 5 * MINUTE}, at=now)
    assert last_request_of(acme) is not None


def test_completeness_never_moves_back(db, now):
    """P63"""
    record_completeness(["us", "eu"], now - DAY, at=now)
    record_completeness(["us"], now, at=now)
    record_completeness(["us", "eu"], now - 2 * DAY, at=now)

    assert complete_through() == {"us": now, "eu": now - DAY}


def test_completeness_more_than_5_minutes_ahead_is_refused(db, now):
    """P62, P63"""
    with pytest.raises(FutureFactError):
        record_completeness(["us"], now + 6 * MINUTE, at=now)

    assert not GeoUsage.objects.exists()
