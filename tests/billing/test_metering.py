"""Metering: each unit counted once, what never counts kept apart, and completeness that waits for mended records."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.checks import run_check
from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.models import Organization
from accounts.words import Reason, Via
from billing.models import BillingAccount, DailyUsage, GeoUsage, UsageApart, UsageBatch, UsageFault, UsageRecord
from billing.services import (
    CYCLE,
    Batch,
    OtherContent,
    activity_facts,
    forget_batches,
    record_completeness,
    record_usage,
)
from billing.services.reports import Fault, Usage
from geos.models import OrganizationGeo
from tests import factories
from tests.races import at_once, collide

NOW = datetime(2026, 11, 24, 9, 20, tzinfo=UTC)
LAST = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NUMBERS = count()


def batch(*usage, geo="us", id=None, through=LAST + HOUR, faults=(), digest="") -> Batch:
    """Of (organization, metric, hour, quantity); an organization alone stands for five requests in the last hour."""
    rows = [one if isinstance(one, tuple) else (one, "api_requests", LAST, 5) for one in usage]
    return Batch(
        geo=geo,
        batch_id=id or f"batch-{next(NUMBERS)}",
        digest=digest,
        complete_through=through,
        usage=[Usage(n, getattr(who, "pk", who), *rest) for n, (who, *rest) in enumerate(rows)],
        faults=faults,
    )


def report(*usage, at=NOW, **fields) -> dict:
    return record_usage(batch(*usage, **fields), at=at)


def fault(organization=None, metric="", hour=None) -> Fault:
    return Fault(0, "quantity", "must not be negative", organization and organization.pk, metric, hour)


def metered(**which) -> list[tuple]:
    return list(UsageRecord.objects.filter(**which).order_by("metric", "hour").values_list("metric", "quantity"))


def apart() -> list[str]:
    return list(UsageApart.objects.order_by("pk").values_list("reason", flat=True))


def complete_through(geo="us") -> datetime | None:
    return GeoUsage.objects.get(pk=geo).complete_through


@pytest.fixture
def acme(alice):
    return factories.organization("Acme", owner=alice, created_at=NOW - 100 * DAY)


@pytest.fixture
def deactivate(acme, lead):
    said = {"reason": Reason.NON_PAYMENT, "actor": lead, "via": Via.ADMIN, "ticket": "T-1"}
    return lambda: deactivate_organizations([acme.pk], **said)


class TestCounting:
    pytestmark = pytest.mark.django_db

    def test_requests_add_and_of_the_others_the_hours_maximum_counts(self, acme):
        """P32"""
        for quantity in (5, 3, 7, 0):
            report(*((acme, metric, LAST, quantity) for metric in ("api_requests", "dev_portals", "gateway_services")))

        assert metered() == [("api_requests", 15), ("dev_portals", 7), ("gateway_services", 7)]

    def test_one_batch_may_name_an_hour_several_times(self, acme):
        """P32"""
        report(*((acme, metric, LAST, n) for metric in ("api_requests", "dev_portals") for n in (2, 4, 3)))

        assert metered() == [("api_requests", 9), ("dev_portals", 4)]

    def test_days_hold_the_sum_of_requests_and_the_most_of_the_others(self, acme):
        """P33"""
        report(
            *((acme, metric, LAST - n * HOUR, 5 - n) for metric in ("api_requests", "dev_portals") for n in range(3))
        )
        report((acme, "api_requests", LAST - DAY, 1))

        days = DailyUsage.objects.order_by("metric", "day").values_list("metric", "day", "quantity")
        today = LAST.date()
        assert list(days) == [
            ("api_requests", today - DAY, 1),
            ("api_requests", today, 12),
            ("dev_portals", today, 5),
        ]

    def test_geos_are_metered_each_for_itself(self, acme):
        """P32"""
        OrganizationGeo.objects.create(organization=acme, geo_id="eu")
        report(acme, geo="us")
        report(acme, geo="eu")

        assert metered(geo="us") == metered(geo="eu") == [("api_requests", 5)]

    def test_a_batch_that_fails_leaves_nothing(self, acme):
        """P32: whole or not at all, so that it can come again."""
        with pytest.raises(Exception, match="usage_metric_known"):
            report(acme, (acme, "unheard", LAST, 1), id="one")

        assert not UsageRecord.objects.exists()
        assert report(acme, id="one")["accepted"] == 1

    def test_a_batch_is_forgotten_when_once_more_would_count_nothing(self, acme):
        """P32"""
        report(acme, id="one")
        forget_batches(at=NOW + 90 * DAY)
        assert UsageBatch.objects.exists()
        forget_batches(at=NOW + 91 * DAY)

        report(acme, id="one", at=NOW + 91 * DAY)

        assert metered() == [("api_requests", 5)]
        assert apart() == ["too_old"]

    def test_the_statements_do_not_grow_with_the_batch(self, acme, django_assert_num_queries):
        report(acme)
        with django_assert_num_queries(8):
            report(acme)
        others = [factories.organization(created_at=NOW - 100 * DAY) for _ in range(3)]
        with django_assert_num_queries(9):  # and one for the first request of each of those
            report(*others)


class TestKeptApart:
    pytestmark = pytest.mark.django_db

    def test_usage_of_nobody(self):
        """P41"""
        assert report(uuid4())["accepted"] == 0
        assert apart() == ["unknown"]

    def test_usage_of_a_deactivated_organization(self, acme, deactivate):
        """P41"""
        deactivate()
        report(acme)

        assert apart() == ["deactivated"]
        assert not UsageRecord.objects.exists()
        assert BillingAccount.objects.get(pk=acme.pk).last_api_request_at is None

    @pytest.mark.parametrize("state", ["deleting", "deleted"])
    def test_usage_of_a_purged_organization(self, acme, deactivate, state):
        """P41, P55"""
        deactivate()
        Organization.objects.filter(pk=acme.pk).update(state=state)
        report(acme)

        assert apart() == ["purged"]

    def test_usage_from_before_a_reactivation(self, acme, deactivate, lead):
        """P41: never billed, also where the organization is back when it arrives."""
        deactivate()
        reactivate_organization(acme.pk, note="Paid", actor=lead, via=Via.ADMIN, ticket="T-1")
        Organization.objects.filter(pk=acme.pk).update(reactivated_at=LAST + HOUR / 2)
        report((acme, "api_requests", LAST - HOUR, 5), (acme, "api_requests", LAST, 3))

        assert apart() == ["deactivated"]
        assert metered() == [("api_requests", 3)]

    def test_usage_in_a_geo_that_the_organization_has_not_opened(self, acme):
        """P10, P41"""
        report(acme, geo="eu")

        assert apart() == ["geo_not_opened"]

    def test_hours_older_than_the_previous_cycle(self, acme):
        """P34: an hour belongs to the cycle in which it begins."""
        BillingAccount.objects.filter(pk=acme.pk).update(anchor_at=NOW - 2 * CYCLE - HOUR)
        first = (NOW - CYCLE - HOUR).replace(minute=0) + HOUR
        report((acme, "api_requests", first - HOUR, 5), (acme, "api_requests", first, 3))

        assert apart() == ["too_old"]
        assert metered() == [("api_requests", 3)]


class TestActivity:
    pytestmark = pytest.mark.django_db

    def last_request(self, acme):
        return activity_facts([acme.pk], at=NOW)[acme.pk].last_api_request_at

    def test_the_last_request_was_in_the_last_second_of_its_hour(self, acme):
        """P62"""
        report((acme, "api_requests", LAST - HOUR, 2), acme)

        assert self.last_request(acme) == LAST + timedelta(minutes=59, seconds=59)

    def test_it_never_moves_back_and_is_written_once_a_cycle(self, acme):
        """P62"""
        report(acme)
        report((acme, "api_requests", LAST - 40 * DAY, 2))

        assert self.last_request(acme) == LAST + timedelta(minutes=59, seconds=59)

    @pytest.mark.parametrize("usage", [("api_requests", LAST, 0), ("gateway_services", LAST, 3)])
    def test_what_is_no_request_is_no_activity(self, acme, usage):
        """P61"""
        report((acme, *usage))

        assert self.last_request(acme) is None


class TestCompleteness:
    pytestmark = pytest.mark.django_db

    def test_it_never_moves_back(self, acme):
        """P63"""
        report(through=LAST + HOUR)
        report(through=LAST)

        assert complete_through() == LAST + HOUR

    def test_it_waits_for_the_mended_record_whatever_comes_between(self, acme):
        """P63: missing data means active."""
        report(through=LAST)
        report(faults=[fault(acme, "api_requests", LAST)])
        report((acme, "dev_portals", LAST, 1), (acme, "api_requests", LAST - HOUR, 1), through=LAST + HOUR / 4)
        record_completeness(["us"], LAST + HOUR / 2, at=NOW)
        assert complete_through() == LAST

        report(acme, through=LAST)

        assert complete_through() == LAST + HOUR
        assert UsageFault.objects.get().mended_at == NOW

    def test_each_fault_wants_a_record_of_its_own(self, acme):
        """P63"""
        report(faults=[fault(acme, "api_requests"), fault(acme, "api_requests", LAST)])
        report(acme)
        assert complete_through() is None

        report((acme, "api_requests", LAST - HOUR, 1))

        assert complete_through() == LAST + HOUR

    def test_where_the_hour_was_wrong_it_began_before_the_batch_was_complete(self, acme):
        """P63: the next hour's usage mends nothing."""
        report(faults=[fault(acme, "api_requests")], through=LAST)
        report(acme)
        assert complete_through() is None

        report((acme, "api_requests", LAST - HOUR, 1))

        assert complete_through() == LAST + HOUR

    def test_where_the_organization_was_wrong_only_a_batch_of_mended_records_is_believed(self, acme):
        """P63"""
        report(faults=[fault(None, "api_requests", LAST)])
        report(acme, (acme, "dev_portals", LAST, 1))
        assert complete_through() is None

        report(acme)

        assert complete_through() == LAST + HOUR

    def test_nothing_mends_a_fault_as_well_as_something(self, acme):
        """P63: how a geo says that there was nothing to count after all."""
        report(faults=[fault(acme, "api_requests", LAST)])
        report((acme, "api_requests", LAST, 0))

        assert complete_through() == LAST + HOUR
        assert not UsageRecord.objects.exists()


HOURS = st.integers(0, 3).map(lambda back: LAST - back * HOUR)
METRICS = st.sampled_from(["api_requests", "gateway_services", "dev_portals"])
RECORDS = st.lists(st.tuples(st.integers(0, 2), METRICS, HOURS, st.integers(0, 9)), max_size=6)


@pytest.fixture
def organizations(db):
    return [factories.organization(created_at=NOW - 100 * DAY) for _ in range(3)]


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RECORDS, max_size=5), st.data())
def test_whatever_is_repeated_lost_split_and_reordered_each_unit_is_metered_once(organizations, batches, data):
    """P32: a naive model agrees."""
    pieces = []
    for records in batches:
        cut = data.draw(st.integers(0, len(records)))
        pieces += [piece for piece in (records[:cut], records[cut:]) if piece]
    named = [(f"piece-{number}", piece) for number, piece in enumerate(pieces)]
    sent = data.draw(
        st.permutations(named + data.draw(st.lists(st.sampled_from(named or [("none", [])]), max_size=4)))
    )
    lost = {id for id, _ in sent if data.draw(st.booleans())}
    with transaction.atomic():
        for id, piece in sent:
            usage = batch(*((organizations[who].pk, *rest) for who, *rest in piece), id=id)
            try:
                with transaction.atomic():
                    record_usage(usage, at=NOW)
                    if id in lost:
                        lost.remove(id)
                        raise ConnectionError
            except ConnectionError:
                record_usage(usage, at=NOW)
        rows = UsageRecord.objects.values_list("organization_id", "metric", "hour", "quantity")
        days = DailyUsage.objects.values_list("organization_id", "metric", "day", "quantity")
        found = [{tuple(key): quantity for *key, quantity in kept} for kept in (rows, days)]
        transaction.set_rollback(True)

    hours, by_day = Counter(), Counter()
    for who, metric, hour, quantity in (record for piece in pieces for record in piece):
        for model, when in ((hours, hour), (by_day, hour.date())):
            key = (organizations[who].pk, metric, when)
            model[key] = model[key] + quantity if metric == "api_requests" else max(model[key], quantity)
    assert found == [dict(+hours), dict(+by_day)]


class TestRaces:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_one_batch_twice_at_once_counts_once(self, acme):
        """P32"""
        report()
        answer = collide(lambda: report(acme, id="one"), lambda: report(acme, id="one"))

        assert answer["accepted"] == 1
        assert metered() == [("api_requests", 5)]

    def test_of_two_contents_under_one_id_at_once_one_is_taken(self, acme):
        """P32"""
        answers = at_once(*(lambda n=n: report(acme, id="one", digest=f"{n}") for n in range(2)))

        assert sum(isinstance(answer, OtherContent) for answer in answers) == 1
        assert metered() == [("api_requests", 5)]

    def test_geos_that_report_at_once_never_stand_in_each_others_way(self, acme):
        """P32: the same organizations, in whatever order."""
        others = [factories.organization(created_at=NOW - 100 * DAY) for _ in range(5)]
        for organization in (acme, *others):
            OrganizationGeo.objects.create(organization=organization, geo_id="eu")
        answers = at_once(
            *(lambda n=n: report(acme, *others, geo="us") for n in range(2)),
            *(lambda n=n: report(*reversed(others), acme, geo="eu") for n in range(2)),
        )

        assert [answer["accepted"] for answer in answers] == [6] * 4
        assert sum(UsageRecord.objects.values_list("quantity", flat=True)) == 4 * 6 * 5

    def test_usage_that_meets_a_deactivation_is_kept_apart(self, acme, deactivate):
        """P41"""
        answer = collide(deactivate, lambda: report(acme))

        assert answer["kept_apart"] == [{"index": 0, "reason": "deactivated"}]
        assert not UsageRecord.objects.exists()

    def test_a_deactivation_waits_for_usage_that_came_before_it(self, acme, deactivate):
        """P41"""
        collide(lambda: report(acme), deactivate)

        assert metered() == [("api_requests", 5)]
        assert Organization.objects.get().state == "inactive"

    @pytest.mark.usefixtures("without_notices")
    def test_a_request_recorded_just_before_the_check_decides_is_seen(self, acme):
        """P65: the organization is active after all."""
        now = datetime.now(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0) - HOUR
        record_completeness(["us"], now, at=now)
        used = (acme, "api_requests", hour, 1)

        result = collide(lambda: report(used, at=now, through=hour), run_check)

        assert result.run.due_count == 1
        assert result.deactivated == []

    def test_people_do_not_wait_for_usage(self, acme):
        """Holding an organization for an addition goes with usage that is being taken."""
        with transaction.atomic():
            report(acme)
            [held] = at_once(lambda: _hold(acme))

        assert held == acme


@transaction.atomic
def _hold(organization):
    return Organization.objects.hold(organization.pk)
