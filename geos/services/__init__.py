"""What other floors may ask of geos."""

from geos.services.decommissioning import (
    ControlPlaneSummary,
    control_planes_of,
    control_planes_to_decommission,
    request_decommission,
    restore_control_planes,
)

__all__ = [
    "ControlPlaneSummary",
    "control_planes_of",
    "control_planes_to_decommission",
    "request_decommission",
    "restore_control_planes",
]
