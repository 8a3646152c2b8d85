"""What every call about a geo's things has in common: which geo, who may make it, how refusals are told."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest

from geos.errors import GeoRefusal
from geos.models import Consumer, ControlPlane, GatewayService
from geos.services import active_control_planes
from konnect_portal.foundation.api import BearerToken, found, not_found
from konnect_portal.foundation.problems import Problem, invalid

VIEW = "geos.view_controlplane"
ADD = "geos.add_controlplane"
SOURCES = {"control_plane_id": "path", "geo": "host"}
"""Where a call says what it does not say in its body."""


class ApiRequest(HttpRequest):
    """A request that the door has let in, on a host that names a geo; `control_plane` where the path names one."""

    auth: Any
    geo: str
    control_plane: ControlPlane


def place(request: ApiRequest) -> tuple[UUID, str, UUID]:
    """The organization, geo and control plane of a call, as services take them."""
    return request.auth.organization.pk, request.geo, request.control_plane.pk


class OnControlPlane(BearerToken):
    """Lets in whoever has `perm` on the control plane that the path names.

    What they may not see is not found, and so is what is of another geo or organization or being taken down (P11).
    """

    perm: str

    def admit(self, request: Any, access: Any) -> None:
        control_plane = _find(request, access)
        if not access.has_perm(self.perm, control_plane):
            raise Problem(403) if access.has_perm(VIEW, control_plane) else not_found(ControlPlane)
        request.control_plane = control_plane


class AddingControlPlanes(BearerToken):
    """Lets in whoever may add a control plane of one kind or other; the operation asks for which kind."""

    def __init__(self) -> None:
        super().__init__(ADD)

    def admit(self, request: Any, access: Any) -> None:
        if not any(may_add(request, access, kind) for kind in ControlPlane.Kind):
            raise Problem(403)


def may_add(request: Any, access: Any, kind: ControlPlane.Kind) -> bool:
    return access.has_perm(ADD, ControlPlane(organization=access.organization, geo_id=request.geo, kind=kind))


def _find(request: Any, access: Any) -> ControlPlane:
    try:
        id = UUID(request.resolver_match.kwargs["control_plane_id"])
    except ValueError:
        raise invalid("control_plane_id", "invalid ID format", "is_uuid", "path") from None
    return found(active_control_planes(access.organization.pk).filter(geo=request.geo), id)


def telling_refusals(noun: str) -> Callable[[Callable], Callable]:
    """Answer what a service refuses of what is called `noun`, and that the organization or the thing was gone."""

    def decorate(operation: Callable) -> Callable:
        @wraps(operation)
        def run(request: ApiRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return operation(request, *args, **kwargs)
            except (ControlPlane.DoesNotExist, GatewayService.DoesNotExist, Consumer.DoesNotExist):
                raise Problem(404) from None
            except ObjectDoesNotExist:
                raise request.auth.refusal() from None
            except GeoRefusal as refusal:
                raise _problem_of(refusal, noun) from None

        return run

    return decorate


def _problem_of(refusal: GeoRefusal, noun: str) -> Problem:
    """In Konnect's words, where it has some."""
    if refusal.status == 409:
        return Problem(409, f"{noun} with provided {refusal.field} already exists.")
    if refusal.field == "object":
        detail = f"Cannot create an additional {noun.lower()} because usage limits have been reached."
        return Problem(400, detail, [{"field": "object", "reason": "usage limits reached"}])
    rule = "is_label" if refusal.field.startswith("labels.") else "invalid"
    return invalid(refusal.field, str(refusal), rule, SOURCES.get(refusal.field, "body"))
