"""What usage costs: price lists as data, amounts in cents rounded half up once (P30, P34)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby, pairwise
from operator import itemgetter
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from billing.models import Metric, Price, PriceList

OF_LIST = ("price_list", "price_list__subscription", "price_list__valid_from")


class PriceListError(ValueError):
    """A price list that can't be used; the message says what is wrong and where."""


@dataclass(frozen=True, order=True)
class Tier:
    """Units above `above`, up to the next tier's, cost `cents` for each `per` of them."""

    above: int
    per: int
    cents: int


@dataclass(frozen=True)
class Step:
    """The part of a quantity that falls into a tier, and its exact price in cents."""

    tier: Tier
    quantity: int

    @property
    def cents(self) -> Fraction:
        return Fraction(self.quantity * self.tier.cents, self.tier.per)


@dataclass(frozen=True)
class Prices:
    """A price list as it is asked: for each metric its tiers, the first from 0 on."""

    id: UUID
    valid_from: datetime
    tiers: Mapping[str, tuple[Tier, ...]]

    def steps(self, metric: str, quantity: int) -> list[Step]:
        """How `quantity` falls into the tiers; those without any of it are left out. PriceListError in a gap."""
        tiers = self._tiers_of(metric)
        ends = [*(tier.above for tier in tiers[1:]), quantity]
        parts = [Step(tier, min(quantity, end) - tier.above) for tier, end in zip(tiers, ends, strict=True)]
        return [part for part in parts if part.quantity > 0]

    def cost(self, metric: str, quantity: int) -> int:
        """In cents, rounded half up once."""
        return half_up(sum((step.cents for step in self.steps(metric, quantity)), Fraction(0)))

    def included(self, metric: str) -> int:
        """How many units cost nothing."""
        tiers = self._tiers_of(metric)
        if tiers[0].cents:
            return 0
        return next((tier.above for tier in tiers[1:] if tier.cents), 0)

    def _tiers_of(self, metric: str) -> tuple[Tier, ...]:
        tiers = self.tiers.get(metric, ())
        _check(metric, tiers)
        return tiers


def half_up(cents: Fraction) -> int:
    return (cents + Fraction(1, 2)).__floor__()


@dataclass(frozen=True)
class PriceBook:
    """Every price list that may be asked for, read once for a set of subscriptions."""

    everybodys: tuple[Prices, ...]
    agreed: Mapping[UUID, tuple[Prices, ...]]

    def at(self, moment: datetime, *, subscription_id: UUID | None = None) -> Prices:
        """The list in force at `moment`: the contract's own where it has one. PriceListError where none is."""
        for prices in (
            (*self.agreed.get(subscription_id, ()), *self.everybodys) if subscription_id else self.everybodys
        ):
            if prices.valid_from <= moment:
                return prices
        raise PriceListError(f"No price list is in force at {moment:%d %b %Y, %H:%M} UTC.")

    def of(self, id: UUID) -> Prices:
        """The list with that id."""
        return next(prices for some in (self.everybodys, *self.agreed.values()) for prices in some if prices.id == id)


def price_book(subscription_ids: Collection[UUID] = ()) -> PriceBook:
    """Everybody's price lists and those agreed with these subscriptions, the latest first, in one statement."""
    meant = Q(price_list__subscription__isnull=True) | Q(price_list__subscription__in=subscription_ids)
    prices = Price.objects.filter(meant).order_by("-price_list__valid_from", "price_list")
    rows = prices.values_list(*OF_LIST, "metric", "above", "per", "cents")
    found: dict[UUID | None, list[Prices]] = defaultdict(list)
    for (id, subscription_id, valid_from), of_it in groupby(rows, key=itemgetter(0, 1, 2)):
        found[subscription_id].append(Prices(id, valid_from, _tiers(row[3:] for row in of_it)))
    everybodys = tuple(found.pop(None, ()))
    return PriceBook(everybodys, {id: tuple(prices) for id, prices in found.items() if id})


@transaction.atomic
def add_price_list(
    tiers: Mapping[str, Iterable[Tier]],
    *,
    valid_from: datetime,
    subscription_id: UUID | None = None,
    made_by_id: UUID | None = None,
) -> PriceList:
    """Add a version of the price list, everybody's or one contract's. PriceListError where it has a gap."""
    ordered = {metric: sorted(some) for metric, some in tiers.items()}
    for metric in Metric.values:
        _check(metric, ordered.get(metric, []))
    made = PriceList.objects.create(valid_from=valid_from, subscription_id=subscription_id, made_by_id=made_by_id)
    Price.objects.bulk_create(
        Price(price_list=made, metric=metric, above=tier.above, per=tier.per, cents=tier.cents)
        for metric, some in ordered.items()
        for tier in some
    )
    return made


def _check(metric: str, tiers: Sequence[Tier]) -> None:
    label = Metric(metric).label
    if not tiers or tiers[0].above:
        raise PriceListError(f"{label}: the first unit has no price.")
    for tier, following in pairwise(tiers):
        if tier.above == following.above:
            raise PriceListError(f"{label}: two prices begin above {tier.above:,}.")
    for tier in tiers:
        if tier.per < 1 or tier.cents < 0:
            raise PriceListError(f"{label}: the price above {tier.above:,} is of no quantity or below zero.")


def _tiers(prices: Iterable[tuple[str, int, int, int]]) -> dict[str, tuple[Tier, ...]]:
    found = defaultdict(list)
    for metric, *tier in prices:
        found[metric].append(Tier(*tier))
    return {metric: tuple(sorted(tiers)) for metric, tiers in found.items()}
