"""An organization's control planes, for whoever chooses among them."""

from uuid import UUID

from geos.models import ControlPlane, ControlPlaneQuerySet


def active_control_planes(organization_id: UUID) -> ControlPlaneQuerySet:
    """Those that are not being taken down, with their geos."""
    return ControlPlane.objects.active().filter(organization=organization_id).select_related("geo")


def find_control_plane(organization_id: UUID, id: UUID) -> ControlPlane | None:
    """An active control plane of this organization; None for what is of another, being taken down or unknown."""
    return active_control_planes(organization_id).filter(pk=id).first()
