"""Geos and an organization's control planes, for whoever chooses among them or names them."""

from collections.abc import Collection
from uuid import UUID

from geos.models import ControlPlane, ControlPlaneQuerySet, Geo


def all_geos() -> list[Geo]:
    """Every geo that is open, in the order in which people are shown them (P10)."""
    return list(Geo.objects.all())


def active_control_planes(organization_id: UUID) -> ControlPlaneQuerySet:
    """Those that are not being taken down, with their geos."""
    return ControlPlane.objects.active().filter(organization=organization_id).select_related("geo")


def find_control_plane(organization_id: UUID, id: UUID) -> ControlPlane | None:
    """An active control plane of this organization; None for what is of another, being taken down or unknown."""
    return active_control_planes(organization_id).filter(pk=id).first()


def control_planes_by_id(organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, ControlPlane]:
    """Those of `ids` that are of this organization, whatever became of them, with their geos."""
    return ControlPlane.objects.filter(organization=organization_id).select_related("geo").in_bulk(ids)
