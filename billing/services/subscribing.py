"""Paid plans begin and end (P30, P31, P34)."""

from datetime import datetime
from uuid import UUID

from django.db.models.functions import Greatest

from billing.models import BillingAccount, Plan, Subscription
from billing.services.cycles import cycle_of, cycle_start


def period_of(subscription: Subscription) -> tuple[datetime, datetime]:
    """The next period of a subscription to be invoiced: a cycle of its own grid, or what of it the plan ran (P34)."""
    assert subscription.anchor_at is not None
    assert subscription.closes_at is not None
    end = subscription.closes_at
    k = -cycle_of(end, subscription.anchor_at) - 1  # of the last moment before `end`, which belongs to the next
    return max(subscription.starts_at, cycle_start(subscription.anchor_at, k)), end


def first_close(anchor: datetime, starts_at: datetime) -> datetime:
    """The end of the first cycle of a subscription that starts at `starts_at`."""
    return cycle_start(anchor, cycle_of(anchor, starts_at) + 1)


def start_plus(organization_id: UUID, *, starts_at: datetime, made_by_id: UUID | None, at: datetime) -> Subscription:
    """Start paid Plus at `starts_at`, from which its cycles are counted (P31). The caller holds the organization."""
    started = Subscription.objects.create(
        organization_id=organization_id,
        plan=Plan.PLUS,
        starts_at=starts_at,
        anchor_at=starts_at,
        closes_at=first_close(starts_at, starts_at),
        made_by_id=made_by_id,
        created_at=at,
    )
    if starts_at <= at:
        move_anchor(organization_id, starts_at)
    return started


def move_anchor(organization_id: UUID, anchor: datetime) -> None:
    """The start of a new paid subscription is cycle 0 from then on; it never moves back (P31)."""
    BillingAccount.objects.filter(pk=organization_id).update(anchor_at=Greatest("anchor_at", anchor))
