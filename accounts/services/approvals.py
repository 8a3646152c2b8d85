"""Four eyes (P71, P74): one lead asks, another one decides within 24 hours, nobody decides their own.

Whoever carries out what was approved calls `approve` in the act's own transaction, after holding what it is about: of
two who approve at once the second is refused, and where the act fails the approval is undone with it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import Approval, User
from accounts.services.events import record_event
from accounts.words import Act, Reason, Via

RIGHT = "accounts.approve_act"


@transaction.atomic
def ask_approval(
    act: Approval.Act,
    *,
    target_id: UUID,
    target_name: str,
    actor: User,
    via: Via,
    reason: Reason,
    ticket: str,
    shown: Sequence[Mapping[str, Any]],
    digest: str,
    note: str = "",
    proof: str = "",
    address: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Approval:
    """Leave the act for a second lead. Nothing changes by it.

    `shown` is the preview as the actor saw it, `digest` tells later whether it still holds, and `options` is what else
    the act was told. LifecycleError where the actor may not, or where the same waits already.
    """
    _check_right(actor)
    if not ticket.strip():
        raise LifecycleError("Please name the ticket that asks for this.")
    now = timezone.now()
    same = Approval.objects.filter(act=act, target_id=target_id)
    same.lapsed(now).update(outcome=Approval.Outcome.LAPSED)
    approval = Approval(
        act=act,
        target_id=target_id,
        target_name=target_name,
        asked_by_id=actor.pk,
        asked_at=now,
        expires_at=now + timedelta(hours=settings.APPROVAL_HOURS),
        via=via,
        reason=reason,
        note=note,
        ticket=ticket,
        proof=proof,
        remote_address=address,
        options=dict(options or {}),
        shown=list(shown),
        digest=digest,
    )
    try:
        with transaction.atomic():
            approval.save(force_insert=True)
    except IntegrityError:
        raise LifecycleError(f"{target_name}: a second lead was asked already. Nothing was asked again.") from None
    said = {"reason": reason.value, "expires_at": approval.expires_at.isoformat()}
    _record(Act.APPROVAL_ASKED, approval, actor, via=via, address=address, note=note, ticket=ticket, **said)
    return approval


@transaction.atomic
def approve(id: UUID, *, actor: User, via: Via, digest: str, address: str | None = None) -> Approval:
    """Say yes to what a colleague asked for, for the caller to carry out in this transaction.

    `digest` is of what is true now: where it differs from what the colleague was shown, PreviewChanged is raised.
    LifecycleError where the actor may not, asked for it themselves, or came too late, and where the colleague may not
    ask for it any more.
    """
    approval = _hold(id)
    _check_second(approval, actor)
    _check_right(approval.asker)
    if digest != approval.digest:
        raise PreviewChanged
    _record(Act.APPROVAL_GIVEN, approval, actor, via=via, address=address, note="", ticket=approval.ticket)
    return _close(approval, Approval.Outcome.APPROVED, actor)


@transaction.atomic
def decline(id: UUID, *, actor: User, via: Via, note: str, address: str | None = None) -> Approval:
    """Say no to what a colleague asked for, with the reason. Errors as in `approve`."""
    approval = _hold(id)
    _check_second(approval, actor)
    _record_end(Act.APPROVAL_DECLINED, approval, actor, via=via, note=note, address=address)
    return _close(approval, Approval.Outcome.DECLINED, actor, note)


@transaction.atomic
def withdraw(id: UUID, *, actor: User, via: Via, note: str, address: str | None = None) -> Approval:
    """Take back what one asked for oneself, with the reason."""
    approval = _hold(id)
    if approval.asked_by_id != actor.pk:
        raise LifecycleError("Only who asked for it can withdraw it. You can decline it.")
    _record_end(Act.APPROVAL_WITHDRAWN, approval, actor, via=via, note=note, address=address)
    return _close(approval, Approval.Outcome.WITHDRAWN, actor, note)


def waiting_for_target(act: Approval.Act, target_id: UUID) -> Approval | None:
    """What waits for a second lead, of this target."""
    return Approval.objects.waiting(timezone.now()).filter(act=act, target_id=target_id).first()


def may_decide(user: User, approval: Approval) -> bool:
    """Whether this person may say yes or no to it: nobody to their own."""
    return approval.is_waiting and approval.asked_by_id != user.pk and user.has_perm(RIGHT)


def _hold(id: UUID) -> Approval:
    """Lock one that waits; LifecycleError with what became of it otherwise."""
    approval = Approval.objects.select_for_update().filter(pk=id).first()
    if approval is None:
        raise LifecycleError("There is no such request.")
    if not approval.is_waiting:
        raise LifecycleError(f"Nothing was done: this request is {approval.state.lower()} already.")
    return approval


def _check_right(actor: User) -> None:
    if not actor.has_perm(RIGHT):
        raise LifecycleError(f"{actor.email} may not do this: it needs a lead, and then a second one.")


def _check_second(approval: Approval, actor: User) -> None:
    _check_right(actor)
    if approval.asked_by_id == actor.pk:
        raise LifecycleError("You asked for this yourself: another lead has to decide.")


def _record_end(act: Act, approval: Approval, actor: User, *, note: str, **door: Any) -> None:
    if not note.strip():
        raise LifecycleError("Please say why: the reason is empty.")
    _record(act, approval, actor, note=note, ticket=approval.ticket, **door)


def _close(approval: Approval, outcome: Approval.Outcome, actor: User, note: str = "") -> Approval:
    approval.outcome, approval.decision_note = outcome, note
    approval.decided_at, approval.decided_by_id = timezone.now(), actor.pk
    approval.save(update_fields=["outcome", "decision_note", "decided_at", "decided_by_id"])
    return approval


def _record(
    act: Act, approval: Approval, actor: User, *, via: Via, address: str | None, note: str, ticket: str, **details: str
) -> None:
    is_organization = approval.act == Approval.Act.DEACTIVATE_ENTERPRISE
    record_event(
        act,
        organization_id=approval.target_id if is_organization else None,
        actor=actor,
        via=via,
        address=address,
        details={"approval": str(approval.pk), "of": approval.act, "target": str(approval.target_id), **details},
        note=note,
        ticket=ticket,
    )
