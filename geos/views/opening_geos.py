"""The geos that an organization works in, and how it opens further ones (P10)."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from geos.models import ControlPlane, Geo
from geos.services.opening_geos import geos_to_open, open_geo, opened_geos
from geos.views.permitted import USE, VIEW
from konnect_portal.foundation.pages import organization_view, visible

CHANGE = "accounts.change_organization"


@require_safe
@organization_view(USE)
def geos(request: Any) -> HttpResponse:
    """Those opened, each with how many control planes the person sees there, and those left to open."""
    own = visible(request, VIEW, ControlPlane.objects.exclude(state=ControlPlane.State.DECOMMISSIONED))
    counts = dict(own.order_by().values_list("geo").annotate(Count("pk")))
    opened = opened_geos(request.organization.pk)
    context = {
        "opened": [(geo, counts.get(geo.pk, 0)) for geo in opened],
        "others": geos_to_open(request.organization.pk),
        "may_open": request.user.has_perm(CHANGE, request.organization),
    }
    return render(request, "geos/geos.html", context)


@organization_view(CHANGE)
def open_another_geo(request: Any, code: str) -> HttpResponse:
    """Says first what it means."""
    geo = get_object_or_404(Geo, pk=code)
    if request.method != "POST":
        return render(request, "geos/open_geo.html", {"geo": geo})
    if open_geo(request.organization.pk, code):
        messages.success(request, f"{geo} is open: {request.organization} can have control planes there.")
    else:
        messages.info(request, f"{geo} was open already. Nothing was changed.")
    return redirect("geos")
