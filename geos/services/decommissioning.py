from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from geos.models import ControlPlane, DataPlaneNode, MeshZone


@dataclass(frozen=True)
class ControlPlaneSummary:
    """A control plane with what hangs on it; `can_return` where its taking down is asked for but not begun (P51)."""

    id: UUID
    name: str
    geo: str
    kind: str
    nodes: int
    zones: int
    state: str
    requested_at: datetime | None
    can_return: bool


def control_planes_of(
    organization_ids: Collection[UUID], *, states: Collection[str], lock: bool = False
) -> dict[UUID, list[ControlPlaneSummary]]:
    """The control planes in one of `states`, by organization; with `lock` they are held until the commit."""
    rows = ControlPlane.objects.filter(organization_id__in=organization_ids, state__in=states).order_by("pk")
    if lock:
        list(rows.select_for_update().values_list("pk"))
    found: dict[UUID, list[ControlPlaneSummary]] = defaultdict(list)
    for row in rows.annotate(node_count=_count(DataPlaneNode), zone_count=_count(MeshZone)):
        found[row.organization_id].append(
            ControlPlaneSummary(
                id=row.pk,
                name=row.name,
                geo=row.geo_id,
                kind=row.kind,
                nodes=row.node_count,
                zones=row.zone_count,
                state=row.state,
                requested_at=row.decommission_requested_at,
                can_return=row.state == ControlPlane.State.DECOMMISSIONING and row.begun_at is None,
            )
        )
    return found


def control_planes_to_decommission(
    organization_ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, list[ControlPlaneSummary]]:
    """What `request_decommission` would decommission now, by organization."""
    return control_planes_of(organization_ids, states=[ControlPlane.State.ACTIVE], lock=lock)


def request_decommission(organization_ids: Collection[UUID], *, at: datetime, begins_at: datetime) -> None:
    """Decommission every active control plane (P42): no configuration from the commit on, taken down from `begins_at`.

    Nodes and zones are left alone (P43). The caller holds the organizations.
    """
    _decommission(ControlPlane.objects.filter(organization_id__in=organization_ids), at=at, begins_at=begins_at)


def decommission_control_plane(id: UUID, *, at: datetime) -> None:
    """Decommission one that its organization wants gone: begun at once, so that no reactivation brings it back (P51).

    Nodes and zones are left alone (P43). The caller holds the organization.
    """
    _decommission(ControlPlane.objects.filter(pk=id), at=at, begins_at=at, begun_at=at)


def _decommission(
    control_planes: QuerySet[ControlPlane], *, at: datetime, begins_at: datetime, begun_at: datetime | None = None
) -> None:
    control_planes.filter(state=ControlPlane.State.ACTIVE).update(
        state=ControlPlane.State.DECOMMISSIONING,
        decommission_requested_at=at,
        begins_at=begins_at,
        begun_at=begun_at,
        next_attempt_at=begins_at,
        attempts=0,
        last_error="",
        updated_at=at,
    )


def restore_control_planes(organization_id: UUID, *, at: datetime) -> list[UUID]:
    """Bring back the control planes whose taking down has not begun (P51); gives their ids.

    What has begun is finished by the workers. The caller holds the organization.
    """
    waiting = ControlPlane.objects.decommissioning().filter(organization_id=organization_id, begun_at__isnull=True)
    ids = list(waiting.order_by("pk").select_for_update().values_list("pk", flat=True))
    ControlPlane.objects.filter(pk__in=ids).update(
        state=ControlPlane.State.ACTIVE,
        decommission_requested_at=None,
        begins_at=None,
        next_attempt_at=None,
        updated_at=at,
    )
    return ids


def _count(model: type[DataPlaneNode] | type[MeshZone]) -> Coalesce:
    rows = model.objects.filter(control_plane=OuterRef("pk")).order_by().values("control_plane")
    return Coalesce(Subquery(rows.annotate(count=Count("pk")).values("count")), 0)
