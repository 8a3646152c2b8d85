"""What billing tells of an organization: subscriptions, invoices and what was charged for them."""

from datetime import datetime

from billing.models import Charge, Invoice, Subscription
from konnect_portal.foundation.facts import Fact, Teller, teller
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars


def _subscription(subscription: Subscription, at: datetime | None, what: str) -> Fact:
    assert at is not None
    ends = f"ends {absolute(subscription.ends_at)}" if subscription.ends_at else "without end"
    details = {"Contract": subscription.contract_number, "Begins": absolute(subscription.starts_at), "Term": ends}
    return Fact(at, subscription.pk, what, str(subscription), details=details)


def _invoice(invoice: Invoice, at: datetime | None, what: str) -> Fact:
    assert at is not None
    number = f"number {invoice.number}" if invoice.number else "a draft"
    period = f"{absolute(invoice.period_start)} to {absolute(invoice.period_end)}"
    return Fact(at, invoice.pk, what, f"{number}, {dollars(invoice.total_cents)}", details={"Cycle": period})


def _charge(charge: Charge, at: datetime | None, what: str) -> Fact:
    assert at is not None
    about = f"{dollars(charge.amount_cents)} of invoice {charge.invoice.number}"
    details = {"Refusals": str(charge.refusals or ""), "Error": charge.last_error, "Reference": charge.reference}
    return Fact(at, charge.pk, what, about, details=details)


def _subscriptions(by: str, what: str) -> Teller:
    return teller(
        lambda id: Subscription.objects.filter(organization=id),
        by,
        lambda row: _subscription(row, getattr(row, by), what),
    )


def _invoices(by: str, what: str) -> Teller:
    return teller(
        lambda id: Invoice.objects.filter(organization=id), by, lambda row: _invoice(row, getattr(row, by), what)
    )


def _charges(by: str, what: str) -> Teller:
    return teller(
        lambda id: Charge.objects.filter(invoice__organization=id).select_related("invoice"),
        by,
        lambda row: _charge(row, getattr(row, by), what),
    )


BILLING_TOLD = (
    _subscriptions("created_at", "Subscription made"),
    _subscriptions("ended_at", "Subscription ended"),
    _invoices("issued_at", "Invoice issued"),
    _invoices("voided_at", "Invoice voided"),
    _charges("created_at", "Charge asked for"),
    _charges("paid_at", "Charge paid"),
    _charges("refused_at", "Charge refused"),
    _charges("voided_at", "Charge voided"),
)
