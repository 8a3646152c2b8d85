"""The roles that can be given, and those that people, system accounts and teams have (P4)."""

from typing import Annotated
from uuid import UUID

from ninja import Path, Router, Schema
from pydantic import BeforeValidator

from accounts.api.calls import EVERY_HOLDER, MANAGE_PEOPLE, ApiRequest, acting
from accounts.api.kinds import PERSON, SYSTEM_ACCOUNT, TEAM, Kind
from accounts.catalogue import (
    AUDIT_LOGS,
    CATALOGUE,
    CONTROL_PLANES,
    EVERYWHERE,
    IDENTITY,
    MESH_CONTROL_PLANES,
)
from accounts.models import RoleAssignment
from accounts.services.role_assignments import assign_role, remove_role
from konnect_portal.foundation.api import found, not_found
from konnect_portal.foundation.bodies import Body, Name
from konnect_portal.foundation.listing import Listing, WholeList, ids, word
from konnect_portal.foundation.problems import Problem

SHOWN = (CONTROL_PLANES, "API Products", AUDIT_LOGS, IDENTITY, MESH_CONTROL_PLANES, "Dashboards", "Reports")
"""Types that the description of roles is about, as with Konnect; the catalogue has more."""

router = Router()


class AssignedRoleOut(Schema):
    id: UUID
    role_name: str
    entity_id: str
    entity_type_name: str
    entity_region: str

    @staticmethod
    def resolve_entity_id(role: RoleAssignment) -> str:
        return str(role.entity_id or EVERYWHERE)


class RoleIn(Body):
    role_name: Name
    entity_type_name: Name
    entity_id: Annotated[UUID | None, BeforeValidator(lambda id: None if id == EVERYWHERE else id)] = None
    entity_region: Name = EVERYWHERE


@router.get("/roles", auth=EVERY_HOLDER)
def read_roles(request: ApiRequest) -> dict:
    return {_key(type_name): {"name": type_name, "roles": _described(CATALOGUE[type_name])} for type_name in SHOWN}


def _described(roles: dict[str, str]) -> dict[str, dict[str, str]]:
    return {_key(name): {"name": name, "description": description} for name, description in roles.items()}


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")


def _assigned_roles(kind: Kind) -> Router:
    """The roles that one of a kind was given itself: those of its teams are the teams' own."""
    roles = Router()
    listing = Listing(
        {"entity_id": ids("entity_id"), "role_name": word("role_name"), "entity_type_name": word("entity_type_name")},
        sorts=("created_at",),
    )

    def rows(request: ApiRequest, holder_id: UUID):
        return RoleAssignment.objects.filter(**{kind.name: kind.find(request, holder_id)})

    @roles.get("", auth=kind.read, response=WholeList[AssignedRoleOut])
    def list_roles(request: ApiRequest, holder_id: Path[UUID]) -> dict:
        return {"data": listing.rows(request, rows(request, holder_id))}

    @roles.post("", auth=MANAGE_PEOPLE, response={201: AssignedRoleOut})
    def add_role(request: ApiRequest, holder_id: Path[UUID], body: RoleIn) -> RoleAssignment:
        role, is_new = assign_role(
            request.auth.organization.pk, **body.model_dump(), **kind.named(holder_id), **acting(request)
        )
        if not is_new:
            raise Problem(409, "They have this role already")
        return role

    @roles.get("/{role_id}", auth=kind.read, response=AssignedRoleOut)
    def read_role(request: ApiRequest, holder_id: Path[UUID], role_id: UUID) -> RoleAssignment:
        return found(rows(request, holder_id), role_id)

    @roles.delete("/{role_id}", auth=MANAGE_PEOPLE, response={204: None})
    def end_role(request: ApiRequest, holder_id: Path[UUID], role_id: UUID) -> None:
        if not remove_role(request.auth.organization.pk, role_id, **kind.named(holder_id), **acting(request)):
            raise not_found(RoleAssignment)

    return roles


router.add_router("/users/{holder_id}/assigned-roles", _assigned_roles(PERSON))
router.add_router("/teams/{holder_id}/assigned-roles", _assigned_roles(TEAM))
router.add_router("/system-accounts/{holder_id}/assigned-roles", _assigned_roles(SYSTEM_ACCOUNT))
