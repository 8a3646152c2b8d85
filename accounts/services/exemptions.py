"""Organizations marked "never deactivate": who, why, until when (P63)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import Exemption, Organization, User
from accounts.services.events import record_event
from accounts.words import Act, Via

RIGHT = "accounts.exempt_organization"


@transaction.atomic
def exempt(
    organization_id: UUID,
    *,
    note: str,
    ticket: str,
    actor: User,
    via: Via,
    until: datetime | None = None,
    address: str | None = None,
) -> Exemption:
    """Keep the inactivity check from an active organization before `until`, or without end.

    Owner and support may still deactivate it. LifecycleError where the actor may not, `until` is past, or it is marked
    already.
    """
    now = timezone.now()
    organization = _hold(organization_id, actor, note=note, ticket=ticket)
    if until is not None and until <= now:
        raise LifecycleError("The day until which it is never deactivated is over already.")
    open_ones = Exemption.objects.filter(organization=organization, ended_at=None)
    open_ones.filter(until__lte=now).update(ended_at=F("until"))
    if open_ones.exists():
        raise LifecycleError(f"{organization.name} is marked “never deactivate” already.")
    exemption = Exemption.objects.create(
        organization=organization, reason=note.strip(), made_by_id=actor.pk, created_at=now, until=until
    )
    details = {"exemption": str(exemption.pk), "until": until.isoformat() if until else None}
    record_event(
        Act.EXEMPTION_MADE,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        at=now,
        details=details,
        note=note,
        ticket=ticket,
    )
    return exemption


@transaction.atomic
def end_exemption(
    organization_id: UUID, *, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> None:
    """Have the organization checked again. LifecycleError where it is not marked or the actor may not."""
    now = timezone.now()
    organization = _hold(organization_id, actor, note=note, ticket=ticket)
    exemption = Exemption.objects.live(now).filter(organization=organization).first()
    if exemption is None:
        raise LifecycleError(f"{organization.name} is not marked “never deactivate”.")
    exemption.ended_at, exemption.ended_by_id = now, actor.pk
    exemption.save(update_fields=["ended_at", "ended_by_id"])
    record_event(
        Act.EXEMPTION_ENDED,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        at=now,
        details={"exemption": str(exemption.pk)},
        note=note,
        ticket=ticket,
    )


def _hold(organization_id: UUID, actor: User, *, note: str, ticket: str) -> Organization:
    """Lock the active organization for a lead; LifecycleError otherwise. Staff belong to none: it is nobody's own."""
    if not actor.is_staff or not actor.has_perm(RIGHT):
        raise LifecycleError(f"{actor.email} may not do this: it needs a lead.")
    if not note.strip() or not ticket.strip():
        raise LifecycleError("Please say why, and name the ticket that asks for this.")
    try:
        return Organization.objects.hold(organization_id)
    except Organization.DoesNotExist:
        raise LifecycleError("The organization is not active any more.") from None
