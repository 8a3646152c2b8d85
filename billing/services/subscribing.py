"""Paid plans begin and end (P30, P31, P34)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest, Least

from billing.models import BillingAccount, Plan, Subscription
from billing.services.cycles import CYCLE, cycle_of, cycle_start


def period_of(subscription: Subscription) -> tuple[datetime, datetime]:
    """The next period of a subscription to be invoiced: a cycle of its own grid, or what of it the plan ran (P34)."""
    assert subscription.anchor_at is not None
    assert subscription.closes_at is not None
    end = subscription.closes_at
    k = -cycle_of(end, subscription.anchor_at) - 1  # of the last moment before `end`, which belongs to the next
    return max(subscription.starts_at, cycle_start(subscription.anchor_at, k)), end


def end_of(subscription: Subscription) -> datetime | None:
    """When it ends or ended; None where no end is known."""
    return min((end for end in (subscription.ended_at, subscription.ends_at) if end is not None), default=None)


def first_close(anchor: datetime, starts_at: datetime) -> datetime:
    """The end of the first cycle of a subscription that starts at `starts_at`."""
    return cycle_start(anchor, cycle_of(anchor, starts_at) + 1)


def next_close(subscription: Subscription) -> datetime | None:
    """When the period after the next one to be invoiced closes; None where the plan has ended by then."""
    assert subscription.closes_at is not None
    cycle_end, end = subscription.closes_at + CYCLE, end_of(subscription)
    if end is None:
        return cycle_end
    return min(cycle_end, end) if end > subscription.closes_at else None


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


def end_plus(organization_id: UUID, *, at: datetime, ended_by_id: UUID | None) -> int:
    """End paid Plus at `at`, running or scheduled; what was used until then is invoiced (P34). Gives how many ended.

    The caller holds the organization.
    """
    paid = Subscription.objects.unended(at).filter(organization=organization_id, plan=Plan.PLUS, is_trial=False)
    closes_at = Case(When(starts_at__lt=at, then=Least("closes_at", Value(at))))
    return paid.update(ended_at=at, ended_by_id=ended_by_id, closes_at=closes_at)


def move_anchor(organization_id: UUID, anchor: datetime) -> None:
    """The start of a new paid subscription is cycle 0 from then on; it never moves back (P31)."""
    BillingAccount.objects.filter(pk=organization_id).update(anchor_at=Greatest("anchor_at", anchor))


@transaction.atomic
def move_begun_anchors(at: datetime) -> int:
    """Move the anchor of each organization whose scheduled plan has begun; gives how many. Twice changes nothing."""
    begun = Subscription.objects.filter(anchor_at__lte=at, anchor_at__gt=F("organization__billing_account__anchor_at"))
    begun = begun.exclude(ended_at__lte=F("starts_at")).order_by("organization", "anchor_at")
    anchors = dict(begun.values_list("organization", "anchor_at"))
    for organization_id, anchor in anchors.items():
        move_anchor(organization_id, anchor)
    return len(anchors)
