"""Cycles are closed (P31, P34): each gets one invoice, whatever becomes of the worker.

At the end of a period a draft is made and the subscription's `closes_at` moves on, in one transaction; the draft is
issued in another (`issuing`). Whoever asks again, or at the same time, finds nothing left to do. An organization that
is deactivated meanwhile is not held, and so gets nothing (P41).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import batched
from time import monotonic
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from billing.models import Invoice, Subscription
from billing.services.issuing import Done, issue_drafts, ready_organizations
from billing.services.subscribing import next_close, period_of
from konnect_portal.foundation.organizations import hold_organizations

SET_SIZE = 500
TURN_SECONDS = 120

logger = structlog.get_logger(__name__)


class Closed(NamedTuple):
    """How many invoices were drafted and issued, and for how many organizations it failed."""

    drafted: int
    issued: int
    failed: int


type Act = Callable[[Collection[UUID], datetime], Done]


def close_cycles(*, at: datetime) -> Closed:
    """Draft an invoice for each period that has ended, and issue the drafts that need not wait any longer.

    A cycle that was missed is made up, each with its own invoice, in order. Every set of organizations costs the same
    number of statements. A failing organization stops no other and keeps its draft, which the admin lists. What two
    minutes leave undone the next run does.
    """
    ends = monotonic() + TURN_SECONDS
    drafted = _in_sets(draft_invoices, _due(at), at, ends)
    issued = _in_sets(issue_drafts, ready_organizations(at), at, ends)
    return Closed(drafted.invoices, issued.invoices, drafted.failed + issued.failed)


def _due(at: datetime) -> Iterable[UUID]:
    due = Subscription.objects.filter(closes_at__lte=at).order_by("closes_at")
    return dict.fromkeys(due.values_list("organization_id", flat=True))


@transaction.atomic
def draft_invoices(organization_ids: Collection[UUID], at: datetime) -> Done:
    """Of every period of these organizations that has ended and has none yet."""
    held = hold_organizations(organization_ids)
    due = list(Subscription.objects.filter(organization__in=held, closes_at__lte=at))
    drafts = Invoice.objects.bulk_create(draft for subscription in due for draft in due_drafts(subscription, at))
    Subscription.objects.bulk_update(due, ["closes_at"])
    return Done(len(drafts))


def due_drafts(subscription: Subscription, at: datetime) -> Iterator[Invoice]:
    """Of every period that has ended; `closes_at` moves on with each."""
    while subscription.closes_at is not None and subscription.closes_at <= at:
        start, end = period_of(subscription)
        yield Invoice(
            organization_id=subscription.organization_id,
            subscription=subscription,
            period_start=start,
            period_end=end,
            created_at=at,
        )
        subscription.closes_at = next_close(subscription)


def _in_sets(act: Act, organization_ids: Iterable[UUID], at: datetime, ends: float) -> Done:
    """A set that fails is tried again one organization at a time."""
    done = Done()
    for some in batched(organization_ids, SET_SIZE):
        if monotonic() > ends:
            break
        try:
            done += act(some, at)
        except DatabaseError:
            logger.exception("a set of cycles was not closed and is tried one by one", size=len(some))
            done = sum((_one(act, id, at) for id in some), done)
    return done


def _one(act: Act, organization_id: UUID, at: datetime) -> Done:
    try:
        return act([organization_id], at)
    except DatabaseError:
        logger.exception("the cycles of an organization were not closed", organization=str(organization_id))
        return Done(failed=1)
