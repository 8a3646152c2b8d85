"""Where nodes, associations and zones check in, with a credential of their control plane (P13)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.security import HttpBearer
from pydantic import Field, StringConstraints

from geos.errors import GeoRefusal
from geos.services import NODES, ZONES, Family, Standing, check_in, find_standing
from konnect_portal.foundation.bodies import Body, MomentIn, Name
from konnect_portal.foundation.problems import Problem

VERSION = r"^[0-9A-Za-z][0-9A-Za-z.+_-]*$"
LARGEST_INTEGER = 2**31 - 1
LARGEST_VERSION = 2**63 - 1

router = Router()


class NodeRequest(HttpRequest):
    """A request that the door has let in, with how the one that checks in stands."""

    auth: Standing
    geo: str


class NodeCredential(HttpBearer):
    """Lets in whoever has a live credential of the control plane that the path names, in the host's geo.

    For any other control plane the answer is the same as for one that does not exist.
    """

    def __init__(self, family: Family) -> None:
        super().__init__()
        self.family = family

    def authenticate(self, request: Any, token: str) -> Standing:
        place = request.resolver_match.kwargs
        standing = find_standing(token, self.family, _id_in(place["id"]))
        if standing is None:
            raise Problem(401, "A live credential of the control plane is required")
        if not self._is_at(standing, _id_in(place["control_plane_id"]), request.geo):
            raise Problem(404, "The requested control plane was not found")
        return standing

    def _is_at(self, standing: Standing, control_plane_id: UUID, geo: str) -> bool:
        is_this = standing.control_plane_id == control_plane_id
        return is_this and standing.geo == geo and standing.kind in self.family.kinds


class CheckIn(Body):
    """What a node says of itself, in columns of its row but for its clock."""

    version: Annotated[str, StringConstraints(max_length=50, pattern=VERSION)]
    configuration_version: Annotated[int, Field(strict=True, ge=0, le=LARGEST_VERSION)] | None = None
    license_id: UUID | None = None
    reported_at: MomentIn | None = None

    def said(self, at: datetime) -> dict[str, Any]:
        return {
            **self.model_dump(exclude={"reported_at"}),
            "clock_offset_seconds": self.reported_at and _seconds_ahead(self.reported_at, at),
        }


class NodeCheckIn(CheckIn):
    hostname: Name


class ZoneCheckIn(CheckIn):
    name: Name
    data_planes: Annotated[int, Field(strict=True, ge=0, le=LARGEST_INTEGER)] = 0


@router.post("/control-planes/{control_plane_id}/nodes/{id}/check-in", auth=NodeCredential(NODES))
def check_in_node(request: NodeRequest, control_plane_id: UUID, id: UUID, body: NodeCheckIn) -> dict[str, Any]:
    return _check_in(request, NODES, id, body)


@router.post("/control-planes/{control_plane_id}/zones/{id}/check-in", auth=NodeCredential(ZONES))
def check_in_zone(request: NodeRequest, control_plane_id: UUID, id: UUID, body: ZoneCheckIn) -> dict[str, Any]:
    return _check_in(request, ZONES, id, body)


def _check_in(request: NodeRequest, family: Family, id: UUID, body: CheckIn) -> dict[str, Any]:
    now = timezone.now()
    try:
        answer = check_in(request.auth, family, id, body.said(now), at=now)
    except GeoRefusal as refusal:
        raise Problem(refusal.status, str(refusal)) from None
    given: dict[str, Any] = {"configuration_version": answer.configuration_version}
    if answer.configuration is not None:
        given["configuration"] = answer.configuration
    if answer.license is not None:
        given["license"] = {"id": answer.license.pk, "payload": answer.license.document}
    return given


def _id_in(text: str) -> UUID:
    """No one's where it is none: whoever the door lets in is told so then."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _seconds_ahead(reported_at: datetime, at: datetime) -> int:
    """By how much its clock is ahead, or behind where negative; as much as the column can hold."""
    return max(-LARGEST_INTEGER, min(LARGEST_INTEGER, round((reported_at - at).total_seconds())))
