"""The home of the organization entered: what runs, what it costs, what needs the person (P5)."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.services.needs import needs_of
from billing.services import costs_so_far, standing_of
from geos.services import running_in
from konnect_portal.foundation.pages import organization_view


@require_safe
def start(request: HttpRequest) -> HttpResponseBase:
    """Where "Go to the start" leads from any page: staff to their desk, everyone else home."""
    return redirect("admin:index") if request.user.is_staff else home(request)


@organization_view("accounts.view_organization")
def home(request: OrganizationRequest) -> HttpResponse:
    now = timezone.now()
    organization = request.organization
    may = request.user.get_all_permissions(organization)
    standing = standing_of(organization.pk, at=now)
    context = {
        "running": running_in(organization.pk, at=now),
        "standing": standing,
        "needs": needs_of(request.user, organization, may=may, standing=standing, at=now),
        "costs": costs_so_far([organization.pk], at=now)[organization.pk] if "billing.view_billing" in may else None,
    }
    return render(request, "accounts/home/home.html", context)
