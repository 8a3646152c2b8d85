"""Usage that comes after a deactivation by the check and would have prevented it (P68): a lead decides what follows.

Until then no taking down is begun: whoever claims a control plane asks for `late_usage_at`, under the organization's
lock. Reactivating decides it too.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import rights
from accounts.errors import LifecycleError
from accounts.models import LifecycleEvent, Organization, User
from accounts.services.events import Told, record_event, record_events
from accounts.words import Act, Reason, Via
from billing.services import late_usage, note_told
from geos.services import start_taking_down

SET_SIZE = 500


@transaction.atomic
def find_late_usage(*, at: datetime) -> int:
    """Put a set of organizations whose usage came late on the leads' list; how many records were looked at.

    Those that the check did not deactivate, or that are active again, are left alone.
    """
    records = late_usage(most=SET_SIZE)
    ended = Organization.objects.inactive().filter(deactivation_reason=Reason.INACTIVITY, late_usage_at=None)
    held = ended.hold_all(records.values())
    Organization.objects.filter(pk__in=[organization.pk for organization in held]).update(late_usage_at=at)
    record_events(
        Act.USAGE_CAME_LATE, [Told(organization.pk) for organization in held], actor=None, via=Via.WORKER, at=at
    )
    note_told(records, at=at)
    return len(records)


@transaction.atomic
def let_take_down_go_on(
    id: UUID, *, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> LifecycleEvent:
    """Decide that an organization stays deactivated although usage came late: taking down goes on, each at its time.

    Raises LifecycleError where nothing waits for that decision or the actor may not.
    """
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    rights.check_permission(actor, "accounts.decide_late_usage")
    waiting = Organization.objects.usage_came_late().select_for_update(no_key=True)
    organization = waiting.filter(pk=id).first()
    if organization is None:
        raise LifecycleError("Nothing was done: it does not wait for a decision about late usage any more.")
    found_at, organization.late_usage_at = organization.late_usage_at, None
    organization.save(update_fields=["late_usage_at", "updated_at"])
    start_taking_down([organization.pk])
    return record_event(
        Act.TAKE_DOWN_RESUMED,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        at=timezone.now(),
        details={"late_usage_at": found_at.isoformat()},
        note=note,
        ticket=ticket,
    )
