"""Teams of the organization and who is in them (P2, P4)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import OrganizationRequest
from accounts.forms.teams import NewTeamForm, TeamForm, WhichTeamForm, WhoForm
from accounts.models import SystemAccount, Team, TeamMembership, User
from accounts.roles import TEAM_ROLES
from accounts.services.holders import Holder
from accounts.services.teams import (
    TeamError,
    add_to_team,
    change_team,
    create_team,
    delete_team,
    is_organization_admin,
    remove_from_team,
)
from accounts.views.acting import acting
from accounts.views.held import roles_of
from accounts.views.holders import (
    MANAGE_PEOPLE,
    find_holder,
    go_on,
    holder_view,
    may,
    named,
    person_has,
    url_of,
)
from konnect_portal.foundation.pages import organization_view, safe_next
from konnect_portal.foundation.paging import is_long, key_page, search_of

READ = "accounts.view_team"


@require_safe
@organization_view(READ)
def teams(request: OrganizationRequest) -> HttpResponse:
    """Predefined and custom ones by name, each with how many are in it."""
    search = search_of(request)
    known = Team.objects.filter(organization=request.organization.pk, name__icontains=search)
    page = key_page(known, by="name", after=request.GET.get("after"))
    inside = TeamMembership.objects.filter(team__in=page.rows).values_list("team")
    sizes = {team: size for team, *size in inside.annotate(Count("user"), Count("system_account"))}
    rows = [(team, *sizes.get(team.pk, (0, 0))) for team in page.rows]
    context = {
        "page": page,
        "rows": rows,
        "search": search,
        "is_long": is_long(request, page),
        "may_manage_people": may(request, MANAGE_PEOPLE),
    }
    return render(request, "accounts/teams/teams.html", context)


@organization_view(MANAGE_PEOPLE)
def new_team(request: OrganizationRequest) -> HttpResponse:
    form = NewTeamForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = create_team(request.organization.pk, **form.cleaned_data, **acting(request))
            return redirect("team", made.pk)
        except TeamError as error:
            form.add_error(error.field, str(error))
    return render(request, "accounts/teams/new.html", {"form": form})


@require_safe
@holder_view(READ)
def team(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    """Who is in it, found by name and address, and the roles that it gives."""
    team = _find(request, team_id)
    search = search_of(request)
    page = key_page(_inside(team, search), by="title", after=request.GET.get("after"))
    context = {
        "team": team,
        "page": page,
        "search": search,
        "is_long": is_long(request, page),
        "stays": request.organization.owner_id if is_organization_admin(team) else None,
        "stands_for": TEAM_ROLES.get(team.name, ()) if team.is_predefined else (),
        **roles_of(request, team),
    }
    return render(request, "accounts/teams/team.html", context)


@holder_view(MANAGE_PEOPLE)
def edit_team(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    team = _find_custom(request, team_id)
    now = {"name": team.name, "description": team.description, "labels": team.labels}
    form = TeamForm(request.POST if request.method == "POST" else None, initial=now)
    if form.is_valid():
        try:
            change_team(request.organization.pk, team_id, **form.cleaned_data, **acting(request))
            return redirect("team", team_id)
        except TeamError as error:
            form.add_error(error.field, str(error))
    return render(request, "accounts/teams/edit.html", {"form": form, "team": team})


@holder_view(MANAGE_PEOPLE)
def remove_team(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    """Says first who loses what."""
    team = _find_custom(request, team_id)
    if request.method == "POST":
        delete_team(request.organization.pk, team_id, **acting(request))
        messages.success(request, f"{team} was deleted.")
        return go_on(request, reverse("teams"))
    inside = team.team_memberships.aggregate(people=Count("user"), system_accounts=Count("system_account"))
    return render(
        request, "accounts/teams/delete.html", {"team": team, **inside, "roles": team.role_assignments.count()}
    )


@holder_view(MANAGE_PEOPLE)
def add_members(request: OrganizationRequest, team_id: UUID) -> HttpResponse:
    """People and system accounts that are not in the team, found by name and address, one after the other."""
    team = _find(request, team_id)
    form = WhoForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _add(request, team, find_holder(request, **form.cleaned_data))
        return redirect(request.get_full_path())
    here, search = request.organization.pk, search_of(request)
    people = User.objects.filter(person_has(search), memberships__organization=here)
    accounts = SystemAccount.objects.filter(organization=here, name__icontains=search)
    groups = [
        ("People", "user_id", people.exclude(team_memberships__team=team), "full_name"),
        ("System accounts", "system_account_id", accounts.exclude(team_memberships__team=team), "name"),
    ]
    label = "Find by name or address"
    return _choose(request, f"Add to {team}", groups, form=form, search_label=label, back=url_of(team))


@holder_view(MANAGE_PEOPLE)
def join_team(request: OrganizationRequest, **name: Any) -> HttpResponse:
    """The teams that a person or a system account is not in, found by name."""
    who = find_holder(request, **name)
    form = WhichTeamForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _add(request, _find(request, form.cleaned_data["team_id"]), who)
        return redirect(url_of(who))
    here, search = request.organization.pk, search_of(request)
    known = Team.objects.filter(organization=here, name__icontains=search)
    others = known.exclude(pk__in=who.team_memberships.values("team"))
    groups = [("Teams", "team_id", others, "name")]
    label = "Find a team by its name"
    return _choose(request, f"Add {who} to a team", groups, form=form, search_label=label, back=url_of(who))


@holder_view(MANAGE_PEOPLE)
def leave_team(request: OrganizationRequest, team_id: UUID, **name: Any) -> HttpResponse:
    """Take somebody out of a team, asking first."""
    team, who = _find(request, team_id), find_holder(request, **name)
    back = safe_next(request, url_of(team))
    if request.method != "POST":
        return render(request, "accounts/teams/leave.html", {"team": team, "who": who, "back": back})
    try:
        if remove_from_team(request.organization.pk, team_id, **name, **acting(request)):
            messages.success(request, f"{who} was taken out of {team}.")
        else:
            messages.info(request, f"{who} was not in {team} any more. Nothing was changed.")
    except TeamError as error:
        messages.error(request, str(error))
    return go_on(request, back)


def _find(request: OrganizationRequest, id: UUID) -> Team:
    return Team.objects.get(pk=id, organization=request.organization.pk)


def _find_custom(request: OrganizationRequest, id: UUID) -> Team:
    """A predefined team has no page to change it on."""
    return Team.objects.get(pk=id, organization=request.organization.pk, is_predefined=False)


def _inside(team: Team, search: str) -> QuerySet[TeamMembership]:
    """Who is in a team, each by the `title` that they are sorted by."""
    title = Coalesce(NullIf("user__full_name", Value("")), "user__email", "system_account__name")
    inside = team.team_memberships.select_related("user", "system_account").annotate(title=title)
    return inside.filter(person_has(search, "user__") | Q(system_account__name__icontains=search))


def _add(request: OrganizationRequest, team: Team, who: Holder) -> None:
    if add_to_team(request.organization.pk, team.pk, **named(who), **acting(request)):
        messages.success(request, f"{who} was added to {team}.")
    else:
        messages.info(request, f"{who} is in {team} already. Nothing was changed.")


def _choose(request: OrganizationRequest, title: str, groups: list[tuple], **context: Any) -> HttpResponse:
    """The first of each group, which a search narrows: title, field that names the chosen, whom, and their order."""
    pages = [(name, field, key_page(rows, by=by, after=None)) for name, field, rows, by in groups]
    long = any(is_long(request, page) for _, _, page in pages)
    context |= {"title": title, "groups": pages, "search": search_of(request), "is_long": long}
    return render(request, "accounts/teams/choose.html", context)
