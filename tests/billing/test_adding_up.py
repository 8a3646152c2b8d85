"""Whatever happens in whatever order, billing adds up: the services beside a deliberately naive calculation.

Usage comes once, repeated, in pieces or after a lost answer; plans begin and end; organizations are deactivated and
reactivated; cycles are closed at any moment, also by a worker that is killed (P30 to P34, P41).
"""

from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.models import Organization
from accounts.words import Reason, Via
from billing.models import Credit, Invoice, Metric, UsageRecord
from billing.services import Batch, begin_trial, close_cycles, issuing, record_completeness, record_usage
from billing.services.reports import Usage
from billing.services.subscribing import end_plus, move_anchor, start_plus
from geos.models import OrganizationGeo
from tests import factories
from tests.billing.naive import NaiveOrganization
from tests.factories import moment

pytestmark = pytest.mark.django_db

START = moment("2026-01-05T10:20:30")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GEOS = ["us", "eu"]
SAID = {"via": Via.ADMIN, "ticket": "T-1"}

whose = st.integers(0, 1)
usages = st.tuples(
    st.just("use"),
    whose,
    st.sampled_from(Metric.values),
    st.sampled_from(GEOS),
    st.one_of(st.integers(0, 2_000), st.sampled_from([719, 999_999, 1_000_001, 12_345_678])),
    st.one_of(st.integers(0, 100), st.integers(0, 70 * 24)),  # hours ago
    st.sampled_from(["once", "repeated", "in pieces", "answer lost", "not taken"]),
)
acts = st.tuples(
    st.sampled_from(["start plus", "start plus", "end plus", "deactivate", "reactivate", "reactivate"]), whose
)
credits_given = st.tuples(st.just("credit"), whose, st.integers(1, 20_000))
runs = st.sampled_from([("close",), ("close",), ("close, killed",), ("complete",)])
gaps = st.one_of(
    st.integers(0, 3 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from([timedelta(0), 80 * HOUR, 9 * DAY, 14 * DAY, 30 * DAY]),
)
steps = st.one_of(usages, usages, usages, runs, runs, credits_given, acts)
stories = st.lists(st.tuples(gaps, steps), min_size=20, max_size=50)

FIRST, LAST = [(DAY, ("start plus", 0)), (DAY, ("start plus", 1))], [(80 * HOUR, ("close",))]

EVENTFUL = [
    (5 * DAY, ("use", 0, "api_requests", "us", 12_345_678, 30, "answer lost")),
    (DAY, ("use", 0, "gateway_services", "eu", 719, 3, "in pieces")),
    (DAY, ("credit", 0, 7_777)),
    (26 * DAY, ("close, killed",)),
    (80 * HOUR, ("close",)),
    (HOUR, ("use", 0, "api_requests", "eu", 1_000_001, 9 * 24, "repeated")),  # late
    (DAY, ("use", 1, "dev_portals", "us", 1_999, 24, "not taken")),
    (9 * DAY, ("end plus", 0)),
    (DAY, ("start plus", 0)),
    (30 * DAY, ("complete",)),
    (HOUR, ("close",)),
    (2 * DAY, ("use", 0, "gateway_services", "us", 999, 2, "once")),
    (DAY, ("end plus", 0)),
    (DAY, ("deactivate", 0)),  # before what had ended was invoiced
    (5 * DAY, ("reactivate", 0)),
    (0 * DAY, ("use", 0, "gateway_services", "us", 999, 6 * 24, "once")),  # of before
    (DAY, ("start plus", 0)),
    (DAY, ("use", 0, "gateway_services", "us", 500, 1, "once")),
    (40 * DAY, ("close",)),
    (HOUR, ("use", 0, "gateway_services", "us", 700, 13 * 24, "once")),  # late, and never billed
    (HOUR, ("deactivate", 0)),
    (HOUR, ("reactivate", 0)),
    (HOUR, ("start plus", 0)),
    (40 * DAY, ("close",)),
]
"""One that has it all, since a few stories by chance need not."""


class World:
    """Acme, which had no trial, and Globex, which is on one: the real ones, and beside each its naive twin."""

    def __init__(self, monkeypatch, lead):
        self.now, self.lead, self.monkeypatch = START, lead, monkeypatch
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        self.organizations = [factories.organization(name, created_at=START) for name in ("Acme", "Globex")]
        for each in self.organizations:
            OrganizationGeo.objects.create(organization=each, geo_id="eu")
        globex = self.organizations[1]
        trial = {"person_id": globex.owner_id, "address": globex.contact_email}
        begin_trial(organization_id=globex.pk, at=START, **trial)

    def play(self, story) -> None:
        self.now = self.complete_through = START
        self.numbers = count()
        self.twins = [NaiveOrganization(START), NaiveOrganization(START, START + 30 * DAY)]
        for gap, (name, *rest) in [*FIRST, *story, *LAST]:
            self.now += gap
            for organization, twin in zip(self.organizations, self.twins, strict=True):
                if begun := twin.begin_plan(self.now):
                    move_anchor(organization.pk, begun)
            getattr(self, name.replace(", ", "_").replace(" ", "_"))(*rest)

    def use(self, who, metric, geo, quantity, hours_ago, how) -> None:
        hour = self.now.replace(minute=0, second=0) - hours_ago * HOUR
        pieces = [quantity // 3, quantity - quantity // 3] if how == "in pieces" else [quantity]
        for piece in pieces:
            batch = self.batch(Usage(0, self.organizations[who].pk, metric, hour, piece), geo)
            if how == "not taken":
                with transaction.atomic():
                    record_usage(batch, at=self.now)
                    transaction.set_rollback(True)
            first = record_usage(batch, at=self.now)
            if how in ("repeated", "answer lost"):
                assert record_usage(batch, at=self.now + HOUR) == first
            self.twins[who].use(metric, geo, hour, piece, self.now)

    def batch(self, usage, geo) -> Batch:
        name = f"batch-{next(self.numbers)}"
        return Batch(geo=geo, batch_id=name, digest=name, complete_through=START - DAY, usage=[usage])

    @transaction.atomic
    def start_plus(self, who) -> None:
        id, starts_at = self.organizations[who].pk, self.twins[who].subscribe(self.now)
        if starts_at is not None:
            Organization.objects.hold(id)
            start_plus(id, starts_at=starts_at, made_by_id=None, at=self.now)
            self.twins[who].begin_plan(self.now)

    @transaction.atomic
    def end_plus(self, who) -> None:
        self.twins[who].unsubscribe(self.now)
        end_plus(self.organizations[who].pk, at=self.now, ended_by_id=None)

    def deactivate(self, who) -> None:
        if deactivate_organizations([self.organizations[who].pk], reason=Reason.FRAUD, actor=self.lead, **SAID):
            self.twins[who].deactivate(self.now)

    def reactivate(self, who) -> None:
        with suppress(LifecycleError):  # it is active, or its data is gone
            reactivate_organization(self.organizations[who].pk, note="Asked", actor=self.lead, **SAID)
            self.twins[who].reactivate(self.now)

    def credit(self, who, cents) -> None:
        if self.twins[who].is_active:
            given = {"granted_cents": cents, "remaining_cents": cents, "granted_at": self.now}
            Credit.objects.create(organization=self.organizations[who], kind="paid", **given)
            self.twins[who].credits.append(cents)

    def complete(self) -> None:
        record_completeness(GEOS, self.now, at=self.now)
        self.complete_through = self.now

    def close(self) -> None:
        assert close_cycles(at=self.now).failed == 0
        for twin in self.twins:
            if twin.is_active:
                twin.close(self.now, self.complete_through)

    def close_killed(self) -> None:
        def die(*args, **kwargs):
            raise SystemExit

        with self.monkeypatch.context() as patch, suppress(SystemExit):
            patch.setattr(issuing, "_issue", die)
            close_cycles(at=self.now)


def invoices_of(organization) -> list[tuple]:
    issued = Invoice.objects.issued().filter(organization=organization).order_by("number")
    return [
        (
            invoice.period_start,
            invoice.period_end,
            sorted(invoice.lines.values_list("service_start", "metric", "quantity", "amount_cents")),
            invoice.total_cents,
            invoice.credit_cents,
        )
        for invoice in issued
    ]


def metered_of(organization) -> dict[tuple, int]:
    return {
        (row.metric, row.geo, row.hour): row.quantity for row in UsageRecord.objects.filter(organization=organization)
    }


def check(world) -> None:
    for organization, twin in zip(world.organizations, world.twins, strict=True):
        assert metered_of(organization) == {key: quantity for key, quantity in twin.usage.items() if quantity}
        assert invoices_of(organization) == twin.invoices
        check_invoices(organization)


def check_invoices(organization) -> None:
    """What holds of any invoices, without a second calculation."""
    billed = defaultdict(int)
    ends_at = START
    for start, end, lines, total, credit in invoices_of(organization):
        assert start >= ends_at
        ends_at = end
        assert total == sum(cents for *_, cents in lines)
        assert 0 <= credit <= total
        for service_start, metric, quantity, _ in lines:
            billed[service_start, metric] += quantity
    periods = {start: end for start, end, *_ in invoices_of(organization)}
    for (start, metric), quantity in billed.items():
        used = UsageRecord.objects.filter(
            organization=organization, metric=metric, hour__gte=start, hour__lt=periods[start]
        )
        assert quantity <= used.aggregate(sum=Sum("quantity"))["sum"]
    for credit in organization.credits.annotate(gone=Sum("spent__cents", default=0)):
        assert credit.remaining_cents == credit.granted_cents - credit.gone >= 0


def play_and_check(world, story) -> None:
    with transaction.atomic():
        world.play(story)
        check(world)
        transaction.set_rollback(True)


@pytest.fixture
def world(monkeypatch, lead):
    return World(monkeypatch, lead)


SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=5, **SETTINGS)
@given(stories)
@example(EVENTFUL)
def test_everything_adds_up(world, story):
    """P30 to P34, P41"""
    play_and_check(world, story)


@pytest.mark.slow
@settings(max_examples=300, **SETTINGS)
@given(stories)
def test_everything_adds_up_for_long(world, story):
    """P30 to P34, P41"""
    play_and_check(world, story)
