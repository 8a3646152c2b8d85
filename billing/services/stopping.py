"""All billing of an organization stops at once: here in one transaction, at the provider afterwards (P41)."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When

from billing.models import Charge, Credit, Invoice, Plan, Subscription
from billing.services.credits import credits_left
from billing.services.errands import FIRST_PAUSE, mirror_end
from billing.services.forgiving import unbilled_cents


@dataclass
class BillingStop:
    """What ends for one organization when its billing stops (P41). Credits are in cents.

    `charges` are those of issued invoices that are not paid; `forgiven_cents` was used and stands on no invoice.
    """

    subscriptions: list[Subscription] = field(default_factory=list)
    draft_invoices: list[UUID] = field(default_factory=list)
    charges: list[UUID] = field(default_factory=list)
    free_credits: list[UUID] = field(default_factory=list)
    paid_credits: list[UUID] = field(default_factory=list)
    lapsed_cents: int = 0
    refund_cents: int = 0
    uncharged_cents: int = 0
    forgiven_cents: int = 0


def billing_to_stop(
    organization_ids: Collection[UUID], *, at: datetime, lock: bool = False
) -> dict[UUID, BillingStop]:
    """What `end_subscriptions` would end now, by organization; with `lock` the rows are held until the commit."""
    stops: dict[UUID, BillingStop] = defaultdict(BillingStop)
    for subscription in _rows(Subscription.objects.unended(at), organization_ids, lock):
        stops[subscription.organization_id].subscriptions.append(subscription)
    for invoice in _rows(
        Invoice.objects.filter(issued_at__isnull=True, voided_at__isnull=True), organization_ids, lock
    ):
        stops[invoice.organization_id].draft_invoices.append(invoice.pk)
    for charge in _unpaid(organization_ids, lock):
        stop = stops[charge.invoice.organization_id]
        stop.charges.append(charge.pk)
        stop.uncharged_cents += charge.amount_cents
    for credit in _rows(credits_left(at), organization_ids, lock):
        _add_credit(stops[credit.organization_id], credit)
    for organization_id, cents in unbilled_cents(organization_ids, at=at).items():
        stops[organization_id].forgiven_cents = cents
    return stops


def end_subscriptions(billing: Mapping[UUID, BillingStop], *, at: datetime) -> None:
    """Stop all billing at once (P41): end every subscription, running or scheduled, void drafts, lapse free credits.

    No cycle is closed afterwards, not even one that has ended, and no card is charged. Paid credits are listed for
    refund. Issued invoices stay. A worker then has the provider end its side. `billing` is what `billing_to_stop` has
    found and locked; the caller holds the organizations.
    """
    stops = billing.values()
    ended = [subscription.pk for stop in stops for subscription in stop.subscriptions]
    Subscription.objects.filter(pk__in=ended).update(ended_at=at)
    Subscription.objects.filter(organization__in=billing, closes_at__isnull=False).update(closes_at=None)
    Invoice.objects.filter(pk__in=[pk for stop in stops for pk in stop.draft_invoices]).update(voided_at=at)
    _void_charges([pk for stop in stops for pk in stop.charges], at=at)
    Credit.objects.filter(pk__in=[pk for stop in stops for pk in stop.free_credits]).update(lapsed_at=at)
    Credit.objects.filter(pk__in=[pk for stop in stops for pk in stop.paid_credits]).update(refund_due_at=at)
    mirror_end(ended, at=at)


def _unpaid(organization_ids: Collection[UUID], lock: bool) -> QuerySet[Charge]:
    unpaid = Charge.objects.filter(
        invoice__organization__in=organization_ids, paid_at__isnull=True, voided_at__isnull=True
    )
    unpaid = unpaid.select_related("invoice").order_by("invoice__organization", "pk")
    return unpaid.select_for_update(of=("self",)) if lock else unpaid


def _void_charges(ids: Collection[UUID], *, at: datetime) -> None:
    """No card is charged for them. Where the provider was asked before, it is looked up whether it was paid then."""
    Charge.objects.filter(pk__in=ids).update(
        voided_at=at, refused_at=None, next_attempt_at=Case(When(attempts__gt=0, then=Value(at + FIRST_PAUSE)))
    )


def plans(organization_ids: Collection[UUID], *, at: datetime) -> dict[UUID, Plan]:
    """The plan each organization is on at `at`: Free where no subscription runs, Plus during a trial (P30)."""
    running = Subscription.objects.running(at).filter(organization_id__in=organization_ids)
    found = {organization_id: Plan(plan) for organization_id, plan in running.values_list("organization_id", "plan")}
    return {organization_id: found.get(organization_id, Plan.FREE) for organization_id in organization_ids}


def _rows[Row: (Subscription, Invoice, Credit)](
    rows: QuerySet[Row], organization_ids: Collection[UUID], lock: bool
) -> QuerySet[Row]:
    rows = rows.filter(organization_id__in=organization_ids).order_by("organization_id", "pk")
    return rows.select_for_update() if lock else rows


def _add_credit(stop: BillingStop, credit: Credit) -> None:
    if credit.kind == Credit.Kind.FREE:
        stop.free_credits.append(credit.pk)
        stop.lapsed_cents += credit.remaining_cents
    else:
        stop.paid_credits.append(credit.pk)
        stop.refund_cents += credit.remaining_cents
