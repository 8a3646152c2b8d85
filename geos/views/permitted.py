"""Whom the pages about one control plane are for (P4, P11)."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from geos.models import Consumer, ControlPlane, ControlPlaneCredential, GatewayService
from konnect_portal.foundation.pages import View, organization_view

USE, VIEW, ADD = "accounts.view_organization", "geos.view_controlplane", "geos.add_controlplane"
GONE = (
    ControlPlane.DoesNotExist,
    GatewayService.DoesNotExist,
    Consumer.DoesNotExist,
    ControlPlaneCredential.DoesNotExist,
)


class ControlPlaneRequest(HttpRequest):
    """A request of a member about a control plane, with all that they may do with it."""

    organization: Any
    user: Any
    control_plane: ControlPlane
    may: set[str]


def place(request: ControlPlaneRequest) -> tuple[UUID, str, UUID]:
    """Organization, geo and control plane, as services take them."""
    return request.organization.pk, request.control_plane.geo_id, request.control_plane.pk


def control_plane_view(perm: str = VIEW) -> Callable[[View], View]:
    """A page about the control plane that the address names, for whoever has `perm` on it.

    What is of another organization or not theirs to see is not found.
    """

    def decorate(view: View) -> View:
        @organization_view(USE)
        @wraps(view)
        def page(request: Any, id: UUID, **kwargs: Any) -> HttpResponseBase:
            known = ControlPlane.objects.select_related("geo").filter(organization=request.organization.pk)
            request.control_plane = get_object_or_404(known, pk=id)
            request.may = request.user.get_all_permissions(request.control_plane)
            if VIEW not in request.may:
                raise Http404
            if perm not in request.may:
                raise PermissionDenied
            return view(request, **kwargs)

        return page

    return decorate


def acting_view(perm: str) -> Callable[[View], View]:
    """`control_plane_view` for what changes something: one that is taken down is shown instead, as it is now.

    So is one of which somebody else has just deleted what was to be changed.
    """

    def decorate(view: View) -> View:
        @control_plane_view(perm)
        @wraps(view)
        def page(request: ControlPlaneRequest, **kwargs: Any) -> HttpResponseBase:
            if request.control_plane.state == ControlPlane.State.ACTIVE:
                try:
                    return view(request, **kwargs)
                except GONE:
                    messages.info(request, "It is not there any more. Nothing was changed.")
            return redirect("control_plane", request.control_plane.pk)

        return page

    return decorate
