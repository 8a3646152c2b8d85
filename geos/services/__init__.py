"""What other floors may ask of geos."""

from geos.services.decommissioning import (
    ControlPlaneSummary,
    control_planes_of,
    control_planes_to_decommission,
    request_decommission,
    restore_control_planes,
)
from geos.services.hastening import hasten_take_down, start_taking_down
from geos.services.presence import geos_of

__all__ = [
    "ControlPlaneSummary",
    "control_planes_of",
    "control_planes_to_decommission",
    "geos_of",
    "hasten_take_down",
    "request_decommission",
    "restore_control_planes",
    "start_taking_down",
]
