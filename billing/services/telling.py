"""What billing tells of an organization: subscriptions, invoices and what was charged for them."""

from datetime import datetime

from billing.models import Charge, Invoice, Subscription
from konnect_portal.foundation.facts import Fact, teller_of_moments
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars


def _subscription(subscription: Subscription, at: datetime, what: str) -> Fact:
    ends = f"ends {absolute(subscription.ends_at)}" if subscription.ends_at else "without end"
    details = {"Contract": subscription.contract_number, "Begins": absolute(subscription.starts_at), "Term": ends}
    return Fact(at, subscription.pk, what, str(subscription), details=details)


def _invoice(invoice: Invoice, at: datetime, what: str) -> Fact:
    number = f"number {invoice.number}" if invoice.number else "a draft"
    period = f"{absolute(invoice.period_start)} to {absolute(invoice.period_end)}"
    return Fact(at, invoice.pk, what, f"{number}, {dollars(invoice.total_cents)}", details={"Cycle": period})


def _charge(charge: Charge, at: datetime, what: str) -> Fact:
    about = f"{dollars(charge.amount_cents)} of invoice {charge.invoice.number}"
    details = {"Refusals": str(charge.refusals or ""), "Error": charge.last_error, "Reference": charge.reference}
    return Fact(at, charge.pk, what, about, details=details)


BILLING_TOLD = (
    teller_of_moments(
        lambda id: Subscription.objects.filter(organization=id),
        {"created_at": "Subscription made", "ended_at": "Subscription ended"},
        _subscription,
    ),
    teller_of_moments(
        lambda id: Invoice.objects.filter(organization=id),
        {"issued_at": "Invoice issued", "voided_at": "Invoice voided"},
        _invoice,
    ),
    teller_of_moments(
        lambda id: Charge.objects.filter(invoice__organization=id).select_related("invoice"),
        {
            "created_at": "Charge asked for",
            "paid_at": "Charge paid",
            "refused_at": "Charge refused",
            "voided_at": "Charge voided",
        },
        _charge,
    ),
)
