"""Teams, and who is in them (P4)."""

from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from ninja import Path, Router
from pydantic import Field

from accounts.api.calls import MANAGE_PEOPLE, READ_TEAMS, ApiRequest, acting
from accounts.api.kinds import PERSON, SYSTEM_ACCOUNT, TEAM, Kind, TeamOut
from accounts.models import Organization, Team
from accounts.services.teams import (
    add_to_team,
    change_team,
    create_team,
    delete_team,
    remove_from_team,
)
from konnect_portal.foundation.bodies import Body, Name, Text
from konnect_portal.foundation.labels import LABELS_AT_MOST, merge_labels
from konnect_portal.foundation.problems import Problem

router = Router()


class TeamIn(Body):
    name: Name
    description: Text | None = None
    labels: Annotated[dict[str, str], Field(max_length=LABELS_AT_MOST)] = {}


class TeamChangesIn(Body):
    name: Name = ""
    description: Text | None = None
    labels: dict[str, str | None] = {}


class MemberIn(Body):
    id: UUID


@router.get("/teams", auth=READ_TEAMS, response=TEAM.page)
def list_teams(request: ApiRequest) -> dict:
    return TEAM.listing.page(request, TEAM.of(request.auth.organization))


@router.post("/teams", auth=MANAGE_PEOPLE, response={201: TeamOut})
def add_team(request: ApiRequest, body: TeamIn) -> Team:
    return create_team(
        request.auth.organization.pk,
        name=body.name,
        description=body.description or "",
        labels=body.labels,
        **acting(request),
    )


@router.get("/teams/{team_id}", auth=READ_TEAMS, response=TeamOut)
def read_team(request: ApiRequest, team_id: UUID) -> Team:
    return TEAM.find(request, team_id)


@router.patch("/teams/{team_id}", auth=MANAGE_PEOPLE, response=TeamOut)
@transaction.atomic
def edit_team(request: ApiRequest, team_id: UUID, body: TeamChangesIn) -> Team:
    """What is left out stays as it is; a label that is null goes."""
    organization = Organization.objects.hold(request.auth.organization.pk)
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "description" in changes:
        changes["description"] = body.description or ""
    if "labels" in changes:
        changes["labels"] = merge_labels(TEAM.find(request, team_id).labels, body.labels)
    return change_team(organization.pk, team_id, **changes, **acting(request))


@router.delete("/teams/{team_id}", auth=MANAGE_PEOPLE, response={204: None})
def end_team(request: ApiRequest, team_id: UUID) -> None:
    delete_team(request.auth.organization.pk, team_id, **acting(request))


def _members(kind: Kind) -> Router:
    """The members of one kind that a team has."""
    members = Router()

    @members.get("", auth=READ_TEAMS, response=kind.page)
    def list_members(request: ApiRequest, team_id: Path[UUID]) -> dict:
        team = TEAM.find(request, team_id)
        return kind.listing.page(request, kind.of(request.auth.organization).filter(team_memberships__team=team))

    @members.post("", auth=MANAGE_PEOPLE, response={201: None})
    def add_member(request: ApiRequest, team_id: Path[UUID], body: MemberIn) -> None:
        is_new = add_to_team(request.auth.organization.pk, team_id, **kind.named(body.id), **acting(request))
        if not is_new:
            raise Problem(409, "They are in the team already")

    @members.delete("/{member_id}", auth=MANAGE_PEOPLE, response={204: None})
    def remove_member(request: ApiRequest, team_id: Path[UUID], member_id: UUID) -> None:
        was_in = remove_from_team(request.auth.organization.pk, team_id, **kind.named(member_id), **acting(request))
        if not was_in:
            raise Problem(404, "They are not in the team")

    return members


def _teams_of(kind: Kind) -> Router:
    """The teams that one of a kind is in."""
    teams = Router()

    @teams.get("", auth=READ_TEAMS, response=TEAM.page)
    def list_teams(request: ApiRequest, holder_id: Path[UUID]) -> dict:
        holder = kind.find(request, holder_id)
        rows = TEAM.of(request.auth.organization).filter(**{f"team_memberships__{kind.name}": holder})
        return TEAM.listing.page(request, rows)

    return teams


router.add_router("/teams/{team_id}/users", _members(PERSON))
router.add_router("/teams/{team_id}/system-accounts", _members(SYSTEM_ACCOUNT))
router.add_router("/users/{holder_id}/teams", _teams_of(PERSON))
router.add_router("/system-accounts/{holder_id}/teams", _teams_of(SYSTEM_ACCOUNT))
