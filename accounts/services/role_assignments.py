"""Roles of the catalogue, given to people, system accounts and custom teams, and taken away (P4)."""

from uuid import UUID

from django.db import transaction

from accounts.catalogue import CATALOGUE, ENTITIES_KNOWN, EVERYWHERE, ORGANIZATION_WIDE
from accounts.models import Organization, RoleAssignment, Team
from accounts.services.events import Actor, record_event
from accounts.services.holders import Holder, columns_of, hold_holder, ids_of
from accounts.services.teams import PredefinedTeam
from accounts.words import Act, Via
from geos.services import find_control_plane, known_geos


class RoleError(Exception):
    """No role was given; the text says why, worded for people. `field` is what it is about."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def assign_role(
    organization_id: UUID,
    *,
    role_name: str,
    entity_type_name: str,
    entity_id: UUID | None = None,
    entity_region: str = EVERYWHERE,
    user_id: UUID | None = None,
    system_account_id: UUID | None = None,
    team_id: UUID | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> tuple[RoleAssignment, bool]:
    """Give a role for one entity or all of its type, in one geo or all, to one holder; False where they have it.

    A control plane lies in one geo (P11), so for one of them its geo and "*" say the same and what was said first
    stays. Raises RoleError, PredefinedTeam, and DoesNotExist of Organization, User, SystemAccount or Team.
    """
    organization = Organization.objects.hold(organization_id)
    holder = hold_holder(organization, user_id=user_id, system_account_id=system_account_id, team_id=team_id)
    if isinstance(holder, Team) and holder.is_predefined:
        raise PredefinedTeam(holder)
    wanted = RoleAssignment(
        organization=organization,
        role_name=role_name,
        entity_type_name=entity_type_name,
        entity_id=entity_id,
        entity_region=entity_region,
        **columns_of(holder),
    )
    given = _same(wanted, _check(wanted))
    if given is not None:
        return given, False
    wanted.save(force_insert=True)
    _tell(Act.ROLE_ASSIGNED, wanted, holder, actor=actor, via=via, address=address)
    return wanted, True


@transaction.atomic
def remove_role(
    organization_id: UUID,
    id: UUID,
    *,
    user_id: UUID | None = None,
    system_account_id: UUID | None = None,
    team_id: UUID | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> bool:
    """Take a role away from its holder; False where they do not have it (any more).

    Raises DoesNotExist of Organization, User, SystemAccount or Team.
    """
    organization = Organization.objects.hold(organization_id)
    holder = hold_holder(organization, user_id=user_id, system_account_id=system_account_id, team_id=team_id)
    role = RoleAssignment.objects.filter(pk=id, organization=organization, **columns_of(holder)).first()
    if role is None:
        return False
    _tell(Act.ROLE_REMOVED, role, holder, actor=actor, via=via, address=address)
    role.delete()
    return True


def _check(role: RoleAssignment) -> set[str]:
    """Raise RoleError where there is no such role or it cannot be limited so; gives the geos that say the same."""
    type_name = role.entity_type_name
    if type_name not in CATALOGUE:
        raise RoleError(f"There are no roles for {type_name[:100]!r}.", "entity_type_name")
    if role.role_name not in CATALOGUE[type_name]:
        raise RoleError(f"There is no role {role.role_name[:100]!r} for {type_name}.", "role_name")
    if role.entity_region != EVERYWHERE:
        _check_geo(role)
    return {role.entity_region} if role.entity_id is None else _check_entity(role)


def _check_geo(role: RoleAssignment) -> None:
    if role.entity_type_name in ORGANIZATION_WIDE:
        raise RoleError(
            f"{role.entity_type_name} is what all geos share: its roles are given for every geo.", "entity_region"
        )
    if role.entity_region not in known_geos():
        raise RoleError(f"There is no geo {role.entity_region[:100]!r}.", "entity_region")


def _check_entity(role: RoleAssignment) -> set[str]:
    """The entity is a control plane of this organization, of the role's kind and geo, and not being taken down."""
    type_name, region = role.entity_type_name, role.entity_region
    if type_name not in ENTITIES_KNOWN:
        raise RoleError(f"A role for {type_name} is given for all of them, not for a single one.", "entity_id")
    assert role.entity_id is not None
    found = find_control_plane(role.organization_id, role.entity_id)
    if found is None or found.entity_type_name != type_name:
        raise RoleError(f"{role.organization.name} has none with this id among its {type_name}.", "entity_id")
    if region not in (EVERYWHERE, found.geo_id):
        raise RoleError(f"{found.name} is in {found.geo}, so no role for it can be for another geo.", "entity_region")
    return {EVERYWHERE, found.geo_id}


def _same(wanted: RoleAssignment, regions: set[str]) -> RoleAssignment | None:
    return RoleAssignment.objects.filter(
        organization=wanted.organization,
        user=wanted.user,
        system_account=wanted.system_account,
        team=wanted.team,
        role_name=wanted.role_name,
        entity_type_name=wanted.entity_type_name,
        entity_id=wanted.entity_id,
        entity_region__in=regions,
    ).first()


def _tell(act: Act, role: RoleAssignment, holder: Holder, *, actor: Actor, via: Via, address: str | None) -> None:
    record_event(
        act,
        organization_id=role.organization_id,
        actor=actor,
        via=via,
        address=address,
        about=[holder],
        details={
            "role_assignment": str(role.pk),
            **ids_of(holder),
            "role_name": role.role_name,
            "entity_type_name": role.entity_type_name,
            "entity_id": str(role.entity_id) if role.entity_id else None,
            "entity_region": role.entity_region,
        },
    )
