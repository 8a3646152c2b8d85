"""Control planes: all that somebody may see, one by one, made, changed and ended (P11, P12)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat, LPad
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from geos.errors import GeoRefusal
from geos.forms import ControlPlaneForm, NewControlPlaneForm, add_refusal
from geos.models import ControlPlane, Geo
from geos.services import Presence, count_presence, nodes_of, zones_of
from geos.services.control_planes import change_control_plane, create_control_plane, delete_control_plane
from geos.services.endpoints import control_plane_endpoint, telemetry_endpoint
from geos.services.opening_geos import opened_geos
from geos.views.permitted import ADD, USE, VIEW, ControlPlaneRequest, acting_view, control_plane_view, place
from konnect_portal.foundation.confirming import NameForm
from konnect_portal.foundation.pages import allowed, organization_view, visible
from konnect_portal.foundation.paging import is_long, key_page, search_of

NODES, ZONES = "geos.view_dataplanenode", "geos.view_meshzone"
ZONE_KINDS = [ControlPlane.Kind.MESH_GLOBAL]
NODE_KINDS = [kind for kind in ControlPlane.Kind if kind not in ZONE_KINDS]
BY_GEO_AND_NAME = Concat(
    LPad(Cast("geo__position", CharField()), 5, Value("0")),
    F("geo_id"),
    Value(" "),
    F("name"),
    output_field=CharField(),
)


@require_safe
@organization_view(USE)
def control_planes(request: Any) -> HttpResponse:
    """Those that the person may see, by geo and name; narrowed to a geo or to a part of the name."""
    geos = list(opened_geos(request.organization.pk))
    geo = next((each for each in geos if each.pk == request.GET.get("geo")), None)
    search = search_of(request)
    page = key_page(_listed(request, geo, search), by="place", after=request.GET.get("after"))
    possible = _possible(request, geos)
    context = {
        "page": page,
        "rows": _with_presence(request, page.rows, timezone.now()),
        "geos": geos,
        "geo": geo,
        "search": search,
        "is_long": is_long(request, page),
        "may_add": bool(allowed(request, ADD, possible)),
        "may_see": bool(page.rows or allowed(request, VIEW, possible)),
    }
    return render(request, "geos/control_planes.html", context)


@organization_view(USE)
def new_control_plane(request: Any) -> HttpResponse:
    """Offers the kinds and geos that the person may make one of."""
    possible = allowed(request, ADD, _possible(request, opened_geos(request.organization.pk)))
    if not possible:
        raise PermissionDenied
    data = request.POST if request.method == "POST" else None
    form = NewControlPlaneForm(data, possible=possible)
    if form.is_valid():
        try:
            made = create_control_plane(request.organization.pk, **form.cleaned_data)
            return _show_made(request, made)
        except GeoRefusal as refusal:
            add_refusal(form, refusal)
    return render(request, "geos/new.html", {"form": form})


@require_safe
@control_plane_view()
def control_plane(request: ControlPlaneRequest) -> HttpResponse:
    """What it is, who checks in with it, and as long as it is active what it is configured with (P13)."""
    shown, search = request.control_plane, search_of(request)
    pages = {
        name: key_page(rows.filter(**{f"{title}__icontains": search}), by=by, after=request.GET.get(name), name=name)
        for name, (rows, title, by) in _under(request, timezone.now()).items()
    }
    context = {
        "control_plane": shown,
        "is_active": shown.state == ControlPlane.State.ACTIVE,
        "endpoint": control_plane_endpoint(shown),
        "telemetry": telemetry_endpoint(shown),
        "search": search,
        "is_long": any(is_long(request, page) for page in pages.values()),
        "may": request.may,
        **pages,
    }
    return render(request, "geos/control_plane.html", context)


@acting_view("geos.change_controlplane")
def edit_control_plane(request: ControlPlaneRequest) -> HttpResponse:
    shown = request.control_plane
    now = {"name": shown.name, "description": shown.description, "labels": shown.labels}
    form = ControlPlaneForm(request.POST if request.method == "POST" else None, initial=now)
    if form.is_valid():
        try:
            change_control_plane(*place(request), **form.cleaned_data)
            return redirect("control_plane", shown.pk)
        except GeoRefusal as refusal:
            add_refusal(form, refusal)
    return render(request, "geos/edit.html", {"form": form, "control_plane": shown})


@acting_view("geos.delete_controlplane")
def remove_control_plane(request: ControlPlaneRequest) -> HttpResponse:
    """Says first what stops and what goes on running (P42, P43)."""
    shown = request.control_plane
    form = NameForm(request.POST if request.method == "POST" else None, expected_name=shown.name)
    if form.is_valid():
        delete_control_plane(*place(request))
        messages.success(request, f"{shown} was deleted and is being taken down in {shown.geo}.")
        return redirect("control_planes")
    presence = _with_presence(request, [shown], timezone.now())[0][1]
    return render(request, "geos/delete.html", {"form": form, "control_plane": shown, "presence": presence})


def _listed(request: Any, geo: Geo | None, search: str) -> QuerySet[ControlPlane]:
    known = ControlPlane.objects.exclude(state=ControlPlane.State.DECOMMISSIONED).filter(name__icontains=search)
    if geo is not None:
        known = known.filter(geo=geo)
    return visible(request, VIEW, known.select_related("geo").annotate(place=BY_GEO_AND_NAME))


def _possible(request: Any, geos: Iterable[Geo]) -> list[ControlPlane]:
    """One of every kind in every geo, as permissions are asked for what is not made yet."""
    organization = request.organization
    return [ControlPlane(organization=organization, geo=geo, kind=kind) for geo in geos for kind in ControlPlane.Kind]


def _with_presence(
    request: Any, rows: list[ControlPlane], now: datetime
) -> list[tuple[ControlPlane, Presence | None]]:
    """Each with how many check in with it; None where the person may not see them."""
    shown = ControlPlane.objects.filter(pk__in=[row.pk for row in rows])
    presence: dict[UUID, Presence] = {}
    for perm, kinds, rows_of in ((NODES, NODE_KINDS, nodes_of), (ZONES, ZONE_KINDS, zones_of)):
        ids = list(visible(request, perm, shown.filter(kind__in=kinds)).values_list("pk", flat=True))
        presence |= dict.fromkeys(ids, Presence()) | count_presence(rows_of(ids, now))
    return [(row, presence.get(row.pk)) for row in rows]


def _show_made(request: Any, made: ControlPlane) -> HttpResponse:
    """Whoever may make control planes need not see them."""
    if request.user.has_perm(VIEW, made):
        messages.success(request, f"{made} was made. Give it a credential, with which its nodes sign in.")
        return redirect("control_plane", made.pk)
    messages.success(request, f"{made} was made. You have no role to see it; ask for one in Organization Admin.")
    return redirect("control_planes")


def _under(request: ControlPlaneRequest, now: datetime) -> dict[str, tuple[QuerySet[Any], str, str]]:
    """The lists of a control plane that the person may see: rows, the field that a search looks in, their order."""
    shown = request.control_plane
    lists: dict[str, tuple[QuerySet[Any], str, str]] = {}
    if shown.kind in NODE_KINDS and NODES in request.may:
        lists["nodes"] = (nodes_of([shown.pk], now), "hostname", "hostname")
    if shown.kind in ZONE_KINDS and ZONES in request.may:
        lists["zones"] = (zones_of([shown.pk], now), "name", "name")
    if shown.state != ControlPlane.State.ACTIVE:
        return lists
    if shown.kind == ControlPlane.Kind.GATEWAY and "geos.view_gatewayservice" in request.may:
        lists["services"] = (shown.services.all(), "name", "name")
    if shown.kind == ControlPlane.Kind.GATEWAY and "geos.view_consumer" in request.may:
        lists["consumers"] = (shown.consumers.all(), "username", "username")
    if "geos.view_controlplanecredential" in request.may:
        lists["credentials"] = (shown.credentials.all(), "title", "-created_at")
    return lists
