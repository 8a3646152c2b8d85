"""The people of the organization: who is in, since when unseen, in which teams; and their removal (P2)."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.models import AccessToken, Invitation, Membership, RoleAssignment, TeamMembership, User
from accounts.services.members import MemberError, remove_member
from accounts.views.acting import acting
from konnect_portal.foundation.pages import organization_view
from konnect_portal.foundation.paging import PAGE_SIZE, key_page

READ, MANAGE = "accounts.view_user", "accounts.manage_people"


@require_safe
@organization_view(READ)
def people(request: OrganizationRequest) -> HttpResponse:
    search, after = request.GET.get("q", "").strip(), request.GET.get("after")
    page = key_page(_members(request, search), by="full_name", after=after)
    teams = _teams_of(request, page.rows)
    context = {
        "page": page,
        "rows": [(person, teams[person.pk]) for person in page.rows],
        "search": search,
        "searchable": bool(search or after or page.after or len(page.rows) > PAGE_SIZE // 2),
        "waiting": Invitation.objects.waiting().filter(organization=request.organization.pk).count(),
        "may_manage": request.user.has_perm(MANAGE, request.organization),
    }
    return render(request, "accounts/people/people.html", context)


@organization_view(MANAGE)
def remove(request: OrganizationRequest, id: UUID) -> HttpResponse:
    """What ends with the membership, and the button; the owner has none (P2)."""
    person = get_object_or_404(User, memberships__organization=request.organization.pk, pk=id)
    if request.method != "POST":
        of_theirs = {"organization": request.organization.pk, "user": person}
        context = {
            "person": person,
            "teams": _teams_of(request, [person])[person.pk],
            "roles": RoleAssignment.objects.filter(**of_theirs).count(),
            "tokens": AccessToken.objects.live(timezone.now()).filter(**of_theirs).count(),
        }
        return render(request, "accounts/people/remove.html", context)
    try:
        remove_member(request.organization.pk, id, **acting(request))
        messages.success(request, f"{person} was removed from {request.organization.name}.")
    except MemberError as error:
        messages.error(request, str(error))
    except Membership.DoesNotExist:
        messages.info(request, f"{person} had been removed before. Nothing was changed.")
    return redirect("people")


def _members(request: OrganizationRequest, search: str) -> QuerySet[User]:
    """Each with the moment of the last login into this organization."""
    members = User.objects.filter(memberships__organization=request.organization.pk)
    if search and "\x00" not in search:
        members = members.filter(Q(full_name__icontains=search) | Q(email__icontains=search))
    return members.annotate(entered_at=F("memberships__last_login_at"))


def _teams_of(request: OrganizationRequest, people: Iterable[User]) -> dict[UUID, list[str]]:
    found = TeamMembership.objects.filter(organization=request.organization.pk, user__in=people)
    teams: dict[UUID, list[str]] = defaultdict(list)
    for id, name in found.order_by("team__name").values_list("user", "team__name"):
        teams[id].append(name)
    return teams
