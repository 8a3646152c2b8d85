"""The consumers of a gateway control plane (P11)."""

from uuid import UUID

from ninja import Router, Schema

from geos.api.calls import ApiRequest, OnControlPlane, place, telling_refusals
from geos.models import Consumer
from geos.services.entities import change_consumer, create_consumer, delete_consumer
from konnect_portal.foundation.api import TextOrNull, UnixSeconds, found
from konnect_portal.foundation.bodies import Body, OrNull, Stripped
from konnect_portal.foundation.listing import Listing, Page, ids, text

router = Router()
router.add_decorator(telling_refusals("Consumer"))

READ = OnControlPlane("geos.view_consumer")
CHANGE = OnControlPlane("geos.change_consumer")
ALL = "/control-planes/{control_plane_id}/core-entities/consumers"
ONE = f"{ALL}/{{consumer_id}}"
LISTING = Listing({"id": ids("id"), "username": text("username"), "custom_id": text("custom_id")})


class ConsumerOut(Schema):
    id: UUID
    username: str
    custom_id: TextOrNull
    created_at: UnixSeconds
    updated_at: UnixSeconds


class ConsumerIn(Body):
    username: Stripped
    custom_id: OrNull = ""


class ConsumerChangesIn(ConsumerIn):
    username: Stripped = ""


@router.get(ALL, auth=READ, response=Page[ConsumerOut])
def list_consumers(request: ApiRequest, control_plane_id: UUID) -> dict:
    return LISTING.page(request, Consumer.objects.filter(control_plane=request.control_plane))


@router.post(ALL, auth=CHANGE, response={201: ConsumerOut})
def add_consumer(request: ApiRequest, control_plane_id: UUID, body: ConsumerIn) -> Consumer:
    return create_consumer(*place(request), **body.model_dump(exclude_unset=True))


@router.get(ONE, auth=READ, response=ConsumerOut)
def read_consumer(request: ApiRequest, control_plane_id: UUID, consumer_id: UUID) -> Consumer:
    return found(Consumer.objects.filter(control_plane=request.control_plane), consumer_id)


@router.patch(ONE, auth=CHANGE, response=ConsumerOut)
def edit_consumer(request: ApiRequest, control_plane_id: UUID, consumer_id: UUID, body: ConsumerChangesIn) -> Consumer:
    """What is left out stays as it is."""
    return change_consumer(*place(request), consumer_id, **body.model_dump(exclude_unset=True))


@router.delete(ONE, auth=CHANGE, response={204: None})
def end_consumer(request: ApiRequest, control_plane_id: UUID, consumer_id: UUID) -> None:
    delete_consumer(*place(request), consumer_id)
