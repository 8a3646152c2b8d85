"""A reviewed list is deactivated (P74): confirmed by one lead or two, worked off in sets by a worker.

A set and its results are one transaction under the list's lock, so a worker that is killed leaves nothing half done,
and the next one goes on where it was.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, cast
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.bulk.lists import RIGHT, list_digest, may_go, review, waiting_in, why_not
from accounts.errors import LifecycleError, PreviewChanged
from accounts.lifecycle import deactivate_organizations
from accounts.models import Approval, BulkDeactivation, BulkEntry, User
from accounts.rights import check_act, check_permission
from accounts.services import approvals
from accounts.words import Reason, Via
from konnect_portal.foundation.hints import hint

ALONE_AT_MOST = 50
"""Organizations that one lead deactivates alone within `ALONE_WITHIN`, in however many lists."""

ALONE_WITHIN = timedelta(hours=24)

SET_SIZE = 500
TURN_SECONDS = 120
IN_BULK = Approval.Act.DEACTIVATE_IN_BULK
FAILED = "It could not be deactivated; the log says why"
STOPPED = "Stopped before its turn"

logger = structlog.get_logger(__name__)


def confirm(
    bulk: BulkDeactivation,
    *,
    expected: str,
    shown: Sequence[Mapping[str, Any]],
    actor: User,
    via: Via,
    note: str,
    ticket: str,
    address: str | None = None,
) -> Approval | None:
    """Have a list deactivated; above 50 a second lead is asked first, whose request is returned (P74).

    Towards the 50 counts what the actor has deactivated alone lately; of two lists at once the second counts the
    first. Each organization is asked about again. `expected` is the digest of the list as it was `shown`. Raises
    LifecycleError where that can't be or the actor may not, PreviewChanged where the list is another now.
    """
    check_act(actor, via=via, note=note, ticket=ticket)
    check_permission(actor, RIGHT)
    review(bulk)
    with transaction.atomic():
        held = _hold_report(bulk.pk)
        if list_digest(held) != expected:
            raise PreviewChanged
        count = waiting_in(held).count()
        if not count:
            raise LifecycleError("None of these can be deactivated. Nothing was done.")
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        if not takes_second_lead(held, actor):
            _begin(held, actor, note=note, ticket=ticket, address=address)
            return None
        return approvals.ask_approval(
            IN_BULK,
            target_id=held.pk,
            target_name=f"List of {count} organizations",
            actor=actor,
            via=via,
            reason=Reason.SPAM,
            ticket=ticket,
            shown=shown,
            digest=expected,
            note=note,
            address=address,
            options={"count": count},
        )


def takes_second_lead(bulk: BulkDeactivation, actor: User) -> bool:
    return waiting_in(bulk).count() + gone_alone(actor, at=timezone.now()) > ALONE_AT_MOST


def gone_alone(actor: User, *, at: datetime) -> int:
    """How many organizations of lists went in the last 24 hours, or are still to go, on this lead's word alone."""
    with_second = Approval.objects.filter(act=IN_BULK, outcome=Approval.Outcome.APPROVED).values("target_id")
    lists = BulkDeactivation.objects.worked_off_since(at - ALONE_WITHIN).filter(confirmed_by_id=actor.pk)
    gone = [BulkEntry.Result.WAITING, BulkEntry.Result.DEACTIVATED]
    return BulkEntry.objects.filter(bulk__in=lists.exclude(pk__in=with_second), result__in=gone).count()


def approve(approval: Approval, *, expected: str, actor: User, via: Via, address: str | None = None) -> None:
    """A second lead says yes: what the first one asked for begins, in their name (P74).

    Each organization is asked about again. LifecycleError where the second lead may not or came too late,
    PreviewChanged where the list is not any more what both have read.
    """
    check_permission(actor, RIGHT)
    review(BulkDeactivation.objects.get(pk=approval.target_id))
    with transaction.atomic():
        held = _hold_report(approval.target_id)
        if list_digest(held) != expected:
            raise PreviewChanged
        approvals.approve(approval.pk, actor=actor, via=via, address=address, digest=expected)
        _begin(held, approval.asker, note=approval.note, ticket=approval.ticket, address=approval.remote_address)


@transaction.atomic
def stop(bulk: BulkDeactivation, *, actor: User) -> BulkDeactivation:
    """Let nobody else on a list go. Who went stays deactivated; a set at work is finished first."""
    check_permission(actor, RIGHT)
    running = _hold_running(bulk.pk)
    if running is None:
        raise LifecycleError("Nothing was done: this list is not being worked off any more.")
    running.stopped_at, running.stopped_by_id = timezone.now(), actor.pk
    running.save(update_fields=["stopped_at", "stopped_by_id"])
    waiting_in(running).update(result=BulkEntry.Result.LEFT, why=STOPPED)
    return running


def carry_out(bulk: BulkDeactivation) -> None:
    """Deactivate who still waits on a running list, in sets; a set that fails is tried again one by one.

    Broken off, it can be repeated; two at once wait for each other and change nothing more. A long list is worked off
    in turns well below the time limit of a task.
    """
    ends = monotonic() + TURN_SECONDS
    while waiting := _next_set(bulk):
        try:
            _act(bulk.pk, waiting)
        except Exception:
            logger.exception("a set of a list failed and is tried one by one", bulk=str(bulk.pk), size=len(waiting))
            for entry in waiting:
                _act_on_one(bulk.pk, entry)
        if monotonic() > ends:
            hint("accounts.tasks.deactivate_lists")
            return
    _finish(bulk.pk)


def _next_set(bulk: BulkDeactivation) -> list[int]:
    waiting = waiting_in(bulk).filter(bulk__in=BulkDeactivation.objects.running()).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:SET_SIZE])


@transaction.atomic
def _act(id: UUID, entries: Collection[int]) -> None:
    """Deactivate these as far as they still wait; who is not on Free and active any more is left, with the reason."""
    bulk = _hold_running(id)
    if bulk is None:
        return
    ids = list(waiting_in(bulk).filter(pk__in=entries).values_list("organization", flat=True))
    events = deactivate_organizations(
        ids,
        reason=Reason.SPAM,
        via=Via.BULK,
        actor=User.objects.get(pk=cast(UUID, bulk.confirmed_by_id)),
        note=bulk.note,
        ticket=bulk.ticket,
        address=bulk.remote_address,
        still=may_go,
        approval=Approval.objects.filter(act=IN_BULK, target_id=id, outcome=Approval.Outcome.APPROVED).first(),
    )
    gone = {event.organization_id for event in events}
    bulk.entries.filter(organization__in=gone).update(result=BulkEntry.Result.DEACTIVATED)
    reasons = why_not(set(ids) - gone)
    left = list(bulk.entries.filter(organization__in=reasons))
    for entry in left:
        entry.result, entry.why = BulkEntry.Result.LEFT, reasons[cast(UUID, entry.organization_id)]
    BulkEntry.objects.bulk_update(left, ["result", "why"])


def _act_on_one(id: UUID, entry: int) -> None:
    try:
        _act(id, [entry])
    except Exception as problem:
        logger.exception("an organization of a list could not be deactivated", bulk=str(id), entry=entry)
        why = str(problem)[:250] if isinstance(problem, LifecycleError) else FAILED
        BulkEntry.objects.filter(pk=entry, result=BulkEntry.Result.WAITING).update(
            result=BulkEntry.Result.FAILED, why=why
        )


@transaction.atomic
def _finish(id: UUID) -> None:
    bulk = _hold_running(id)
    if bulk is not None and not waiting_in(bulk).exists():
        bulk.finished_at = timezone.now()
        bulk.save(update_fields=["finished_at"])


def _begin(bulk: BulkDeactivation, actor: User, *, note: str, ticket: str, address: str | None) -> None:
    bulk.confirmed_at, bulk.confirmed_by_id = timezone.now(), actor.pk
    bulk.note, bulk.ticket, bulk.remote_address = note.strip(), ticket.strip(), address
    bulk.save()
    hint("accounts.tasks.deactivate_lists")


def _hold_report(id: UUID) -> BulkDeactivation:
    """Lock a list that nobody has confirmed; LifecycleError otherwise."""
    report = BulkDeactivation.objects.filter(pk=id, confirmed_at=None).select_for_update(no_key=True).first()
    if report is None:
        raise LifecycleError("Nothing was done: this list was confirmed already.")
    return report


def _hold_running(id: UUID) -> BulkDeactivation | None:
    return BulkDeactivation.objects.running().filter(pk=id).select_for_update(no_key=True).first()
