"""What members and system accounts may do in an organization: one table, asked in one place (P4).

A predefined team or a role of the catalogue gives permissions. Roles add up, the strongest wins. One limited to a geo
or an entity allows what it allows there only: `has_perm(perm, object)` is asked with the object itself, which says by
`entity_type_name`, `entity_id` and `entity_region` what it is. What stands in no table gives nothing in the portal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model, Q, QuerySet

from accounts.catalogue import (
    AUDIT_LOGS,
    CONTROL_PLANES,
    EVERYWHERE,
    IDENTITY,
    MESH_CONTROL_PLANES,
)
from accounts.models import SystemAccount, User
from accounts.words import ORGANIZATION_ADMIN, State

type Holder = User | SystemAccount

EVERY_MEMBER = frozenset({"accounts.view_organization"})

VIEW_PEOPLE = frozenset({"accounts.view_user", "accounts.view_team", "accounts.view_systemaccount"})
MANAGE_PEOPLE = VIEW_PEOPLE | {"accounts.manage_people", "accounts.add_systemaccount"}

VIEW_CONTROL_PLANE = frozenset({"geos.view_controlplane"})
VIEW_SERVICES = VIEW_CONTROL_PLANE | {"geos.view_gatewayservice"}
VIEW_CONSUMERS = VIEW_CONTROL_PLANE | {"geos.view_consumer"}
CHANGE_SERVICES = VIEW_SERVICES | {"geos.change_gatewayservice"}
CHANGE_CONSUMERS = VIEW_CONSUMERS | {"geos.change_consumer"}
READ_CONTROL_PLANE = VIEW_SERVICES | VIEW_CONSUMERS | {"geos.view_dataplanenode"}
RUN_CONTROL_PLANE = (
    READ_CONTROL_PLANE
    | CHANGE_SERVICES
    | CHANGE_CONSUMERS
    | {
        "geos.change_controlplane",
        "geos.delete_controlplane",
        "geos.view_controlplanecredential",
        "geos.change_controlplanecredential",
    }
)
ADD_CONTROL_PLANE = frozenset({"geos.add_controlplane"})
READ_MESH = VIEW_CONTROL_PLANE | {"geos.view_meshzone"}
RUN_MESH = READ_MESH | {
    "geos.change_controlplane",
    "geos.delete_controlplane",
    "geos.view_controlplanecredential",
    "geos.change_controlplanecredential",
}

ROLE_PERMISSIONS: dict[tuple[str, str], frozenset[str]] = {
    (CONTROL_PLANES, "Admin"): RUN_CONTROL_PLANE | ADD_CONTROL_PLANE,
    (CONTROL_PLANES, "Creator"): ADD_CONTROL_PLANE,
    (CONTROL_PLANES, "Deployer"): CHANGE_SERVICES | CHANGE_CONSUMERS,
    (CONTROL_PLANES, "Gateway Service Admin"): CHANGE_SERVICES,
    (CONTROL_PLANES, "Consumer Admin"): CHANGE_CONSUMERS,
    (CONTROL_PLANES, "Viewer"): READ_CONTROL_PLANE,
    (MESH_CONTROL_PLANES, "Admin"): RUN_MESH | ADD_CONTROL_PLANE,
    (MESH_CONTROL_PLANES, "Creator"): ADD_CONTROL_PLANE,
    (MESH_CONTROL_PLANES, "Viewer"): READ_MESH,
    (IDENTITY, "Admin"): MANAGE_PEOPLE,
    (AUDIT_LOGS, "Admin"): frozenset({"accounts.view_history"}),
}
"""Roles of the catalogue that give something here, by entity type and name."""

READ_EVERYTHING = (
    EVERY_MEMBER
    | VIEW_PEOPLE
    | READ_CONTROL_PLANE
    | READ_MESH
    | {
        "accounts.view_history",
        "billing.view_billing",
        "geos.view_controlplanecredential",
        "licensing.view_license",
    }
)
EVERYTHING = (
    READ_EVERYTHING
    | MANAGE_PEOPLE
    | RUN_CONTROL_PLANE
    | RUN_MESH
    | ADD_CONTROL_PLANE
    | {"accounts.change_organization", "billing.change_plan"}
)
OWNER = EVERYTHING | {"accounts.deactivate_organization", "accounts.transfer_ownership"}

TEAM_PERMISSIONS = {
    ORGANIZATION_ADMIN: EVERYTHING,
    "Organization Admin (Read Only)": READ_EVERYTHING,
}
"""Predefined teams that give more than `EVERY_MEMBER` everywhere."""

TEAM_ROLES = {
    "Control Plane Admin": ((CONTROL_PLANES, "Admin"), (MESH_CONTROL_PLANES, "Admin")),
}
"""Predefined teams that stand for roles of the catalogue."""


@dataclass(frozen=True)
class Role:
    """A role of the catalogue as somebody holds it: for one entity or all of its type, in one geo or all."""

    entity_type_name: str
    role_name: str
    entity_id: str | None = None
    entity_region: str = EVERYWHERE

    @property
    def permissions(self) -> frozenset[str]:
        return ROLE_PERMISSIONS.get((self.entity_type_name, self.role_name), frozenset())

    @property
    def is_limited(self) -> bool:
        return self.entity_id is not None or self.entity_region != EVERYWHERE

    def covers(self, obj: object) -> bool:
        """Whether `obj` is what the role is for. What all geos share is covered by unlimited roles alone (P11)."""
        type_name = getattr(obj, "entity_type_name", None)
        if type_name is None:
            return not self.is_limited
        return (
            type_name == self.entity_type_name
            and self.entity_region in (EVERYWHERE, getattr(obj, "entity_region", None))
            and self.entity_id in (None, str(getattr(obj, "entity_id", None)))
        )

    def rows(self, model: Any) -> Q:
        """Which rows of `model` it covers. The model says by `of_entity` what its rows say by `entity_…`."""
        region = None if self.entity_region == EVERYWHERE else self.entity_region
        condition: Q = model.of_entity(self.entity_type_name, self.entity_id, region)
        return condition


@dataclass(frozen=True)
class Grants:
    """All that somebody may do in one organization."""

    everywhere: frozenset[str] = frozenset()
    roles: tuple[Role, ...] = ()

    def allow(self, perm: str, obj: object) -> bool:
        return perm in self.everywhere or any(perm in role.permissions and role.covers(obj) for role in self.roles)

    def on(self, obj: object) -> frozenset[str]:
        """Every permission that they have on `obj`."""
        return self.everywhere.union(*(role.permissions for role in self.roles if role.covers(obj)))


def allows(holder: Holder, perm: str, obj: object | None = None) -> bool:
    """Whether a member or system account of the active organization that `obj` belongs to has `perm` on it.

    Without object: no.
    """
    organization_id = getattr(obj, "organization_id", None)
    return organization_id is not None and grants_of(holder, organization_id).allow(perm, obj)


def visible[Row: Model](holder: Holder, perm: str, rows: QuerySet[Row], organization_id: UUID) -> QuerySet[Row]:
    """Those of `rows` that are of that organization and that they have `perm` on: one query more, however many."""
    grants = grants_of(holder, organization_id)
    rows = rows.filter(organization=organization_id)
    if perm in grants.everywhere:
        return rows
    covered = (role.rows(rows.model) for role in set(grants.roles) if perm in role.permissions)
    return rows.filter(reduce(or_, covered, Q(pk__in=[])))


def allowed[Thing](holder: Holder, perm: str, things: Iterable[Thing], organization_id: UUID) -> list[Thing]:
    """Those of `things`, all of that organization, that they have `perm` on: one query, however many."""
    grants = grants_of(holder, organization_id)
    return [thing for thing in things if grants.allow(perm, thing)]


# Written by hand because every request asks it: Django takes longer to put it together than it takes to answer.
GRANTS = """
SELECT organization.owner_id, ARRAY(
    SELECT team.name FROM accounts_teammembership AS joined JOIN accounts_team AS team ON team.id = joined.team_id
    WHERE joined.{who} = %(holder)s AND joined.organization_id = organization.id AND team.is_predefined
), ARRAY(
    SELECT ARRAY[role.entity_type_name, role.role_name, role.entity_id::text, role.entity_region]
    FROM accounts_roleassignment AS role
    WHERE role.organization_id = organization.id AND (role.{who} = %(holder)s OR role.team_id IN (
        SELECT team_id FROM accounts_teammembership WHERE {who} = %(holder)s AND organization_id = organization.id
    ))
)
FROM {belonging} AS belonging JOIN accounts_organization AS organization ON organization.id = belonging.organization_id
WHERE belonging.{key} = %(holder)s AND organization.id = %(organization)s AND organization.state = %(active)s
"""
GRANTS_OF_USER = GRANTS.format(who="user_id", belonging="accounts_membership", key="user_id")
GRANTS_OF_SYSTEM_ACCOUNT = GRANTS.format(who="system_account_id", belonging="accounts_systemaccount", key="id")


def grants_of(holder: Holder, organization_id: UUID) -> Grants:
    """What they may do there, in one query: nothing for strangers and while it is not active, all for its owner."""
    asked: dict[str, Any] = {"holder": holder.pk, "organization": organization_id, "active": State.ACTIVE.value}
    with connection.cursor() as cursor:
        cursor.execute(GRANTS_OF_USER if isinstance(holder, User) else GRANTS_OF_SYSTEM_ACCOUNT, asked)
        found = cursor.fetchone()
    if found is None:
        return Grants()
    owner_id, names, assigned = found
    if owner_id == holder.pk:
        return Grants(OWNER)
    return _add_up(names, [Role(*role) for role in assigned])


def _add_up(teams: Iterable[str], assigned: Iterable[Role]) -> Grants:
    teams = list(teams)
    everywhere = EVERY_MEMBER.union(*(TEAM_PERMISSIONS.get(name, frozenset()) for name in teams))
    of_teams = [Role(*role) for name in teams for role in TEAM_ROLES.get(name, ())]
    return Grants(everywhere, (*of_teams, *assigned))
