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
from geos.services.taking_down import begin_decommission, embedded_geos, finish_decommission, put_off, take_down_next

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
