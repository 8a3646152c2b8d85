"""Where nodes of a control plane find it: a name of its own in its geo."""

from django.conf import settings

from geos.models import ControlPlane

PREFIX_LENGTH = 10


def control_plane_endpoint(control_plane: ControlPlane) -> str:
    """Where they are configured from."""
    return _endpoint(control_plane, "cp")


def telemetry_endpoint(control_plane: ControlPlane) -> str:
    """Where they say what they serve."""
    return _endpoint(control_plane, "tp0")


def _endpoint(control_plane: ControlPlane, door: str) -> str:
    return f"https://{control_plane.pk.hex[:PREFIX_LENGTH]}.{control_plane.geo_id}.{door}.{settings.NODE_HOST}"
