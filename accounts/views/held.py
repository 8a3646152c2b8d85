"""The teams and roles of somebody as their page lists them (P4)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat
from django.urls import reverse

from accounts.access import OrganizationRequest
from accounts.catalogue import CATALOGUE, EVERYWHERE, ORGANIZATION_WIDE
from accounts.models import RoleAssignment, SystemAccount, Team, User
from accounts.services.holders import Holder, columns_of
from accounts.services.teams import is_organization_admin
from accounts.views.holders import MANAGE_PEOPLE, may, named, url_of
from geos.models import ControlPlane
from geos.services import all_geos, control_planes_by_id
from konnect_portal.foundation.paging import KeyPage, key_page


@dataclass(frozen=True)
class HeldTeam:
    """A team as the page of somebody in it shows it; no `leave_url` for the owner in Organization Admin (P2)."""

    team: Team
    leave_url: str | None


@dataclass(frozen=True)
class HeldRole:
    """A role as a page shows it: what it is for, where it holds, and the team through which it comes, if any."""

    role: RoleAssignment
    where: str
    team: Team | None
    remove_url: str

    @property
    def text(self) -> str:
        return CATALOGUE.get(self.role.entity_type_name, {}).get(self.role.role_name, "")


def teams_and_roles_of(request: OrganizationRequest, holder: User | SystemAccount) -> dict[str, Any]:
    """What the page of a person or a system account lists: their teams, and their roles with those of their teams."""
    here = request.organization.pk
    inside = holder.team_memberships.filter(organization=here).values("team")
    teams = key_page(
        Team.objects.filter(pk__in=inside), by="name", after=request.GET.get("teams_after"), name="teams_after"
    )
    roles = RoleAssignment.objects.filter(Q(**columns_of(holder)) | Q(team__in=inside))
    return {
        **roles_of(request, holder, roles),
        "teams": KeyPage([_inside(request, team, holder) for team in teams.rows], teams.after, teams.name),
        "join_url": reverse("join_team", kwargs=named(holder)),
    }


def roles_of(
    request: OrganizationRequest, holder: Holder, roles: QuerySet[RoleAssignment] | None = None
) -> dict[str, Any]:
    """The roles of somebody by what they are for: their own, unless `roles` says which."""
    if roles is None:
        roles = RoleAssignment.objects.filter(**columns_of(holder))
    here = roles.filter(organization=request.organization.pk).select_related("team")
    titled = here.annotate(title=Concat("entity_type_name", Value(" "), "role_name"))
    page = key_page(titled, by="title", after=request.GET.get("roles_after"), name="roles_after")
    return {
        "holder": holder,
        "roles": KeyPage(shown(request, holder, page.rows), page.after, page.name),
        "new_role_url": reverse("new_role", kwargs=named(holder)),
        "may_manage_people": may(request, MANAGE_PEOPLE),
    }


def shown(request: OrganizationRequest, holder: Holder, roles: Collection[RoleAssignment]) -> list[HeldRole]:
    """Roles as a page shows them, whatever their number in two queries."""
    ids = {role.entity_id for role in roles if role.entity_id}
    control_planes = control_planes_by_id(request.organization.pk, ids)
    geos = {geo.code: geo.name for geo in all_geos()}
    return [
        HeldRole(
            role,
            _where(role, control_planes, geos),
            role.team if role.team_id != holder.pk else None,
            reverse("remove_role", kwargs={**named(holder), "id": role.pk}),
        )
        for role in roles
    ]


def _where(role: RoleAssignment, control_planes: dict, geos: dict[str, str]) -> str:
    if role.entity_type_name in ORGANIZATION_WIDE:
        return "The whole organization"
    if role.entity_id is None:
        return "Every geo" if role.entity_region == EVERYWHERE else geos.get(role.entity_region, role.entity_region)
    found = control_planes.get(role.entity_id)
    if found is None:
        return f"A single one, {role.entity_id}"
    what = f"{found.name}, {found.geo}"
    return what if found.state == ControlPlane.State.ACTIVE else f"{what} ({found.get_state_display().lower()})"


def _inside(request: OrganizationRequest, team: Team, holder: User | SystemAccount) -> HeldTeam:
    if holder.pk == request.organization.owner_id and is_organization_admin(team):
        return HeldTeam(team, None)
    url = reverse("leave_team", kwargs={"team_id": team.pk, **named(holder)})
    return HeldTeam(team, f"{url}?{urlencode({'next': url_of(holder)})}")
