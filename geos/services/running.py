"""What runs in an organization, in numbers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from geos.models import ControlPlane, DataPlaneNode, MeshZone


@dataclass(frozen=True)
class Running:
    """Control planes by geo; nodes (KIC associations among them) and zones, those running now and all there are."""

    control_planes: dict[str, int]
    nodes: int
    nodes_running: int
    zones: int
    zones_running: int

    @property
    def control_plane_count(self) -> int:
        return sum(self.control_planes.values())


@dataclass(frozen=True)
class Presence:
    """What checks in with one control plane, in numbers: in sync, running out of sync, not seen for 5 minutes."""

    running: int = 0
    out_of_sync: int = 0
    not_seen: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.running or self.out_of_sync or self.not_seen)


def count_presence(rows: QuerySet[DataPlaneNode] | QuerySet[MeshZone]) -> dict[UUID, Presence]:
    """Rows of `nodes_of` or `zones_of`, counted by control plane; one that has none is left out (P13)."""
    counts = (
        rows.order_by()
        .values("control_plane")
        .annotate(
            running=Count("pk", filter=Q(is_running=True, is_out_of_sync=False)),
            out_of_sync=Count("pk", filter=Q(is_running=True, is_out_of_sync=True)),
            not_seen=Count("pk", filter=Q(is_running=False)),
        )
        .values_list("control_plane", "running", "out_of_sync", "not_seen")
    )
    return {id: Presence(*numbers) for id, *numbers in counts}


def running_in(organization_id: UUID, *, at: datetime) -> Running:
    """What hangs on the organization's active control planes. Running: checked in within 5 minutes (P13)."""
    active = ControlPlane.objects.active().filter(organization=organization_id)
    by_geo = active.order_by("geo__position").values_list("geo__name").annotate(Count("pk"))
    nodes, nodes_running = _count(DataPlaneNode, organization_id, at)
    zones, zones_running = _count(MeshZone, organization_id, at)
    return Running(dict(by_geo), nodes, nodes_running, zones, zones_running)


def _count(model: type[DataPlaneNode] | type[MeshZone], organization_id: UUID, at: datetime) -> tuple[int, int]:
    lately = Q(last_check_in_at__gt=at - timedelta(seconds=settings.NODE_RUNNING_SECONDS))
    rows = model.objects.filter(
        control_plane__organization=organization_id, control_plane__state=ControlPlane.State.ACTIVE
    )
    counts = rows.aggregate(all=Count("pk"), running=Count("pk", filter=lately))
    return counts["all"], counts["running"]
