"""How the amounts of an invoice came about, in words: by tier, by geo, and what came late (P34)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from billing.models import Invoice, InvoiceLine, Metric
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars

UNITS = {
    Metric.API_REQUESTS: "request",
    Metric.GATEWAY_SERVICES: "service-hour",
    Metric.DEV_PORTALS: "portal-hour",
}


REMARK = (
    "A service and a Dev Portal are counted in hours: 720 hours are one of them for a whole cycle of 30 days. "
    "Amounts are rounded once per line, half a cent up."
)


@dataclass(frozen=True)
class ExplainedLine:
    """A line of an invoice as people read it; `term` is empty where it is that of the invoice."""

    title: str
    term: str
    quantity: str
    amount: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """What an invoice says. The sums are the total and, where credits were used, what is left to pay."""

    term: str
    lines: tuple[ExplainedLine, ...]
    sums: tuple[tuple[str, str], ...]
    remark: str = REMARK


def explained(invoice: Invoice) -> Explained:
    """Asks for the names of the organization's geos, and for the lines where they are not at hand."""
    geos = dict(invoice.organization.organization_geos.values_list("geo", "geo__name"))
    lines = (_line(line, invoice, geos) for line in invoice.lines.all())
    return Explained(term_of(invoice), tuple(lines), tuple(_sums(invoice)))


def term_of(of: Invoice | InvoiceLine) -> str:
    """ "1 Mar 2026, 10:00 UTC to 31 Mar 2026, 10:00 UTC"."""
    start, end = (of.period_start, of.period_end) if isinstance(of, Invoice) else (of.service_start, of.service_end)
    return f"{absolute(start)} to {absolute(end)}"


def amount_of(metric: str, quantity: int) -> str:
    """ "1,440 service-hours"."""
    return f"{quantity:,} {UNITS[Metric(metric)]}{'' if quantity == 1 else 's'}"


def price_of(metric: str, *, per: int, cents: int) -> str:
    """ "105.00 USD per 720 service-hours", or that it is included."""
    return f"{dollars(cents)} per {amount_of(metric, per)}" if cents else "included"


def _line(line: InvoiceLine, invoice: Invoice, geos: Mapping[str, str]) -> ExplainedLine:
    is_late = line.service_start != invoice.period_start
    return ExplainedLine(
        title=line.get_metric_display(),
        term=f"Used from {term_of(line)}, reported late" if is_late else "",
        quantity=amount_of(line.metric, line.quantity),
        amount=dollars(line.amount_cents),
        notes=tuple(chain(_steps(line), _before(line), _geos(line, geos))),
    )


def _sums(invoice: Invoice) -> Iterator[tuple[str, str]]:
    yield "Total", dollars(invoice.total_cents)
    if invoice.credit_cents:
        yield "Credits used", dollars(-invoice.credit_cents)
        yield "To pay", dollars(invoice.due_cents)


def _steps(line: InvoiceLine) -> Iterator[str]:
    for step in line.explained.get("steps", ()):
        price = price_of(line.metric, per=step["per"], cents=step["cents"])
        yield f"{amount_of(line.metric, step['quantity'])} {'at ' if step['cents'] else ''}{price}"


def _before(line: InvoiceLine) -> Iterator[str]:
    before = line.explained.get("billed_before", {"quantity": 0})
    if before["quantity"]:
        invoiced = amount_of(line.metric, before["quantity"])
        yield f"{invoiced} of these were invoiced before, for {dollars(before['cents'])}"


def _geos(line: InvoiceLine, geos: Mapping[str, str]) -> Iterator[str]:
    by_geo = line.explained.get("by_geo")
    if by_geo:
        yield ", ".join(f"{geos.get(geo, geo)} {quantity:,}" for geo, quantity in by_geo.items())
