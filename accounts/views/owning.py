"""What its owner alone may do with an organization: hand it over, and deactivate it (P2, P3, P39)."""

from datetime import datetime

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.access import OrganizationRequest, leave_organization
from accounts.columns import later
from accounts.errors import LifecycleError, PreviewChanged
from accounts.forms.settings import DeactivateForm, HandOverForm
from accounts.forms.taking_down import LATER, take_down_moment
from accounts.lifecycle import deactivate_organizations
from accounts.models import Organization
from accounts.owners_preview import columns_of
from accounts.previews import deactivation_of
from accounts.services.ownership import heirs_of, transfer_ownership
from accounts.views.acting import acting
from accounts.views.stepping_up import asking_second_factor
from accounts.words import Reason, Via
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.pages import organization_view
from konnect_portal.foundation.paging import PAGE_SIZE, key_page


@organization_view("accounts.transfer_ownership")
@asking_second_factor
def hand_over(request: OrganizationRequest) -> HttpResponse:
    """Name another owner among the others in Organization Admin (P3)."""
    organization = request.organization
    heirs = heirs_of(organization)
    search = request.GET.get("q", "").replace("\x00", "").strip()
    found = heirs.filter(Q(full_name__icontains=search) | Q(email__icontains=search)) if search else heirs
    page = key_page(found, by="full_name", after=request.GET.get("after"))
    form = HandOverForm(
        request.POST if request.method == "POST" else None, user=request.user, heirs=heirs, shown=page.rows
    )
    if form.is_valid():
        heir = form.cleaned_data["to"]
        try:
            transfer_ownership(organization.pk, to=heir.pk, **acting(request, Via.SETTINGS))
        except LifecycleError as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, f"{heir} owns {organization.name} now. You are in Organization Admin as before.")
            return redirect("settings")
    context = {
        "form": form,
        "page": page,
        "search": search,
        "searchable": bool(search or page.after or request.GET.get("after") or len(page.rows) > PAGE_SIZE // 2),
    }
    return render(request, "accounts/settings/owner.html", context)


@organization_view("accounts.deactivate_organization")
@asking_second_factor
def deactivate(request: OrganizationRequest) -> HttpResponse:
    """Show what it will change, ask, do it (P39, P71). The form brings back the digest of what was shown."""
    organization = request.organization
    preview = deactivation_of(organization, at=timezone.now())
    form = DeactivateForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        expected_name=organization.name,
        has_control_planes=bool(preview.scope.control_planes),
    )
    if request.method == "POST":
        try:
            if request.POST.get("digest") != preview.digest:
                raise PreviewChanged
            if form.is_valid():
                return _deactivate(request, form, preview.digest)
        except LifecycleError as problem:
            form.add_error(None, str(problem))
            preview = deactivation_of(organization, at=timezone.now())
    columns = columns_of(preview, when=f"{later()} or at once, as you choose below")
    return render(
        request, "accounts/settings/deactivate.html", {"form": form, "columns": columns, "digest": preview.digest}
    )


def _deactivate(request: OrganizationRequest, form: DeactivateForm, expected: str) -> HttpResponse:
    """Do it and leave the organization; whoever was second is told by the page that refuses its members (P49)."""
    choice = form.cleaned_data.get("take_down")
    take_down_at = take_down_moment(choice or LATER, now=timezone.now())
    events = deactivate_organizations(
        [request.organization.pk],
        reason=Reason.OWNER_REQUEST,
        take_down_at=take_down_at,
        expected=expected,
        **acting(request, Via.SETTINGS),
    )
    if not events:
        raise Organization.DoesNotExist
    leave_organization(request)
    organization = Organization.objects.get(pk=request.organization.pk)
    messages.success(request, _way_back(organization, take_down_at if choice == LATER else None))
    return redirect("organizations")


def _way_back(organization: Organization, take_down_at: datetime | None) -> str:
    """What was done and until when it can be undone; `take_down_at` where its control planes can come back (P51)."""
    assert organization.purge_at is not None
    returning = f", its control planes until {absolute(take_down_at)}" if take_down_at else ""
    return (
        f"{organization.name} is deactivated, and you and its admins are told by mail. "
        f"Support can bring it back until {absolute(organization.purge_at)}{returning}."
    )
