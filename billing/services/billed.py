"""What of each period has been billed, so that usage which comes late is billed on the next invoice, once (P34)."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import F, Max, Q, QuerySet, Window

from billing.models import Invoice, InvoiceLine
from billing.services.costs import Line, lines_of
from billing.services.cycles import CYCLE
from billing.services.metered import Metered, Period, metered
from billing.services.prices import PriceBook, Prices, price_book


@dataclass
class Billed:
    """Quantities by geo and cents that invoices have of one metric in one period."""

    by_geo: Counter[str] = field(default_factory=Counter)
    cents: int = 0

    @property
    def quantity(self) -> int:
        return self.by_geo.total()

    def add(self, line: InvoiceLine) -> None:
        self.by_geo.update(line.explained["by_geo"])
        self.cents += line.amount_cents


type Key = tuple[UUID, datetime, str]


@dataclass(frozen=True)
class Ledger:
    """All that is asked for the lines of a set of drafts: prices, what was metered, and earlier invoices."""

    book: PriceBook
    used: Mapping[Period, Metered]
    earlier: Mapping[UUID, Sequence[Invoice]]
    billed: Mapping[Key, Billed]

    @classmethod
    def of(cls, drafts: Sequence[Invoice]) -> "Ledger":
        """Read in a fixed number of statements."""
        earlier = list(_billable({draft.organization_id for draft in drafts}))
        by_organization: dict[UUID, list[Invoice]] = defaultdict(list)
        for invoice in earlier:
            by_organization[invoice.organization_id].append(invoice)
        both = [*earlier, *drafts]
        book = price_book({invoice.subscription_id for invoice in both if invoice.subscription_id})
        return cls(book, metered([_period(each) for each in both]), by_organization, _billed(earlier))

    def lines(self, draft: Invoice) -> list[InvoiceLine]:
        """The lines of its own period, then of what came late; sets its price list and total. PriceListError."""
        prices = self.book.at(draft.period_start, subscription_id=draft.subscription_id)
        draft.price_list_id = prices.id
        lines = [*self._unbilled(draft, prices)]
        for invoice in self.earlier.get(draft.organization_id, ()):
            assert invoice.price_list_id is not None
            lines += self._unbilled(invoice, self.book.of(invoice.price_list_id))
        for position, line in enumerate(lines, 1):
            line.invoice, line.position = draft, position
            self.billed[_key(line)].add(line)
        draft.total_cents = sum(line.amount_cents for line in lines)
        return lines

    def _unbilled(self, invoice: Invoice, prices: Prices) -> Iterator[InvoiceLine]:
        """What was metered in the period of an invoice, less what was billed of it."""
        for line in lines_of(prices, self.used[_period(invoice)]):
            billed = self.billed[invoice.organization_id, invoice.period_start, line.metric]
            if line.quantity > billed.quantity:
                yield InvoiceLine(
                    metric=line.metric,
                    service_start=invoice.period_start,
                    service_end=invoice.period_end,
                    quantity=line.quantity - billed.quantity,
                    amount_cents=line.cents - billed.cents,
                    explained=_explained(line, billed),
                )


def _billable(organization_ids: Collection[UUID]) -> QuerySet[Invoice]:
    """Issued invoices of whose periods usage may have come since the last one was issued.

    Usage is taken for two cycles at most. What was not billed before a deactivation never is (P41).
    """
    issued = Invoice.objects.filter(
        Q(organization__reactivated_at=None) | Q(period_end__gt=F("organization__reactivated_at")),
        organization__in=organization_ids,
        issued_at__isnull=False,
        price_list__isnull=False,
    )
    recent = issued.annotate(latest=Window(Max("period_end"), partition_by="organization"))
    return recent.filter(period_end__gt=F("latest") - 2 * CYCLE).order_by("period_start").prefetch_related("lines")


def _billed(invoices: Iterable[Invoice]) -> dict[Key, Billed]:
    found: dict[Key, Billed] = defaultdict(Billed)
    for invoice in invoices:
        for line in invoice.lines.all():
            line.invoice = invoice
            found[_key(line)].add(line)
    return found


def _key(line: InvoiceLine) -> Key:
    return line.invoice.organization_id, line.service_start, line.metric


def _period(invoice: Invoice) -> Period:
    return Period(invoice.organization_id, invoice.period_start, invoice.period_end)


def _explained(line: Line, billed: Billed) -> dict[str, object]:
    """What a line keeps of how its amount came about: the tiers are those of all that was used in its period."""
    by_geo = {geo: quantity - billed.by_geo[geo] for geo, quantity in line.by_geo.items()}
    return {
        "by_geo": {geo: quantity for geo, quantity in sorted(by_geo.items()) if quantity},
        "steps": [vars(step.tier) | {"quantity": step.quantity} for step in line.steps],
        "billed_before": {"quantity": billed.quantity, "cents": billed.cents},
    }
