from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from geos.models import ControlPlane
from konnect_portal.foundation.hints import hint


def start_taking_down(organization_ids: Collection[UUID]) -> None:
    """After the commit, ask the worker of each geo to take down what is due there; beat finds what this misses."""
    hint_take_down(ControlPlane.objects.claimable(timezone.now()).filter(organization_id__in=organization_ids).geos())


def hint_take_down(geos: Iterable[str]) -> None:
    """After the commit, ask the worker of each of these geos to look; each has a queue of its own."""
    for geo in geos:
        hint("geos.tasks.take_down_control_planes", geo, queue=f"geo-{geo}")


def hasten_take_down(organization_ids: Collection[UUID], *, at: datetime) -> dict[UUID, list[UUID]]:
    """Let what is still to be taken down begin, or be tried again, at `at`; gives the ids by organization (P42)."""
    waiting = (
        ControlPlane.objects.decommissioning()
        .filter(organization_id__in=organization_ids, next_attempt_at__gt=at)
        .order_by("pk")
        .select_for_update()
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for organization_id, pk in waiting.values_list("organization_id", "pk"):
        found[organization_id].append(pk)
    rows = ControlPlane.objects.filter(pk__in=[pk for ids in found.values() for pk in ids])
    rows.filter(begins_at__gt=at).update(begins_at=at)
    rows.update(next_attempt_at=at, updated_at=at)
    return found
