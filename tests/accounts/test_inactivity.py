"""Who is due, and what holds them (P60 to P64, P66, P67). The boundaries stand in test_inactivity_truth.py."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import inactivity
from accounts.models import (
    CheckEntry,
    CheckPause,
    CheckRun,
    Exemption,
    InactivityNotice,
    Membership,
    Organization,
)
from accounts.words import HeldBy
from billing.models import BillingAccount, Plan
from billing.services import record_completeness
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_notices")]

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def unused(db):
    """An organization that nobody has used for a year."""
    return factories.organization("Unused")


def due(at=None, **question):
    return inactivity.due(inactivity.ask(at, **question))


def names(at=None):
    return [standing.name for standing in due(at)]


def holds(at=None, **question):
    return {standing.name: standing.held_by for standing in due(at, **question)}


def set_billing(organization, **fields):
    BillingAccount.objects.filter(pk=organization.pk).update(**fields)


def test_due_are_told_by_moment_and_id(now):
    """P67"""
    for name, days in [("second", 60), ("first", 70), ("third", 50)]:
        factories.organization(name, created_at=now - days * DAY)

    assert names() == ["first", "second", "third"]


def test_a_stored_moment_that_lies_too_early_is_not_believed(unused, now):
    """P62, habit 7"""
    set_billing(unused, anchor_at=now - 100 * DAY, last_api_request_at=now)

    assert names() == []
    assert inactivity.exact_inactive_at([unused.pk], now) == {unused.pk: now + 50 * DAY}


@pytest.mark.parametrize(("until", "is_due"), [(None, False), (SECOND, False), (timedelta(0), True), (-DAY, True)])
def test_exempt_until_and_not_at_the_end(unused, now, until, is_due):
    """P63"""
    Exemption.objects.create(organization=unused, reason="seasonal", until=None if until is None else now + until)

    assert bool(due(now)) == is_due


def test_an_exemption_that_was_ended_exempts_no_more(unused, now):
    """P63"""
    Exemption.objects.create(organization=unused, reason="seasonal", ended_at=now)

    assert names() == ["Unused"]


def test_everyone_is_found_once_where_many_share_a_moment(now, monkeypatch):
    """Habit 7"""
    monkeypatch.setattr(inactivity, "SET_SIZE", 2)
    for number in range(5):
        factories.organization(f"Twin {number}", created_at=now - 60 * DAY)
    factories.organization("Later", created_at=now - 50 * DAY)

    assert sorted(names()) == ["Later", *(f"Twin {number}" for number in range(5))]


def statements_for(number):
    for _ in range(number):
        made = factories.organization("Unused")
        factories.control_plane(made)
    with CaptureQueriesContext(connection) as queries:
        assert len(due()) == Organization.objects.count()
    return len(queries)


def test_more_organizations_are_no_more_statements():
    """Habit 2"""
    assert statements_for(2) == statements_for(15)


def test_the_index_answers(now):
    """Habit 7: what is asked is a range of the index, however many are not due."""
    owner = factories.organization("Unused").owner
    crowd = [
        Organization(name=f"Crowd {n}", owner=owner, contact_email="a@b.example", inactive_at=now + DAY + n * SECOND)
        for n in range(4_000)
    ]
    Organization.objects.bulk_create(crowd)
    Membership.objects.bulk_create(Membership(organization=made, user=owner) for made in crowd)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_organization")

    with CaptureQueriesContext(connection) as queries:
        assert names() == ["Unused"]

    pages = [query["sql"] for query in queries if 'ORDER BY "accounts_organization"."inactive_at" ASC' in query["sql"]]
    assert len(pages) == 2
    for page in pages:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {page}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "organization_due" in plan
        assert re.search(r"Index Cond: \(+inactive_at", plan)


# What holds


def test_nothing_holds_an_organization_without_control_planes(unused):
    """P63"""
    assert holds() == {"Unused": None}


@pytest.mark.parametrize(("complete", "held_by"), [(2 * HOUR, None), (2 * HOUR + SECOND, HeldBy.MISSING_USAGE)])
def test_missing_usage_of_a_geo_means_active(unused, now, complete, held_by):
    """P63"""
    factories.control_plane(unused, geo="eu")
    assert holds(now) == {"Unused": HeldBy.MISSING_USAGE}

    record_completeness(["us"], now, at=now)
    assert holds(now) == {"Unused": HeldBy.MISSING_USAGE}

    record_completeness(["eu"], now - complete, at=now)

    assert holds(now) == {"Unused": held_by}


@pytest.mark.parametrize(("into_cycle", "held_by"), [(timedelta(0), None), (SECOND, HeldBy.MISSING_USAGE)])
def test_usage_counts_where_a_control_plane_was_in_this_cycle_or_the_one_before(unused, now, into_cycle, held_by):
    """P63: one that was gone by the first moment of the cycle before does not."""
    before = now - 40 * DAY
    set_billing(unused, anchor_at=before)
    gone_at = before + into_cycle
    made = factories.control_plane(unused, geo="eu")
    type(made).objects.filter(pk=made.pk).update(
        state="decommissioned", decommission_requested_at=gone_at, decommissioned_at=gone_at
    )

    assert holds(now) == {"Unused": held_by}


def test_an_import_that_was_complete_stands_for_every_geo(unused, now):
    """P63"""
    factories.control_plane(unused, geo="eu")
    set_billing(unused, usage_known_until=now)

    assert holds(now + HOUR) == {"Unused": None}
    assert inactivity.explain(unused.pk, now).missing_geos == ()


def test_of_a_time_to_come_only_what_is_missing_today_is_missing(unused, now):
    """P63, P67"""
    factories.control_plane(unused, geo="eu")
    record_completeness(["eu"], now, at=now)

    assert holds(now + 90 * DAY) == {"Unused": None}


def test_the_first_reason_is_told(unused, lead, now):
    """P58, P63, P66"""
    made = factories.control_plane(unused, geo="eu")
    run = CheckRun.objects.create(at=now, outcome="dismissed", decided_at=now, decided_by_id=lead.pk)
    CheckEntry.objects.create(run=run, organization=unused, inactive_at=now, last_seen_at=now)
    Organization.objects.filter(pk=unused.pk).update(hold_until=now + DAY, hold_reason="court", hold_ticket="T-1")
    pause = CheckPause.objects.create(reason="incident", paused_by_id=lead.pk)

    told = [holds()["Unused"]]
    pause.delete()
    told.append(holds()["Unused"])
    Organization.objects.filter(pk=unused.pk).update(hold_until=None, hold_reason="", hold_ticket="")
    told.append(holds()["Unused"])
    made.delete()
    told.append(holds()["Unused"])
    told.append(holds(notices=True)["Unused"])

    assert told == ["paused", "hold", "missing_usage", "dismissed", "notice"]


@pytest.mark.parametrize(("ago", "held_by"), [(30 * DAY - SECOND, HeldBy.DISMISSED), (30 * DAY, None)])
def test_dismissed_organizations_rest_for_30_days(unused, lead, now, ago, held_by):
    """P66"""
    run = CheckRun.objects.create(at=now, outcome="dismissed", decided_at=now - ago, decided_by_id=lead.pk)
    CheckEntry.objects.create(run=run, organization=unused, inactive_at=now, last_seen_at=now)

    assert holds(now) == {"Unused": held_by}


def test_above_the_limit_everyone_who_could_go_is_held(unused, now, settings):
    """P66: those held otherwise do not count."""
    settings.INACTIVITY_LIMIT_FLOOR = 1
    on_hold = {"hold_until": now + DAY, "hold_reason": "court", "hold_ticket": "T-1"}
    factories.organization("On hold", **on_hold)
    assert holds() == {"Unused": None, "On hold": HeldBy.HOLD}

    factories.organization("One more")

    assert holds() == {"Unused": HeldBy.LIMIT, "One more": HeldBy.LIMIT, "On hold": HeldBy.HOLD}


@pytest.mark.parametrize(("free", "limit"), [(1, 10), (549, 10), (550, 11), (25_000, 500), (1_000_000, 500)])
def test_the_limit_is_the_lower_of_500_and_2_percent_but_at_least_10(free, limit):
    """P66"""
    assert inactivity.limit_for(free) == limit


def test_only_organizations_on_free_make_up_the_limit(unused, now, settings):
    """P66"""
    settings.INACTIVITY_LIMIT_PERCENT = 100
    settings.INACTIVITY_LIMIT_FLOOR = 0
    factories.organization("On Plus", plan=Plan.PLUS)
    factories.organization("On trial", plan="trial")

    assert inactivity.limit(now) == 1


# Notices


def told(organization, *, first, last, announced_at, inactive_at=None, how="accepted_at"):
    """A first notice and a last one, which where it has no moment is still under way."""
    inactive_at = inactive_at or organization.created_at + 30 * DAY
    for days_before, at in [(14, first), (1, last)]:
        InactivityNotice.objects.create(
            organization=organization,
            inactive_at=inactive_at,
            announced_at=announced_at,
            days_before=days_before,
            **{how: at},
        )


@pytest.mark.parametrize(
    ("first", "last", "announced", "held_by"),
    [
        (14 * DAY, 23 * HOUR, timedelta(0), None),
        (14 * DAY - SECOND, 23 * HOUR, timedelta(0), HeldBy.NOTICE),
        (14 * DAY, 23 * HOUR - SECOND, timedelta(0), HeldBy.NOTICE),
        (14 * DAY, 23 * HOUR, -SECOND, HeldBy.NOTICE),
        (28 * DAY, 15 * DAY, 14 * DAY, None),
        (28 * DAY, 15 * DAY, 14 * DAY + SECOND, HeldBy.NOTICE),
    ],
)
def test_notices_have_to_have_come_long_enough_ago(unused, now, first, last, announced, held_by):
    """P64"""
    told(unused, first=now - first, last=now - last, announced_at=now - announced)

    assert holds(now, notices=True) == {"Unused": held_by}


@pytest.mark.parametrize(
    ("first", "announced", "held_by"),
    [
        (14 * DAY, timedelta(0), None),
        (14 * DAY - SECOND, timedelta(0), HeldBy.NOTICE),
        (28 * DAY, 14 * DAY + SECOND, HeldBy.NOTICE),
    ],
)
def test_whom_no_notice_reaches_waits_14_days_from_then(unused, now, first, announced, held_by):
    """P64: a last notice that can't be delivered either need not come."""
    told(unused, first=now - first, last=None, announced_at=now - announced, how="undeliverable_at")

    assert holds(now, notices=True) == {"Unused": held_by}


@pytest.mark.parametrize(("ago", "held_by"), [(14 * DAY, None), (14 * DAY - SECOND, HeldBy.NOTICE)])
def test_a_last_notice_that_reached_nobody_is_complete_14_days_later(unused, now, ago, held_by):
    """P64"""
    told(unused, first=now - 28 * DAY, last=now - ago, announced_at=now - 13 * DAY)
    InactivityNotice.objects.filter(days_before=1).update(accepted_at=None, undeliverable_at=now - ago)

    assert holds(now, notices=True) == {"Unused": held_by}


def test_notices_of_another_moment_do_not_count(unused, now):
    """P64"""
    told(unused, first=now - 20 * DAY, last=now - DAY, announced_at=now, inactive_at=now - 3 * DAY)

    assert holds(now, notices=True) == {"Unused": HeldBy.NOTICE}


def test_notices_are_asked_for_only_where_they_are_on(unused, settings):
    """P64"""
    assert holds() == {"Unused": None}
    settings.INACTIVITY_NOTICES = True
    assert holds() == {"Unused": HeldBy.NOTICE}


# One organization


def test_why_an_organization_is_due(unused, now):
    """P67"""
    set_billing(unused, anchor_at=now - 100 * DAY, last_api_request_at=now - 95 * DAY)
    Organization.objects.filter(pk=unused.pk).update(last_login_at=now - 80 * DAY)

    why = inactivity.explain(unused.pk, now)

    assert why.seen == {"login": now - 80 * DAY, "created": unused.created_at}
    assert why.last_seen_at == now - 80 * DAY
    assert why.facts.requests_count_until == now - 40 * DAY
    assert (why.is_due, why.inactive_at, why.held_by) == (True, now - 40 * DAY, None)


def test_why_an_organization_is_not_due(unused, globex, now):
    """P60, P63, P67"""
    paid = factories.subscription(unused, Plan.PLUS)
    assert (inactivity.explain(unused.pk).is_due, inactivity.explain(unused.pk).inactive_at) == (False, None)

    exemption = Exemption.objects.create(organization=globex, reason="seasonal")
    assert (inactivity.explain(globex.pk).is_due, inactivity.explain(globex.pk).exemption) == (False, exemption)

    paid.ended_at = now - DAY
    paid.save()
    assert inactivity.explain(unused.pk, now).seen["free"] == now - DAY


def test_asked_under_lock_only_those_who_may_go_now_are_named(unused, globex, now):
    """P65"""
    assert inactivity.is_due_now(Organization.objects.filter(pk__in=[unused.pk, globex.pk])) == {unused.pk, globex.pk}

    Organization.objects.filter(pk=unused.pk).update(last_login_at=now)
    factories.control_plane(globex, geo="eu")

    assert inactivity.is_due_now(Organization.objects.filter(pk__in=[unused.pk, globex.pk])) == set()
