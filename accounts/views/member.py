"""The page of one of the people of an organization (P4)."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.models import Membership
from accounts.views.held import teams_and_roles_of
from konnect_portal.foundation.pages import organization_view


@require_safe
@organization_view("accounts.view_user")
def member(request: OrganizationRequest, user_id: UUID) -> HttpResponse:
    """Name, address, last login here, teams and roles."""
    members = Membership.objects.select_related("user")
    membership = get_object_or_404(members, organization=request.organization.pk, user=user_id)
    context = {"membership": membership, **teams_and_roles_of(request, membership.user)}
    return render(request, "accounts/holders/member.html", context)
