"""What other floors may ask of geos."""

from geos.services.decommissioning import (
    ControlPlaneSummary,
    control_planes_of,
    control_planes_to_decommission,
    request_decommission,
    restore_control_planes,
)
from geos.services.hastening import hasten_take_down, start_taking_down
from geos.services.opening import NewControlPlane, NewOrganizationGeo, known_geos, make_control_planes, open_geos

__all__ = [
    "ControlPlaneSummary",
    "NewControlPlane",
    "NewOrganizationGeo",
    "control_planes_of",
    "control_planes_to_decommission",
    "hasten_take_down",
    "known_geos",
    "make_control_planes",
    "open_geos",
    "request_decommission",
    "restore_control_planes",
    "start_taking_down",
]
