"""Who may ask for an act of the lifecycle, through which door, and with what reason, ticket and delay."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import Approval, Organization, SupportRequest, User
from accounts.services.contracts import needing_second_lead
from accounts.services.requests import proofs_of
from accounts.words import STAFF_REASONS, Proof, Reason, Tier, Via, Wish
from billing.models import Plan
from billing.services import plans
from konnect_portal.foundation.moments import absolute

REASONS_BY_DOOR = {
    Via.ADMIN: STAFF_REASONS,
    Via.COMMAND: STAFF_REASONS,
    Via.SETTINGS: (Reason.OWNER_REQUEST,),
    Via.ACCOUNT: (Reason.ACCOUNT_CLOSED,),
    Via.CHECK: (Reason.INACTIVITY,),
    Via.BULK: (Reason.SPAM,),
}
"""The doors of P39 and P74, and the reasons each may give."""

STAFF_DOORS = (Via.ADMIN, Via.COMMAND)
RIGHTS_BY_DOOR = {
    **dict.fromkeys(STAFF_DOORS, "accounts.deactivate_organization"),
    Via.BULK: "accounts.deactivate_in_bulk",
}
OWNER_DOORS = (Via.SETTINGS, Via.ACCOUNT)


def check_deactivation(
    *, reason: Reason, via: Via, actor: User | None, ticket: str, take_down_at: datetime | None, now: datetime
) -> None:
    """Refuse what is wrong whatever the organizations are; LifecycleError says what."""
    if reason not in REASONS_BY_DOOR.get(via, ()):
        allowed = ", ".join(REASONS_BY_DOOR.get(via, ()))
        raise LifecycleError(f"The reason {str(reason)!r} can't be given here; one of {allowed} can.")
    if take_down_at is not None and timezone.is_naive(take_down_at):
        raise LifecycleError("The moment of taking down has no time zone.")
    if via == Via.CHECK:
        return
    if actor is None:
        raise LifecycleError("Somebody has to deactivate: no person was named.")
    if via in RIGHTS_BY_DOOR:
        check_permission(actor, RIGHTS_BY_DOOR[via])
        _check_ticket(ticket)
    if take_down_at is not None and actor.tier == Tier.AGENT and take_down_at < now + _later():
        raise LifecycleError(
            f"An agent's deactivation takes control planes down after {settings.TAKE_DOWN_DELAY_HOURS} hours."
        )


def check_deactivation_of(
    organizations: Collection[Organization],
    *,
    via: Via,
    actor: User | None,
    now: datetime,
    approval: Approval | None = None,
) -> None:
    """Refuse what the actor may not do to one of these organizations, which the caller holds.

    `approval` is a second lead's yes, where one is needed (P71).
    """
    if via in OWNER_DOORS:
        _check_owner(organizations, actor)
    if via not in STAFF_DOORS or actor is None:
        return
    ids = [organization.pk for organization in organizations]
    on_plan, need_second = plans(ids, at=now), needing_second_lead(ids, at=now)
    for organization in organizations:
        if organization.pk in need_second and not _is_approved(organization, actor, approval):
            raise LifecycleError(
                f"{organization.name} is on Enterprise, or was until lately: a second lead has to confirm its "
                "deactivation. A lead asks for it in the admin."
            )
        if actor.tier == Tier.AGENT and on_plan[organization.pk] != Plan.FREE:
            raise LifecycleError(
                f"{organization.name} is on {on_plan[organization.pk].label}; an agent deactivates Free organizations "
                "only. Please ask a lead."
            )


def check_act(actor: User, *, via: Via, note: str, ticket: str) -> None:
    """Refuse an act of staff that comes without reason or ticket (P71)."""
    if not note.strip():
        raise LifecycleError("Please say why: the reason is empty.")
    if via in STAFF_DOORS:
        _check_ticket(ticket)


def check_permission(actor: User, perm: str, organization: Organization | None = None) -> None:
    if not actor.has_perm(perm, organization):
        verb = perm.removeprefix("accounts.").replace("_", " ")
        of = f" ({organization.name})" if organization else ""
        raise LifecycleError(f"{actor.email} may not do this{of}: it needs the right to {verb}.")


def check_proof(
    actor: User | None, wish: Wish, *, via: Via, proof: str, organizations: Collection[UUID], at: datetime, note: str
) -> None:
    """Refuse an act on a customer's behalf in the admin without a request for it that shows who asks (P73).

    A lead's word stands for one, and says why.
    """
    if via != Via.ADMIN or actor is None:
        return
    if proof in ("", Proof.LEAD_WORD):
        if not actor.has_perm("accounts.give_word"):
            raise LifecycleError("This needs a request by the customer: from the owner's session, or by link.")
    else:
        shown = [request for request in proofs_of(organizations, at=at) if request.proof == proof]
        if all(request.wish != wish for request in shown):
            raise LifecycleError(_no_proof(shown))
    if proof == Proof.LEAD_WORD and not note.strip():
        raise LifecycleError("A lead's word needs the reason why it is enough.")


def check_unlocking(actor: User, unlocked_at: datetime | None) -> None:
    """Refuse an address that was unlocked within 12 months, at `unlocked_at`, to whoever is no lead (P54)."""
    if refusal := refusal_to_unlock(actor, unlocked_at):
        raise LifecycleError(refusal)


def refusal_to_unlock(actor: User, unlocked_at: datetime | None) -> str | None:
    if unlocked_at is None or actor.has_perm("accounts.unlock_again"):
        return None
    return f"This address was unlocked on {absolute(unlocked_at)} already. A second time within a year needs a lead."


def take_down_delay(via: Via, actor: User | None) -> timedelta:
    """How long taking down waits unless somebody chooses: not at all for a lead, 72 hours for everyone else (P42)."""
    is_lead = actor is not None and actor.tier in (Tier.LEAD, Tier.ADMINISTRATOR)
    return timedelta(0) if via in STAFF_DOORS and is_lead else _later()


def _is_approved(organization: Organization, actor: User, approval: Approval | None) -> bool:
    return (
        approval is not None
        and approval.act == Approval.Act.DEACTIVATE_ENTERPRISE
        and approval.outcome == Approval.Outcome.APPROVED
        and (approval.target_id, approval.asked_by_id) == (organization.pk, actor.pk)
    )


def _no_proof(others: Sequence[SupportRequest]) -> str:
    """That no request asks for the act; `others` ask for something else."""
    if not others:
        return "There is no such request by the customer any more. Please choose another one."
    asked = f"{str(others[0]).lower()} {others[0].organization}"
    return f"The customer asked support to {asked}; this needs a request of its own."


def _later() -> timedelta:
    return timedelta(hours=settings.TAKE_DOWN_DELAY_HOURS)


def _check_ticket(ticket: str) -> None:
    if not ticket.strip():
        raise LifecycleError("Please name the ticket that asks for this.")


def _check_owner(organizations: Collection[Organization], actor: User | None) -> None:
    for organization in organizations:
        if actor is None or organization.owner_id != actor.pk:
            raise LifecycleError(f"Only its owner can deactivate {organization.name} here.")
