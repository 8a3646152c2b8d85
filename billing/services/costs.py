"""What the usage of a period costs, line by line, and what that of the current one has come to so far (P30, P33)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.models import BillingAccount, Metric, Plan, Subscription
from billing.services.credits import CreditCents, credit_cents
from billing.services.cycles import cycle_of, cycle_start
from billing.services.metered import Metered, Period, metered
from billing.services.prices import PriceBook, PriceListError, Prices, Step, price_book
from billing.services.subscribing import end_of


@dataclass(frozen=True)
class Line:
    """What one metric costs in a period, in cents, and how: by geo and by tier. Services are in unit-hours."""

    metric: str
    quantity: int
    cents: int
    by_geo: Mapping[str, int]
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the current period of an organization has cost until a moment, in cents. Its cycle 0 begins at `anchor_at`.

    `credit_left_cents` is what this leaves of its credits, `due_cents` what would be charged beyond them: nothing on
    Free, on a trial (P30) and by contract. Without `prices` nothing costs anything: on Free, where there is no
    `subscription`, or because of `problem`.
    """

    subscription: Subscription | None
    anchor_at: datetime
    start: datetime
    end: datetime
    lines: tuple[Line, ...]
    total_cents: int
    credit_left_cents: int
    due_cents: int
    prices: Prices | None
    problem: str


def lines_of(prices: Prices, used: Metered) -> tuple[Line, ...]:
    """A line for each metric that was used. PriceListError where the list has a gap."""
    return tuple(_line(prices, metric, used[metric]) for metric in Metric.values if metric in used)


def costs_so_far(ids: Collection[UUID], *, at: datetime) -> dict[UUID, Costs]:
    """What each organization's current period has cost until `at`, in a fixed number of statements.

    The period is the running cycle, of it only what the plan runs; on a trial the whole trial. A price list that can't
    be used is told as the `problem` of those whom it concerns.
    """
    subscriptions = {
        each.organization_id: each for each in Subscription.objects.running(at).filter(organization__in=ids)
    }
    anchors = dict(BillingAccount.objects.filter(pk__in=ids).values_list("pk", "anchor_at"))
    periods = {id: _period(id, subscriptions.get(id), anchor, at) for id, anchor in anchors.items()}
    so_far = {id: period._replace(end=min(period.end, at)) for id, period in periods.items()}
    used = metered([so_far[id] for id in subscriptions])
    book = price_book([each.pk for each in subscriptions.values()])
    left = credit_cents(ids, at=at)
    return {
        id: _costs(period, anchors[id], subscriptions.get(id), used.get(so_far[id], {}), book, left[id])
        for id, period in periods.items()
    }


def _line(prices: Prices, metric: str, by_geo: Mapping[str, int]) -> Line:
    quantity = sum(by_geo.values())
    return Line(metric, quantity, prices.cost(metric, quantity), by_geo, tuple(prices.steps(metric, quantity)))


def _period(id: UUID, subscription: Subscription | None, account_anchor: datetime, at: datetime) -> Period:
    if subscription is None:
        return _cycle(id, account_anchor, at)
    end = end_of(subscription)
    if subscription.anchor_at is None:
        assert end is not None
        return Period(id, subscription.starts_at, end)
    cycle = _cycle(id, subscription.anchor_at, at)
    return Period(id, max(cycle.start, subscription.starts_at), min(cycle.end, end) if end else cycle.end)


def _cycle(id: UUID, anchor: datetime, at: datetime) -> Period:
    k = cycle_of(anchor, at)
    return Period(id, cycle_start(anchor, k), cycle_start(anchor, k + 1))


def _costs(
    period: Period,
    anchor_at: datetime,
    subscription: Subscription | None,
    used: Metered,
    book: PriceBook,
    left: CreditCents,
) -> Costs:
    prices, lines, problem = _price(period, subscription, used, book)
    total = sum(line.cents for line in lines)
    left_cents, due_cents = _spend(subscription, left, total)
    return Costs(
        subscription=subscription,
        anchor_at=anchor_at,
        start=period.start,
        end=period.end,
        lines=lines,
        total_cents=total,
        credit_left_cents=left_cents,
        due_cents=due_cents,
        prices=prices,
        problem=problem,
    )


def _price(
    period: Period, subscription: Subscription | None, used: Metered, book: PriceBook
) -> tuple[Prices | None, tuple[Line, ...], str]:
    if subscription is None:
        return None, (), ""
    try:
        prices = book.at(period.start, subscription_id=subscription.pk)
        return prices, lines_of(prices, used), ""
    except PriceListError as error:
        return None, (), str(error)


def _spend(subscription: Subscription | None, left: CreditCents, total: int) -> tuple[int, int]:
    """What a cost leaves of the credits, and what of it is to be charged beyond them."""
    if subscription is None or subscription.plan == Plan.ENTERPRISE:
        return left.total, 0
    if subscription.is_trial:
        return max(left.free - total, 0) + left.paid, 0
    return max(left.total - total, 0), max(total - left.total, 0)
