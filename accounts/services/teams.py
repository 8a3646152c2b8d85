"""Teams and who is in them (P2, P4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import Organization, RoleAssignment, Team, TeamMembership, User
from accounts.services.events import Actor, record_event
from accounts.services.holders import Holder, columns_of, hold_holder, ids_of
from accounts.words import ORGANIZATION_ADMIN, Act, Via
from konnect_portal.foundation.labels import LabelError, check_labels

LONGEST = 250


class TeamError(Exception):
    """Nothing changed; the text says why, worded for people. `field` is what it is about."""

    def __init__(self, text: str, field: str = "name") -> None:
        super().__init__(text)
        self.field = field


class PredefinedTeam(TeamError):
    """A predefined team is neither edited nor deleted nor given roles (P4)."""

    def __init__(self, team: Team) -> None:
        super().__init__(
            f"{team.name} is a predefined team: people come and go, the team itself stays as it is.", "id"
        )


def join_organization_admin(organization: Organization, user: User) -> None:
    """Put a member into Organization Admin, where they are not yet. The caller holds the organization."""
    team = Team.objects.get(organization=organization, name=ORGANIZATION_ADMIN, is_predefined=True)
    TeamMembership.objects.get_or_create(organization=organization, team=team, user=user)


def admins_of(organization_ids: Iterable[UUID]) -> dict[UUID, list[User]]:
    """The people in Organization Admin of each organization."""
    found: dict[UUID, list[User]] = defaultdict(list)
    teams = {"team__name": ORGANIZATION_ADMIN, "team__is_predefined": True}
    rows = TeamMembership.objects.filter(organization__in=organization_ids, user__isnull=False, **teams)
    for row in rows.select_related("user"):
        assert row.user is not None
        found[row.organization_id].append(row.user)
    return found


@transaction.atomic
def create_team(
    organization_id: UUID,
    *,
    name: str,
    description: str = "",
    labels: Mapping[str, str] | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
    id: UUID | None = None,
) -> Team:
    """Make a custom team in an active organization: nobody is in it and it has no role yet (P4).

    One form sent twice, told by `id`, gives the one it made. Raises TeamError, and Organization.DoesNotExist where the
    organization is not active.
    """
    made = Team(id=id or uuid4(), name=name, description=description, labels=dict(labels or {}))
    _check(made)
    made.organization = organization = Organization.objects.hold(organization_id)
    namesake = Team.objects.filter(organization=organization, name=name).first()
    if namesake is not None and namesake.pk == made.pk:
        return namesake
    if namesake is not None or Team.objects.filter(pk=made.pk).exists():
        raise _taken(organization)
    made.save(force_insert=True)
    _tell(Act.TEAM_CREATED, made, actor=actor, via=via, address=address)
    return made


@transaction.atomic
def change_team(
    organization_id: UUID,
    team_id: UUID,
    *,
    name: str | None = None,
    description: str | None = None,
    labels: Mapping[str, str] | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> Team:
    """Give a custom team another name, description or set of labels; None leaves it as it is.

    Raises TeamError, PredefinedTeam, Team.DoesNotExist, Organization.DoesNotExist.
    """
    organization = Organization.objects.hold(organization_id)
    team = _find_custom(organization, team_id)
    wanted = {"name": name, "description": description, "labels": labels}
    changes = {field: value for field, value in wanted.items() if value not in (None, getattr(team, field))}
    if not changes:
        return team
    for field, value in changes.items():
        setattr(team, field, value)
    _check(team)
    if Team.objects.filter(organization=organization, name=team.name).exclude(pk=team.pk).exists():
        raise _taken(organization)
    team.save(update_fields=[*changes, "updated_at"])
    _tell(Act.TEAM_CHANGED, team, actor=actor, via=via, address=address, changed=sorted(changes))
    return team


@transaction.atomic
def delete_team(organization_id: UUID, team_id: UUID, *, actor: Actor, via: Via, address: str | None = None) -> None:
    """End a custom team: whoever is in it is no more, and its roles are gone.

    Raises PredefinedTeam, Team.DoesNotExist, Organization.DoesNotExist.
    """
    team = _find_custom(Organization.objects.hold(organization_id), team_id)
    counts = {
        "team_memberships": TeamMembership.objects.filter(team=team).delete()[0],
        "role_assignments": RoleAssignment.objects.filter(team=team).delete()[0],
    }
    _tell(Act.TEAM_DELETED, team, actor=actor, via=via, address=address, counts=counts)
    team.delete()


@transaction.atomic
def add_to_team(
    organization_id: UUID,
    team_id: UUID,
    *,
    user_id: UUID | None = None,
    system_account_id: UUID | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> bool:
    """Put a member, or else a system account, into a team; False where they are in it already.

    Raises DoesNotExist of Organization, Team, User or SystemAccount.
    """
    organization = Organization.objects.hold(organization_id)
    team = Team.objects.get(pk=team_id, organization=organization)
    who = hold_holder(organization, user_id=user_id, system_account_id=system_account_id)
    named = columns_of(who)
    _, is_new = TeamMembership.objects.get_or_create(organization=organization, team=team, **named)
    if is_new:
        _tell(Act.TEAM_JOINED, team, who, actor=actor, via=via, address=address)
    return is_new


@transaction.atomic
def remove_from_team(
    organization_id: UUID,
    team_id: UUID,
    *,
    user_id: UUID | None = None,
    system_account_id: UUID | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> bool:
    """Take a member, or else a system account, out of a team; False where they are not in it.

    The owner stays in Organization Admin (P2): TeamError. Raises DoesNotExist of Organization, Team, User or
    SystemAccount.
    """
    organization = Organization.objects.hold(organization_id)
    team = Team.objects.get(pk=team_id, organization=organization)
    who = hold_holder(organization, user_id=user_id, system_account_id=system_account_id)
    if who.pk == organization.owner_id and is_organization_admin(team):
        raise TeamError(f"{who} owns {organization.name} and stays in {team.name} as long as they do.", "user_id")
    gone, _ = TeamMembership.objects.filter(team=team, **columns_of(who)).delete()
    if gone:
        _tell(Act.TEAM_LEFT, team, who, actor=actor, via=via, address=address)
    return bool(gone)


def is_organization_admin(team: Team) -> bool:
    return team.is_predefined and team.name == ORGANIZATION_ADMIN


def _check(team: Team) -> None:
    if not team.name.strip() or len(team.name) > LONGEST or "\x00" in team.name:
        raise TeamError(f"A team's name has 1 to {LONGEST} characters.")
    if len(team.description) > LONGEST or "\x00" in team.description:
        raise TeamError(f"A team's description has {LONGEST} characters at most.", "description")
    try:
        check_labels(team.labels)
    except LabelError as error:
        raise TeamError(str(error), error.field) from None


def _find_custom(organization: Organization, id: UUID) -> Team:
    team = Team.objects.get(pk=id, organization=organization)
    if team.is_predefined:
        raise PredefinedTeam(team)
    return team


def _taken(organization: Organization) -> TeamError:
    return TeamError(f"{organization.name} has a team by this name already. Choose another name.")


def _tell(act: Act, team: Team, *whom: Holder, actor: Actor, via: Via, address: str | None, **details: object) -> None:
    record_event(
        act,
        organization_id=team.organization_id,
        actor=actor,
        via=via,
        address=address,
        about=[*whom, team],
        details={**ids_of(team, *whom), **details},
    )
