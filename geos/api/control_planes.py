"""The control planes of a geo (P11, P12)."""

from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from ninja import Router, Schema

from geos.api.calls import (
    VIEW,
    AddingControlPlanes,
    ApiRequest,
    OnControlPlane,
    may_add,
    place,
    telling_refusals,
)
from geos.models import ControlPlane
from geos.services import active_control_planes
from geos.services.control_planes import (
    change_control_plane,
    create_control_plane,
    delete_control_plane,
    hold_control_plane,
)
from geos.services.endpoints import control_plane_endpoint, telemetry_endpoint
from konnect_portal.foundation.api import BearerToken, Moment
from konnect_portal.foundation.bodies import Body, Stripped, Whole
from konnect_portal.foundation.labels import merge_labels
from konnect_portal.foundation.listing import Listing, Page, choice, ids, never, text
from konnect_portal.foundation.problems import Problem, invalid

router = Router()
router.add_decorator(telling_refusals("Control Plane"))


class ClusterType(StrEnum):
    """Konnect's words for the kinds; the last one is ours."""

    CONTROL_PLANE = "CLUSTER_TYPE_CONTROL_PLANE"
    K8S_INGRESS_CONTROLLER = "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER"
    MESH_GLOBAL = "CLUSTER_TYPE_MESH_GLOBAL"


KINDS: dict[str, ControlPlane.Kind] = {
    ClusterType.CONTROL_PLANE: ControlPlane.Kind.GATEWAY,
    ClusterType.K8S_INGRESS_CONTROLLER: ControlPlane.Kind.KIC,
    ClusterType.MESH_GLOBAL: ControlPlane.Kind.MESH_GLOBAL,
}
CLUSTER_TYPES = {kind: cluster_type for cluster_type, kind in KINDS.items()}


class ProxyUrl(Body):
    protocol: str
    host: str
    port: Whole


class ConfigOut(Schema):
    control_plane_endpoint: str
    telemetry_endpoint: str
    cluster_type: ClusterType
    auth_type: ControlPlane.AuthType
    cloud_gateway: bool
    proxy_urls: list[ProxyUrl]

    @staticmethod
    def resolve_control_plane_endpoint(control_plane: ControlPlane) -> str:
        return control_plane_endpoint(control_plane)

    @staticmethod
    def resolve_telemetry_endpoint(control_plane: ControlPlane) -> str:
        return telemetry_endpoint(control_plane)

    @staticmethod
    def resolve_cluster_type(control_plane: ControlPlane) -> str:
        return CLUSTER_TYPES[ControlPlane.Kind(control_plane.kind)]

    @staticmethod
    def resolve_cloud_gateway(control_plane: ControlPlane) -> bool:
        return False


class ControlPlaneOut(Schema):
    id: UUID
    name: str
    description: str
    labels: dict[str, str]
    config: ConfigOut
    created_at: Moment
    updated_at: Moment

    @staticmethod
    def resolve_config(control_plane: ControlPlane) -> ControlPlane:
        return control_plane


class ControlPlaneIn(Body):
    name: Stripped
    description: Stripped = ""
    labels: dict[str, str] = {}
    cluster_type: ClusterType = ClusterType.CONTROL_PLANE
    auth_type: ControlPlane.AuthType = ControlPlane.AuthType.PINNED
    cloud_gateway: Literal[False] = False
    proxy_urls: list[ProxyUrl] = []


class ControlPlaneChangesIn(Body):
    name: Stripped = ""
    description: Stripped = ""
    labels: dict[str, str | None] = {}
    auth_type: ControlPlane.AuthType = ControlPlane.AuthType.PINNED
    proxy_urls: list[ProxyUrl] = []


LISTING = Listing(
    {"id": ids("id"), "name": text("name"), "cluster_type": choice("kind", KINDS), "cloud_gateway": never()}
)


@router.get("/control-planes", auth=BearerToken(None), response=Page[ControlPlaneOut])
def list_control_planes(request: ApiRequest) -> dict:
    """Those that the caller may see; for some that is none."""
    rows = request.auth.visible(VIEW, active_control_planes(request.auth.organization.pk).filter(geo=request.geo))
    return LISTING.page(request, _labelled(rows, request.GET.get("labels", "")))


@router.post("/control-planes", auth=AddingControlPlanes(), response={201: ControlPlaneOut})
def add_control_plane(request: ApiRequest, body: ControlPlaneIn) -> ControlPlane:
    kind = KINDS[body.cluster_type]
    if not may_add(request, request.auth, kind):
        raise Problem(403)
    fields = body.model_dump(exclude={"cluster_type", "cloud_gateway"})
    return create_control_plane(request.auth.organization.pk, geo=request.geo, kind=kind, **fields)


@router.get("/control-planes/{control_plane_id}", auth=OnControlPlane(VIEW), response=ControlPlaneOut)
def read_control_plane(request: ApiRequest, control_plane_id: UUID) -> ControlPlane:
    return request.control_plane


@router.patch(
    "/control-planes/{control_plane_id}", auth=OnControlPlane("geos.change_controlplane"), response=ControlPlaneOut
)
@transaction.atomic
def edit_control_plane(request: ApiRequest, control_plane_id: UUID, body: ControlPlaneChangesIn) -> ControlPlane:
    """What is left out stays as it is; a label that is null goes."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "labels" in changes:
        changes["labels"] = merge_labels(hold_control_plane(*place(request)).labels, body.labels)
    return change_control_plane(*place(request), **changes)


@router.delete(
    "/control-planes/{control_plane_id}", auth=OnControlPlane("geos.delete_controlplane"), response={204: None}
)
def end_control_plane(request: ApiRequest, control_plane_id: UUID) -> None:
    delete_control_plane(*place(request))


def _labelled(rows: QuerySet[ControlPlane], wanted: str) -> QuerySet[ControlPlane]:
    """Those that have all labels of `key:value,key`."""
    if "\x00" in wanted:
        raise invalid("labels", "request format is invalid", source="query")
    for label in filter(None, wanted.split(",")):
        key, colon, value = label.partition(":")
        rows = rows.filter(labels__contains={key: value}) if colon else rows.filter(labels__has_key=key)
    return rows
