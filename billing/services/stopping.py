from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.models import Credit, Invoice, Plan, Subscription


@dataclass
class BillingStop:
    """What ends for one organization when its billing stops (P41). Credits are in cents."""

    subscriptions: list[Subscription] = field(default_factory=list)
    draft_invoices: list[UUID] = field(default_factory=list)
    free_credits: list[UUID] = field(default_factory=list)
    paid_credits: list[UUID] = field(default_factory=list)
    lapsed_cents: int = 0
    refund_cents: int = 0


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
    for credit in _rows(credits_left(at), organization_ids, lock):
        _add_credit(stops[credit.organization_id], credit)
    return stops


def end_subscriptions(organization_ids: Collection[UUID], *, at: datetime) -> dict[UUID, BillingStop]:
    """Stop all billing at once (P41): end every subscription, running or scheduled, void drafts, lapse free credits.

    Paid credits are listed for refund. Issued invoices stay. The caller holds the organizations.
    """
    stops = billing_to_stop(organization_ids, at=at, lock=True)
    Subscription.objects.filter(pk__in=[s.pk for stop in stops.values() for s in stop.subscriptions]).update(
        ended_at=at, closes_at=None
    )
    Invoice.objects.filter(pk__in=[pk for stop in stops.values() for pk in stop.draft_invoices]).update(voided_at=at)
    Credit.objects.filter(pk__in=[pk for stop in stops.values() for pk in stop.free_credits]).update(lapsed_at=at)
    Credit.objects.filter(pk__in=[pk for stop in stops.values() for pk in stop.paid_credits]).update(refund_due_at=at)
    return stops


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


def credits_left(at: datetime) -> QuerySet[Credit]:
    return Credit.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at),
        remaining_cents__gt=0,
        lapsed_at__isnull=True,
        refund_due_at__isnull=True,
    )


def _add_credit(stop: BillingStop, credit: Credit) -> None:
    if credit.kind == Credit.Kind.FREE:
        stop.free_credits.append(credit.pk)
        stop.lapsed_cents += credit.remaining_cents
    else:
        stop.paid_credits.append(credit.pk)
        stop.refund_cents += credit.remaining_cents
