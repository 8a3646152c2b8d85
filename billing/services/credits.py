"""Credits that can be spent, and what is left of them (P30, P34)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from billing.models import Credit, CreditSpent, Invoice


class CreditCents(NamedTuple):
    """What is left of the credits of one organization, by kind."""

    free: int = 0
    paid: int = 0

    @property
    def total(self) -> int:
        return self.free + self.paid


def credits_left(at: datetime) -> QuerySet[Credit]:
    """Those that can be spent at `at`: free ones until the trial ends, whether or not a worker ran (P30)."""
    return Credit.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at),
        remaining_cents__gt=0,
        lapsed_at__isnull=True,
        refund_due_at__isnull=True,
    )


def credit_cents(organization_ids: Collection[UUID], *, at: datetime) -> Mapping[UUID, CreditCents]:
    """What each organization can spend, before its current period is paid for, in one statement."""
    found: dict[UUID, CreditCents] = defaultdict(CreditCents)
    left = credits_left(at).filter(organization__in=organization_ids).values_list("organization", "kind")
    for id, kind, cents in left.annotate(cents=Sum("remaining_cents")).order_by():
        found[id] = found[id]._replace(**{kind: cents})
    return found


def spend_credits(invoices: Sequence[Invoice], *, at: datetime) -> None:
    """Pay for invoices that are being issued with what their organizations have, what expires first at the front.

    Sets `credit_cents` of each. The caller holds the organizations and writes the invoices.
    """
    left = credits_left(at).filter(organization__in={invoice.organization_id for invoice in invoices})
    purses: dict[UUID, list[Credit]] = defaultdict(list)
    for credit in left.order_by(F("expires_at").asc(nulls_last=True), "granted_at", "pk").select_for_update():
        purses[credit.organization_id].append(credit)
    spent = [each for invoice in invoices for each in _spend(invoice, purses[invoice.organization_id])]
    CreditSpent.objects.bulk_create(spent)
    Credit.objects.bulk_update({each.credit for each in spent}, ["remaining_cents"])


def _spend(invoice: Invoice, purse: Sequence[Credit]) -> Iterator[CreditSpent]:
    for credit in purse:
        cents = min(credit.remaining_cents, invoice.due_cents)
        if cents:
            credit.remaining_cents -= cents
            invoice.credit_cents += cents
            yield CreditSpent(invoice=invoice, credit=credit, cents=cents)
