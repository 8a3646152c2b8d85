"""The deactivation by staff of who is or was lately on Enterprise: one lead asks, a second one confirms (P71)."""

from collections.abc import Callable
from dataclasses import asdict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import lifecycle, rights
from accounts.columns import Column
from accounts.errors import LifecycleError, PreviewChanged
from accounts.forms.taking_down import take_down_moment
from accounts.models import Approval, Organization, User
from accounts.previews import DeactivationPreview, deactivation_of
from accounts.services.approvals import approve, ask_approval
from accounts.services.contracts import needing_second_lead
from accounts.words import REASONS_BY_REQUEST, Reason, State, Via, Wish

ACT = Approval.Act.DEACTIVATE_ENTERPRISE


@transaction.atomic
def ask_to_deactivate(
    id: UUID,
    *,
    reason: Reason,
    actor: User,
    via: Via,
    show: Callable[[DeactivationPreview], list[Column]],
    note: str = "",
    ticket: str = "",
    proof: str = "",
    address: str | None = None,
    take_down: str = "",
    expected: str | None = None,
) -> Approval:
    """Leave the deactivation of an active organization that needs it to a second lead, as `show` words its preview.

    Nothing changes for the organization. `take_down` is "now" or "later", counted from the confirmation.
    LifecycleError where the actor may not or it is asked for already, PreviewChanged where `expected` no longer holds.
    """
    now = timezone.now()
    rights.check_deactivation(reason=reason, via=via, actor=actor, ticket=ticket, take_down_at=None, now=now)
    try:
        organization = Organization.objects.hold(id)
    except Organization.DoesNotExist:
        raise LifecycleError("The organization is not active any more.") from None
    if reason in REASONS_BY_REQUEST:
        rights.check_proof(actor, Wish.DEACTIVATE, via=via, proof=proof, organizations=[id], at=now, note=note)
    preview = deactivation_of(organization, at=now)
    if not needing_second_lead([id], at=now) or expected not in (None, preview.digest):
        raise PreviewChanged
    return ask_approval(
        ACT,
        target_id=id,
        target_name=organization.name,
        actor=actor,
        via=via,
        reason=reason,
        note=note,
        ticket=ticket,
        proof=proof,
        address=address,
        options={"take_down": take_down},
        shown=[asdict(column) for column in show(preview)],
        digest=preview.digest,
    )


@transaction.atomic
def confirm_deactivation(approval: Approval, *, actor: User, via: Via, address: str | None, expected: str) -> None:
    """Deactivate as the first lead asked. Both have seen the same: `expected` is what the second one was shown.

    The event names both. LifecycleError where the second lead may not or came too late, PreviewChanged where the
    organization has changed since it was asked for; then nothing is done.
    """
    now = timezone.now()
    organization = Organization.objects.select_for_update().get(pk=approval.target_id)
    if organization.state != State.ACTIVE:
        raise LifecycleError(f"{organization.name} is not active any more: nothing was changed.")
    if deactivation_of(organization, at=now).digest != expected:
        raise PreviewChanged
    approval = approve(approval.pk, actor=actor, via=via, address=address, digest=expected)
    take_down = approval.options["take_down"]
    lifecycle.deactivate_organizations(
        [organization.pk],
        reason=Reason(approval.reason),
        via=Via(approval.via),
        actor=approval.asker,
        note=approval.note,
        ticket=approval.ticket,
        proof=approval.proof,
        address=approval.remote_address,
        take_down_at=take_down_moment(take_down, now=now) if take_down else None,
        expected=expected,
        approval=approval,
    )
