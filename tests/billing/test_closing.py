"""Cycles are closed: one invoice for each, to the cent, whatever becomes of the worker (P31, P34)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.words import Reason, Via
from billing.models import Charge, Credit, GeoUsage, Invoice, InvoiceLine, Price, PriceList
from billing.services import NewSubscription, close_cycles, closing, issuing, start_subscriptions
from billing.services.prices import Tier, add_price_list
from billing.services.subscribing import end_plus, start_plus
from tests import factories
from tests.factories import moment
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db
START = moment("2026-03-01T10:00")
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
CYCLE = 30 * DAY
END = START + CYCLE
SERVICES, REQUESTS, PORTALS = "gateway_services", "api_requests", "dev_portals"


@pytest.fixture
def acme(alice):
    return on_plus("Acme", owner=alice)


def on_plus(name="Acme", starts_at=START, **fields):
    """An organization that has been on paid Plus since `starts_at`."""
    made = factories.organization(name, created_at=START - 100 * DAY, **fields)
    start_plus(made.pk, starts_at=starts_at, made_by_id=None, at=starts_at)
    return made


def use(organization, quantity, *, hour=START, metric=REQUESTS, geo="us"):
    factories.usage(organization, hour, quantity, metric=metric, geo=geo)


def complete(through, geo="us"):
    GeoUsage.objects.update_or_create(geo=geo, defaults={"complete_through": through})


def close(at, through=None):
    complete(through or at)
    return close_cycles(at=at)


def issued(organization) -> list[Invoice]:
    return list(Invoice.objects.filter(organization=organization, issued_at__isnull=False).order_by("number"))


def lines(invoice) -> list[tuple]:
    return list(invoice.lines.values_list("metric", "quantity", "amount_cents"))


def deactivate(*organizations, lead):
    ids = [organization.pk for organization in organizations]
    return deactivate_organizations(ids, reason=Reason.FRAUD, via=Via.ADMIN, actor=lead, ticket="T-1")


def test_a_cycle_gives_one_invoice_with_a_line_for_each_metric_that_was_used(acme):
    """P34"""
    for hour in range(3):
        use(acme, 200, metric=SERVICES, hour=START + hour * HOUR)
    use(acme, 1_500_000, geo="us")
    use(acme, 250_000, geo="eu")

    close(END)

    [invoice] = issued(acme)
    # 1,750,000 requests: one million is included, the rest is 200.00 USD a million; 600 of 720 service-hours
    assert lines(invoice) == [(REQUESTS, 1_750_000, 15_000), (SERVICES, 600, 8_750)]
    assert (invoice.period_start, invoice.period_end) == (START, END)
    assert invoice.total_cents == 23_750
    assert (invoice.organization_name, invoice.contact_email) == ("Acme", acme.contact_email)
    explained = invoice.lines.get(metric=REQUESTS).explained
    assert explained["by_geo"] == {"us": 1_500_000, "eu": 250_000}
    assert [(step["above"], step["quantity"]) for step in explained["steps"]] == [(0, 1_000_000), (1_000_000, 750_000)]


@pytest.mark.parametrize(("hour", "is_billed"), [(-1, False), (0, True), (719, True), (720, False)])
def test_an_hour_belongs_to_the_cycle_in_which_it_begins(hour, is_billed, acme):
    """P34"""
    use(acme, 720, metric=SERVICES, hour=START + hour * HOUR)

    close(END)

    assert [invoice.total_cents for invoice in issued(acme)] == [10_500 if is_billed else 0]


def test_a_cycle_closes_at_its_last_second_and_no_earlier(acme):
    """P31"""
    assert close(END - SECOND) == (0, 0, 0)
    assert close(END) == (1, 1, 0)


def test_twice_makes_one_invoice(acme):
    """P34"""
    close(END)
    close(END)

    assert Invoice.objects.count() == 1


def test_a_worker_that_comes_weeks_late_makes_one_invoice_for_each_cycle_in_order(acme):
    """P34"""
    for cycle in range(3):
        use(acme, 720 * (cycle + 1), metric=SERVICES, hour=START + cycle * CYCLE)

    close(START + 3 * CYCLE + 7 * DAY)

    assert [invoice.total_cents for invoice in issued(acme)] == [10_500, 21_000, 31_500]
    assert [invoice.period_start for invoice in issued(acme)] == [START + cycle * CYCLE for cycle in range(3)]


@pytest.mark.parametrize("step", ["spend_credits", "_issue"])
def test_killed_in_the_middle_it_leaves_a_draft_and_the_next_run_issues_it(step, acme, monkeypatch):
    """P34"""
    use(acme, 720, metric=SERVICES)

    def die(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(issuing, step, die)
        with pytest.raises(SystemExit):
            close(END)
    assert Invoice.objects.drafts().count() == 1
    assert not InvoiceLine.objects.exists()

    close(END + HOUR)

    assert [lines(invoice) for invoice in issued(acme)] == [[(SERVICES, 720, 10_500)]]


def test_a_draft_waits_for_every_geo_that_was_opened(acme):
    """P34: the last hour of the cycle ends after it."""
    starts_at = START + HOUR / 2
    globex = on_plus("Globex", starts_at, geo="eu")

    complete(END)
    complete(END + HOUR / 2, "eu")
    assert close_cycles(at=END + HOUR) == (2, 1, 0)
    assert issued(globex) == []

    complete(END + HOUR, "eu")
    close_cycles(at=END + HOUR)
    assert len(issued(globex)) == 1


def test_after_72_hours_it_waits_no_longer(acme):
    """P34"""
    assert close_cycles(at=END + 72 * HOUR - SECOND) == (1, 0, 0)
    assert close_cycles(at=END + 72 * HOUR) == (0, 1, 0)


def test_usage_that_comes_late_goes_on_the_next_invoice_once(acme):
    """P34: at the price of its own cycle, of which the included million is used up."""
    use(acme, 1_000_000)
    close(END + 72 * HOUR, through=END - DAY)
    use(acme, 10_000, hour=START + HOUR)
    use(acme, 500, hour=END)

    close(END + CYCLE)
    close(END + 2 * CYCLE)

    first, second, third = issued(acme)
    assert lines(first) == [(REQUESTS, 1_000_000, 0)]
    assert lines(second) == [(REQUESTS, 500, 0), (REQUESTS, 10_000, 200)]
    assert second.lines.last().service_start == START
    assert second.lines.last().explained["by_geo"] == {"us": 10_000}
    assert lines(third) == []


@pytest.mark.parametrize(("quantity", "cents"), [(1, 15), (2, 29), (24, 350)])
def test_amounts_are_rounded_half_up_once_per_line(quantity, cents, acme):
    """P34: 105.00 USD for 720 hours is 14.583… cents an hour."""
    for hour in range(quantity):
        use(acme, 1, metric=SERVICES, hour=START + hour * HOUR)

    close(END)

    assert issued(acme)[0].total_cents == cents


def test_half_a_cent_is_rounded_up(acme):
    """P34"""
    one = [Tier(0, 2, 1)]
    add_price_list({SERVICES: one, REQUESTS: one, PORTALS: one}, valid_from=START - DAY)
    use(acme, 1)

    close(END)

    assert issued(acme)[0].total_cents == 1


def test_the_price_list_at_the_start_of_a_cycle_holds_for_all_of_it(acme):
    """P30"""
    free = [Tier(0, 1, 0)]
    add_price_list({SERVICES: free, REQUESTS: free, PORTALS: free}, valid_from=START + SECOND)
    use(acme, 720, metric=SERVICES)
    use(acme, 720, metric=SERVICES, hour=END)

    close(END + CYCLE)

    assert [invoice.total_cents for invoice in issued(acme)] == [10_500, 0]


def test_a_price_list_with_a_gap_keeps_whom_it_concerns_in_draft_and_stops_nobody_else(acme):
    """P34: once a list without the gap is there, the invoice is issued."""
    gap = PriceList.objects.create(valid_from=START - DAY, subscription=acme.subscriptions.get())
    Price.objects.create(price_list=gap, metric=REQUESTS, above=100, per=1, cents=1)
    globex = on_plus("Globex")
    for each in (acme, globex):
        use(each, 5_000)

    assert close(END) == (2, 1, 1)

    assert issued(acme) == []
    assert len(issued(globex)) == 1
    assert list(Invoice.objects.overdue(END + 80 * HOUR)) == [Invoice.objects.get(organization=acme)]


def test_what_is_imported_is_invoiced_from_the_cycle_of_its_import_on(alice):
    """P34: what was used before was invoiced elsewhere."""
    imported = factories.organization("Imported", owner=alice)
    plus = NewSubscription(
        id=uuid4(), organization_id=imported.pk, plan="plus", starts_at=START, billed_from=START + 100 * DAY
    )
    start_subscriptions([plus])

    assert close(START + 101 * DAY).drafted == 0
    close(START + 121 * DAY)

    assert [each.period_start for each in issued(imported)] == [START + 90 * DAY]


def test_a_plan_that_ends_is_invoiced_for_what_was_used_until_then(acme):
    """P34"""
    ended_at = START + 40 * DAY + HOUR / 2
    use(acme, 720, metric=SERVICES, hour=ended_at - HOUR / 2)
    use(acme, 720, metric=SERVICES, hour=ended_at + HOUR / 2)

    end_plus(acme.pk, at=ended_at, ended_by_id=None)
    close(START + 200 * DAY)

    first, last = issued(acme)
    assert (first.period_end, last.period_end) == (END, ended_at)
    assert [first.total_cents, last.total_cents] == [0, 10_500]


def test_a_scheduled_plan_that_ends_before_it_began_is_never_invoiced(alice):
    acme = factories.organization("Acme", owner=alice, created_at=START - DAY)
    start_plus(acme.pk, starts_at=END, made_by_id=None, at=START)

    end_plus(acme.pk, at=START + DAY, ended_by_id=None)

    assert close(END + 2 * CYCLE) == (0, 0, 0)


def test_credits_are_spent_first_what_expires_soonest_at_the_front_and_never_below_zero(acme):
    """P34"""
    soon = {"kind": "free", "expires_at": END + DAY}
    gone = {"kind": "free", "expires_at": END}
    for cents, fields in ((6_000, {"kind": "paid"}), (3_000, soon), (9_000, gone)):
        Credit.objects.create(
            organization=acme, granted_cents=cents, remaining_cents=cents, granted_at=START, **fields
        )
    use(acme, 720, metric=SERVICES)
    use(acme, 240, metric=SERVICES, hour=END)

    close(END)
    close(END + CYCLE)

    first, second = issued(acme)
    assert (first.credit_cents, first.due_cents) == (9_000, 1_500)
    assert (second.credit_cents, second.due_cents) == (0, 3_500)
    assert sorted(acme.credits.values_list("kind", "remaining_cents")) == [("free", 0), ("free", 9_000), ("paid", 0)]


def test_what_is_due_is_to_be_charged_at_once_and_nothing_where_nothing_is(acme):
    """P34"""
    globex = on_plus("Globex")
    use(acme, 720, metric=SERVICES)

    close(END)

    charge = Charge.objects.get()
    assert (charge.invoice, charge.amount_cents, charge.next_attempt_at) == (issued(acme)[0], 10_500, END)
    assert issued(globex)[0].total_cents == 0


def test_trial_and_enterprise_are_not_invoiced(alice):
    """P30"""
    for plan in ("trial", "enterprise"):
        made = factories.organization(plan, created_at=START, owner=alice)
        ends_at = END if plan == "trial" else None
        factories.subscription(made, plan, starts_at=START, ends_at=ends_at)
        use(made, 720, metric=SERVICES)

    assert close(END + CYCLE) == (0, 0, 0)


def test_after_a_deactivation_nothing_is_closed_not_even_a_cycle_that_has_ended(acme, globex, lead):
    """P41"""
    other = on_plus("Initech")
    use(acme, 720, metric=SERVICES)
    complete(START)
    close_cycles(at=END)

    deactivate(acme, lead=lead)
    close(END + 2 * CYCLE)

    assert Invoice.objects.get(organization=acme).voided_at
    assert len(issued(other)) == 3


def test_a_plan_that_ended_before_a_deactivation_is_not_invoiced_afterwards(acme, lead):
    """P41: not even after a reactivation."""
    use(acme, 720, metric=SERVICES)
    end_plus(acme.pk, at=START + DAY, ended_by_id=None)

    deactivate(acme, lead=lead)
    reactivate_organization(acme.pk, note="Asked", actor=lead, via=Via.ADMIN, ticket="T-1")

    assert close(END) == (0, 0, 0)


def test_an_issued_invoice_never_changes(acme):
    """P34: the database refuses it."""
    use(acme, 720, metric=SERVICES)
    close(END)
    [invoice] = issued(acme)
    line = invoice.lines.get()

    for act in (
        lambda: Invoice.objects.filter(pk=invoice.pk).update(total_cents=1),
        lambda: InvoiceLine.objects.filter(pk=line.pk).update(amount_cents=1),
        lambda: InvoiceLine.objects.filter(pk=line.pk).delete(),
        lambda: invoice.lines.create(
            position=9, metric=PORTALS, quantity=1, amount_cents=1, service_start=START, service_end=END
        ),
        lambda: connection.cursor().execute("DELETE FROM billing_invoice"),
    ):
        with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
            act()


def test_many_organizations_cost_as_many_statements_as_one(acme):
    """Habit 2"""

    def cost(at) -> int:
        complete(at)
        with CaptureQueriesContext(connection) as queries:
            assert close_cycles(at=at).failed == 0
        return len(queries)

    credit = {"granted_cents": 15_000, "remaining_cents": 15_000, "granted_at": START}
    use(acme, 720, metric=SERVICES)
    Credit.objects.create(organization=acme, kind="paid", **credit)
    close(END)
    use(acme, 720, metric=SERVICES, hour=END)
    one = cost(END + CYCLE)
    for number in range(3):
        more = on_plus(f"More {number}")
        use(more, 1_440, metric=SERVICES)
        Credit.objects.create(organization=more, kind="paid", **credit)

    assert cost(END + 2 * CYCLE) == one
    assert Invoice.objects.count() == 12


class TestRaces:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_a_deactivation_that_comes_first_leaves_nothing_to_close(self, acme, lead):
        """P41, habit 1"""
        complete(END)

        closed = collide(lambda: deactivate(acme, lead=lead), lambda: close_cycles(at=END))

        assert closed == (0, 0, 0)
        assert not Invoice.objects.exists()

    def test_a_deactivation_that_waits_for_an_invoice_lets_it_stay(self, acme, lead):
        """P41"""
        complete(END)

        [event] = collide(lambda: close_cycles(at=END), lambda: deactivate(acme, lead=lead))

        assert len(issued(acme)) == 1
        assert event.details["draft_invoices"] == []

    def test_two_closers_at_once_make_one_invoice_each_and_numbers_that_rise(self, acme):
        """P34"""
        others = [on_plus(f"More {number}") for number in range(4)]
        complete(END)

        at_once(*[lambda: close_cycles(at=END)] * 2)

        made = Invoice.objects.order_by("number")
        assert [invoice.number for invoice in made] == [1, 2, 3, 4, 5]
        assert {invoice.organization_id for invoice in made} == {acme.pk, *(each.pk for each in others)}

    def test_numbers_are_given_one_after_another(self, acme):
        """P34: whoever waits for a number gets a larger one."""
        globex = on_plus("Globex")
        complete(END)
        close_cycles(at=END - SECOND)

        collide(lambda: _close_one(acme), lambda: _close_one(globex))

        assert [invoice.organization for invoice in Invoice.objects.order_by("number")] == [acme, globex]


def _close_one(organization):
    with transaction.atomic():
        closing.draft_invoices([organization.pk], END)
        issuing.issue_drafts([organization.pk], END)
