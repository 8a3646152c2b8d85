"""What other floors may ask of geos."""

from geos.client import embedded_geos
from geos.services.check_ins import NODES, ZONES, Answer, Family, Standing, check_in, find_standing
from geos.services.credentials import CredentialError, create_credential, revoke_credential
from geos.services.decommissioning import (
    ControlPlaneSummary,
    control_planes_of,
    control_planes_to_decommission,
    request_decommission,
    restore_control_planes,
)
from geos.services.finding import active_control_planes, all_geos, control_planes_by_id, find_control_plane
from geos.services.hastening import hasten_take_down, hint_take_down, retry_take_down, start_taking_down
from geos.services.left_running import LeftRunning, left_running
from geos.services.nodes import nodes_of, zones_of
from geos.services.opening import (
    WHAT_A_GEO_MEANS,
    NewControlPlane,
    NewOrganizationGeo,
    geos_to_choose,
    known_geos,
    make_control_planes,
    open_geos,
)
from geos.services.presence import geos_of
from geos.services.running import Presence, Running, count_presence, running_in
from geos.services.taking_down import begin_decommission, finish_decommission, put_off, take_down_next
from geos.services.telling import attempts_told

__all__ = [
    "NODES",
    "WHAT_A_GEO_MEANS",
    "ZONES",
    "Answer",
    "ControlPlaneSummary",
    "CredentialError",
    "Family",
    "LeftRunning",
    "NewControlPlane",
    "NewOrganizationGeo",
    "Presence",
    "Running",
    "Standing",
    "active_control_planes",
    "all_geos",
    "attempts_told",
    "begin_decommission",
    "check_in",
    "control_planes_by_id",
    "control_planes_of",
    "control_planes_to_decommission",
    "count_presence",
    "create_credential",
    "embedded_geos",
    "find_control_plane",
    "find_standing",
    "finish_decommission",
    "geos_of",
    "geos_to_choose",
    "hasten_take_down",
    "hint_take_down",
    "known_geos",
    "left_running",
    "make_control_planes",
    "nodes_of",
    "open_geos",
    "put_off",
    "request_decommission",
    "restore_control_planes",
    "retry_take_down",
    "revoke_credential",
    "running_in",
    "start_taking_down",
    "take_down_next",
    "zones_of",
]
