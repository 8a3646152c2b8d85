"""The services of a gateway control plane (P11)."""

from uuid import UUID

from ninja import Router, Schema

from geos.api.calls import ApiRequest, OnControlPlane, place, telling_refusals
from geos.models import GatewayService
from geos.services.entities import change_service, create_service, delete_service
from konnect_portal.foundation.api import TextOrNull, UnixSeconds, found
from konnect_portal.foundation.bodies import Body, OrNull, Stripped, Whole
from konnect_portal.foundation.listing import Listing, Page, ids, text

router = Router()
router.add_decorator(telling_refusals("Service"))

READ = OnControlPlane("geos.view_gatewayservice")
CHANGE = OnControlPlane("geos.change_gatewayservice")
ALL = "/control-planes/{control_plane_id}/core-entities/services"
ONE = f"{ALL}/{{service_id}}"
LISTING = Listing({"id": ids("id"), "name": text("name")})


class ServiceOut(Schema):
    id: UUID
    name: str
    protocol: str
    host: str
    port: int
    path: TextOrNull
    created_at: UnixSeconds
    updated_at: UnixSeconds


class ServiceIn(Body):
    name: Stripped
    host: Stripped
    protocol: str = ""
    port: Whole = 0
    path: OrNull = ""


class ServiceChangesIn(ServiceIn):
    name: Stripped = ""
    host: Stripped = ""


@router.get(ALL, auth=READ, response=Page[ServiceOut])
def list_services(request: ApiRequest, control_plane_id: UUID) -> dict:
    return LISTING.page(request, GatewayService.objects.filter(control_plane=request.control_plane))


@router.post(ALL, auth=CHANGE, response={201: ServiceOut})
def add_service(request: ApiRequest, control_plane_id: UUID, body: ServiceIn) -> GatewayService:
    return create_service(*place(request), **body.model_dump(exclude_unset=True))


@router.get(ONE, auth=READ, response=ServiceOut)
def read_service(request: ApiRequest, control_plane_id: UUID, service_id: UUID) -> GatewayService:
    return found(GatewayService.objects.filter(control_plane=request.control_plane), service_id)


@router.patch(ONE, auth=CHANGE, response=ServiceOut)
def edit_service(
    request: ApiRequest, control_plane_id: UUID, service_id: UUID, body: ServiceChangesIn
) -> GatewayService:
    """What is left out stays as it is."""
    return change_service(*place(request), service_id, **body.model_dump(exclude_unset=True))


@router.delete(ONE, auth=CHANGE, response={204: None})
def end_service(request: ApiRequest, control_plane_id: UUID, service_id: UUID) -> None:
    delete_service(*place(request), service_id)
