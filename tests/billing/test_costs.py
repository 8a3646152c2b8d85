"""What the current period has cost so far: on Free nothing, on a trial and by contract nothing that is due (P30)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Credit, Price, PriceList
from billing.services import costs_so_far
from billing.services.prices import Tier, add_price_list
from tests import factories
from tests.factories import moment

pytestmark = pytest.mark.django_db
START = moment("2026-03-01T10:00")
DAY = timedelta(days=1)
NOW = START + 40 * DAY
REQUESTS, SERVICES = "api_requests", "gateway_services"


def opened(plan=None, name="Acme", **fields):
    made = factories.organization(name, created_at=START)
    if plan:
        factories.subscription(made, plan, **{"starts_at": START} | fields)
    return made


def use(organization, quantity, metric=SERVICES, hour=NOW - DAY, geo="us"):
    factories.usage(organization, hour, quantity, metric=metric, geo=geo)


def credit(organization, cents, kind="free", **fields):
    Credit.objects.create(
        organization=organization, kind=kind, granted_cents=cents, remaining_cents=cents, granted_at=START, **fields
    )


def costs(organization, at=NOW):
    return costs_so_far([organization.pk], at=at)[organization.pk]


def test_on_plus_it_is_that_of_the_running_cycle_until_now():
    """P33"""
    acme = opened("plus")
    use(acme, 720, hour=START)
    use(acme, 720, hour=NOW - DAY)
    use(acme, 720, hour=NOW, geo="eu")

    so_far = costs(acme)

    assert (so_far.start, so_far.end) == (START + 30 * DAY, START + 60 * DAY)
    assert [(line.metric, line.quantity, line.cents, line.by_geo) for line in so_far.lines] == [
        (SERVICES, 720, 10_500, {"us": 720})
    ]
    assert so_far.total_cents == so_far.due_cents == 10_500


def test_on_free_nothing_costs_anything():
    """P30"""
    acme = opened()
    use(acme, 720)

    so_far = costs(acme)

    assert (so_far.lines, so_far.total_cents, so_far.due_cents, so_far.prices) == ((), 0, 0, None)
    assert so_far.start == START + 30 * DAY


def test_a_trial_is_priced_from_its_start_spends_its_credits_and_nothing_is_due_beyond_them():
    """P30"""
    acme = opened("trial", ends_at=START + 50 * DAY)
    use(acme, 720, hour=START)
    credit(acme, 12_000, expires_at=START + 50 * DAY)

    assert (costs(acme).total_cents, costs(acme).credit_left_cents, costs(acme).due_cents) == (10_500, 1_500, 0)

    use(acme, 720)
    assert (costs(acme).total_cents, costs(acme).credit_left_cents, costs(acme).due_cents) == (21_000, 0, 0)


def test_on_plus_credits_are_spent_before_anything_is_due():
    """P34"""
    acme = opened("plus")
    use(acme, 720)
    credit(acme, 10_000, "paid")

    assert (costs(acme).credit_left_cents, costs(acme).due_cents) == (0, 500)


def test_enterprise_is_priced_as_agreed_and_nothing_is_due():
    """P30"""
    acme = opened("enterprise")
    one = [Tier(0, 1, 2)]
    agreed = {REQUESTS: one, SERVICES: one, "dev_portals": one}
    add_price_list(agreed, valid_from=START, subscription_id=acme.subscriptions.get().pk)
    use(acme, 720)
    credit(acme, 100, "paid")

    assert (costs(acme).total_cents, costs(acme).credit_left_cents, costs(acme).due_cents) == (1_440, 100, 0)


def test_the_period_ends_where_the_plan_does():
    acme = opened("plus", ended_at=NOW + DAY)

    assert costs(acme).end == NOW + DAY


def test_a_price_list_with_a_gap_is_told_and_stops_nobody_else():
    acme, globex = opened("plus"), opened("plus", "Globex")
    gap = PriceList.objects.create(valid_from=START, subscription=acme.subscriptions.get())
    Price.objects.create(price_list=gap, metric=SERVICES, above=100, per=1, cents=1)
    for each in (acme, globex):
        use(each, 720)

    found = costs_so_far([acme.pk, globex.pk], at=NOW)

    assert found[acme.pk].problem == "Gateway services: the first unit has no price."
    assert (found[acme.pk].total_cents, found[globex.pk].total_cents) == (0, 10_500)


def test_many_cost_as_many_statements_as_one():
    """Habit 2"""

    def cost(organizations) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(costs_so_far([each.pk for each in organizations], at=NOW)) == len(organizations)
        return len(queries)

    everybody = [opened(plan, str(plan)) for plan in ("plus", None, "trial", "enterprise")]
    for each in everybody:
        use(each, 720)
        credit(each, 10)

    assert cost(everybody) == cost(everybody[:1])
