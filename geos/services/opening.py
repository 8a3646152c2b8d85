"""What geos writes when an organization is opened, by sign-up or by import."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from uuid import UUID

from geos.models import ControlPlane, DataPlaneNode, GatewayService, Geo, MeshZone, OrganizationGeo

ROWS_AT_ONCE = 5_000
WHAT_A_GEO_MEANS = "Your control planes and their data live here. Sign-in, billing and teams are shared by all geos."


@dataclass(frozen=True, kw_only=True)
class NewOrganizationGeo:
    organization_id: UUID
    geo: str
    is_home: bool
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewControlPlane:
    """A control plane with counts of what hangs on it; taken down long since where `decommissioned_at` is set."""

    id: UUID
    organization_id: UUID
    geo: str
    kind: str
    name: str
    created_at: datetime
    nodes: int = 0
    services: int = 0
    zones: int = 0
    decommissioned_at: datetime | None = None


def known_geos() -> frozenset[str]:
    """The codes of the geos that are open (P10)."""
    return frozenset(Geo.objects.values_list("code", flat=True))


def geos_to_choose() -> list[Geo]:
    """Those that a new organization can have as its home: all but those an admin opts in to later (P10)."""
    return list(Geo.objects.filter(is_opt_in=False))


def open_geos(geos: Iterable[NewOrganizationGeo]) -> None:
    OrganizationGeo.objects.bulk_create(
        OrganizationGeo(
            organization_id=new.organization_id, geo_id=new.geo, is_home=new.is_home, opened_at=new.opened_at
        )
        for new in geos
    )


def make_control_planes(control_planes: Collection[NewControlPlane]) -> None:
    """Make them with their nodes, services and zones, named by number. None of these has ever checked in.

    The caller holds the organizations (P12).
    """
    ControlPlane.objects.bulk_create(_control_plane(new) for new in control_planes)
    for nodes in batched(_nodes(control_planes), ROWS_AT_ONCE):
        DataPlaneNode.objects.bulk_create(nodes)
    for services in batched(_services(control_planes), ROWS_AT_ONCE):
        GatewayService.objects.bulk_create(services)
    for zones in batched(_zones(control_planes), ROWS_AT_ONCE):
        MeshZone.objects.bulk_create(zones)


def _control_plane(new: NewControlPlane) -> ControlPlane:
    made = ControlPlane(
        id=new.id,
        organization_id=new.organization_id,
        geo_id=new.geo,
        kind=new.kind,
        name=new.name,
        created_at=new.created_at,
    )
    if new.decommissioned_at is not None:
        made.state = ControlPlane.State.DECOMMISSIONED
        made.decommission_requested_at = made.begins_at = made.begun_at = made.decommissioned_at = (
            new.decommissioned_at
        )
    return made


def _nodes(control_planes: Iterable[NewControlPlane]) -> Iterator[DataPlaneNode]:
    for new in control_planes:
        for name in _numbered(new, "node", new.nodes):
            yield DataPlaneNode(control_plane_id=new.id, hostname=name, created_at=new.created_at)


def _services(control_planes: Iterable[NewControlPlane]) -> Iterator[GatewayService]:
    for new in control_planes:
        for name in _numbered(new, "service", new.services):
            yield GatewayService(control_plane_id=new.id, name=name, created_at=new.created_at)


def _zones(control_planes: Iterable[NewControlPlane]) -> Iterator[MeshZone]:
    for new in control_planes:
        for name in _numbered(new, "zone", new.zones):
            yield MeshZone(control_plane_id=new.id, name=name, created_at=new.created_at)


def _numbered(new: NewControlPlane, kind: str, count: int) -> Iterator[str]:
    """`default-node-1` and so on; the name is cut so that the whole fits its column."""
    return (f"{new.name[:230]}-{kind}-{number}" for number in range(1, count + 1))
