"""Holds (P58): while one lasts nothing is taken down or purged, and neither the check nor a reactivation touches it.

Whoever acts asks `hold_until` at that moment, under the organization's lock, so a hold that runs out needs nobody to
end it. What a geo was asked for before goes on there; it is not asked again until the release.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import rights
from accounts.errors import LifecycleError
from accounts.models import LifecycleEvent, Organization, User
from accounts.services.events import record_event
from accounts.words import Act, State, Via
from geos.services import start_taking_down

KEPT = (State.ACTIVE, State.INACTIVE)
"""What can be put on hold: of the others nothing is left to keep."""


@transaction.atomic
def hold_organization(
    id: UUID,
    *,
    until: datetime,
    note: str,
    ticket: str,
    actor: User,
    via: Via,
    address: str | None = None,
) -> LifecycleEvent:
    """Put an organization on hold until `until`, exclusive; one that it is under already ends then instead (P58).

    Owner and support may still deactivate it. Raises LifecycleError where that can't be or the actor may not.
    """
    now = timezone.now()
    organization = _locked(id, actor, via=via, note=note, ticket=ticket)
    if organization.state not in KEPT:
        raise LifecycleError(f"{organization.name} is {organization.get_state_display().lower()}: nothing is kept.")
    if until <= now:
        raise LifecycleError("A hold ends later than now. Please choose a later moment.")
    organization.hold_until, organization.hold_reason, organization.hold_ticket = until, note.strip(), ticket.strip()
    organization.save(update_fields=["hold_until", "hold_reason", "hold_ticket", "updated_at"])
    return record_event(
        Act.HELD,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        at=now,
        details={"until": until.isoformat()},
        note=note,
        ticket=ticket,
    )


@transaction.atomic
def release_organization(
    id: UUID, *, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> LifecycleEvent:
    """End a hold before its time; what waited to be taken down goes on at once. Errors as in `hold_organization`."""
    now = timezone.now()
    organization = _locked(id, actor, via=via, note=note, ticket=ticket)
    until = organization.hold_until
    if until is None or not organization.is_on_hold(now):
        raise LifecycleError(f"{organization.name} is not on hold.")
    organization.hold_until, organization.hold_reason, organization.hold_ticket = None, "", ""
    organization.save(update_fields=["hold_until", "hold_reason", "hold_ticket", "updated_at"])
    start_taking_down([organization.pk])
    return record_event(
        Act.RELEASED,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        at=now,
        details={"until": until.isoformat()},
        note=note,
        ticket=ticket,
    )


def _locked(id: UUID, actor: User, *, via: Via, note: str, ticket: str) -> Organization:
    """By the lock that claims of workers, the check and reactivations wait for or pass over."""
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    rights.check_permission(actor, "accounts.hold_organization")
    organization = Organization.objects.select_for_update(no_key=True).filter(pk=id).first()
    if organization is None:
        raise LifecycleError(f"There is no organization with the id {id}.")
    return organization
