"""Having control planes taken down sooner than they would be by themselves."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from geos.models import ControlPlane
from geos.services import breaking
from konnect_portal.foundation.hints import hint


def start_taking_down(organization_ids: Collection[UUID]) -> None:
    """After the commit, ask the worker of each geo to take down what is due there; beat finds what this misses."""
    hint_take_down(ControlPlane.objects.claimable(timezone.now()).filter(organization_id__in=organization_ids).geos())


def hint_take_down(geos: Iterable[str]) -> None:
    """After the commit, ask the worker of each of these geos to look; each has a queue of its own."""
    for geo in geos:
        hint("geos.tasks.take_down_control_planes", geo, queue=f"geo-{geo}")


def hasten_take_down(
    organization_ids: Collection[UUID], *, at: datetime, only: UUID | None = None
) -> dict[UUID, list[UUID]]:
    """Let what is still to be taken down begin, or be tried again, at `at`; gives the ids by organization (P42).

    `only` is the one control plane that is meant, where it is not all of them.
    """
    waiting = ControlPlane.objects.decommissioning().filter(
        organization_id__in=organization_ids, next_attempt_at__gt=at
    )
    if only:
        waiting = waiting.filter(pk=only)
    found: dict[UUID, list[UUID]] = defaultdict(list)
    locked = waiting.order_by("pk").select_for_update()
    for organization_id, pk in locked.values_list("organization_id", "pk"):
        found[organization_id].append(pk)
    rows = ControlPlane.objects.filter(pk__in=[pk for ids in found.values() for pk in ids])
    rows.filter(begins_at__gt=at).update(begins_at=at)
    rows.update(next_attempt_at=at, updated_at=at)
    return found


@transaction.atomic
def retry_take_down(id: UUID, *, at: datetime) -> bool:
    """Have a control plane whose taking down has begun tried next in its geo, though the geo be left alone (P42).

    False where it is not on its way down any more, or has not begun: that would take it from a reactivation (P51).
    """
    begun = ControlPlane.objects.decommissioning().filter(pk=id, begun_at__isnull=False)
    control_plane = begun.select_for_update().first()
    if control_plane is None:
        return False
    begun.update(next_attempt_at=F("begins_at"), updated_at=at)
    breaking.let_ask(control_plane.geo_id, at=at)
    hint_take_down([control_plane.geo_id])
    return True
