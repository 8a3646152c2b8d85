"""Letting everyone go from an organization's teams and roles, and bringing them back (P44, P52)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from accounts.models import (
    EventSubject,
    LifecycleEvent,
    RoleAssignment,
    SystemAccount,
    Team,
    TeamMembership,
    User,
)
from accounts.scope import Scope
from geos.models import ControlPlane
from geos.services import control_planes_of

ROLE_FIELDS = ("role_name", "entity_type_name", "entity_id", "entity_region")


def release_people(scopes: Iterable[Scope]) -> None:
    """Take people and system accounts out of all teams and roles (P44). Accounts, memberships and teams stay."""
    scopes = list(scopes)
    TeamMembership.objects.filter(pk__in=[row.pk for scope in scopes for row in scope.team_memberships]).delete()
    RoleAssignment.objects.filter(pk__in=[row.pk for scope in scopes for row in scope.role_assignments]).delete()


def snapshot(event: LifecycleEvent, scope: Scope) -> list[EventSubject]:
    """Who loses which teams and roles, so that they can be restored as they were (P52)."""
    subjects: dict[UUID, EventSubject] = {}
    rows: list[TeamMembership | RoleAssignment] = [*scope.team_memberships, *scope.role_assignments]
    for row in rows:
        who = row.user or row.system_account
        assert who is not None
        subject = subjects.get(who.pk) or subjects.setdefault(who.pk, _subject(event, who))
        if isinstance(row, TeamMembership):
            subject.had["teams"].append(str(row.team_id))
        else:
            subject.had["roles"].append(_role(row))
    return [subjects[id] for id in sorted(subjects)]


@dataclass
class Return:
    """What restoring people brings back, and what it can't, each with the reason (P52)."""

    team_memberships: list[TeamMembership] = field(default_factory=list)
    role_assignments: list[RoleAssignment] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def people(self) -> set[UUID]:
        rows: list[TeamMembership | RoleAssignment] = [*self.team_memberships, *self.role_assignments]
        return {id for row in rows if (id := row.user_id or row.system_account_id)}


def people_to_restore(organization_id: UUID, event_id: UUID | None) -> Return:
    """What of the snapshot of a deactivation can return now: open accounts, existing teams, living control planes."""
    found = Return()
    subjects = list(EventSubject.objects.filter(event_id=event_id, subject_id__isnull=False).exclude(had={}))
    open_subjects = _open_subjects(organization_id, subjects)
    teams = set(Team.objects.filter(organization_id=organization_id).values_list("pk", flat=True))
    control_planes = _control_planes_left(organization_id)
    for subject in subjects:
        if subject.subject_id not in open_subjects:
            found.gone.append(f"{subject}: the account is closed or no longer a member")
            continue
        _restore_teams(found, organization_id, subject, teams)
        _restore_roles(found, organization_id, subject, control_planes)
    return found


def restore_people(organization_id: UUID, event_id: UUID | None) -> Return:
    """Put people and system accounts back into their teams and roles (P52). The caller holds the organization."""
    found = people_to_restore(organization_id, event_id)
    TeamMembership.objects.bulk_create(found.team_memberships, ignore_conflicts=True)
    RoleAssignment.objects.bulk_create(found.role_assignments, ignore_conflicts=True)
    return found


def _subject(event: LifecycleEvent, who: User | SystemAccount) -> EventSubject:
    part = EventSubject.Part.MEMBER if isinstance(who, User) else EventSubject.Part.SYSTEM_ACCOUNT
    name, address = (who.full_name, who.email) if isinstance(who, User) else (who.name, "")
    had: dict[str, list] = {"teams": [], "roles": []}
    return EventSubject(event_id=event.pk, part=part, subject_id=who.pk, name=name, address=address, had=had)


def _role(role: RoleAssignment) -> dict[str, str | None]:
    return {name: str(value) if (value := getattr(role, name)) is not None else None for name in ROLE_FIELDS}


def _open_subjects(organization_id: UUID, subjects: Collection[EventSubject]) -> set[UUID]:
    """Members with an open account, the owner, who is a member again by then (P50), and system accounts."""
    ids = [subject.subject_id for subject in subjects if subject.subject_id]
    people = User.objects.filter(
        Q(memberships__organization=organization_id) | Q(owned_organizations=organization_id),
        pk__in=ids,
        is_active=True,
    )
    robots = SystemAccount.objects.filter(organization_id=organization_id, pk__in=ids)
    return {*people.values_list("pk", flat=True), *robots.values_list("pk", flat=True)}


def _control_planes_left(organization_id: UUID) -> set[str]:
    """Those that are active, or come back because their taking down has not begun (P51)."""
    states = [ControlPlane.State.ACTIVE, ControlPlane.State.DECOMMISSIONING]
    rows = control_planes_of([organization_id], states=states).get(organization_id, [])
    return {str(row.id) for row in rows if row.state == ControlPlane.State.ACTIVE or row.can_return}


def _owner_of(subject: EventSubject) -> dict[str, UUID | None]:
    is_person = subject.part == EventSubject.Part.MEMBER
    return {"user_id" if is_person else "system_account_id": subject.subject_id}


def _restore_teams(found: Return, organization_id: UUID, subject: EventSubject, teams: set[UUID]) -> None:
    for team_id in map(UUID, subject.had.get("teams", [])):
        if team_id in teams:
            row = TeamMembership(organization_id=organization_id, team_id=team_id, **_owner_of(subject))
            found.team_memberships.append(row)
        else:
            found.gone.append(f"{subject}: a team that was deleted")


def _restore_roles(found: Return, organization_id: UUID, subject: EventSubject, control_planes: set[str]) -> None:
    for role in subject.had.get("roles", []):
        if _is_there(role, control_planes):
            found.role_assignments.append(
                RoleAssignment(organization_id=organization_id, **role, **_owner_of(subject))
            )
        else:
            found.gone.append(f"{subject}: {role['role_name']} of a control plane that is gone")


def _is_there(role: dict[str, str | None], control_planes: set[str]) -> bool:
    is_of_control_plane = role["entity_type_name"] in ("Control Planes", "Mesh Control Planes")
    return role["entity_id"] is None or not is_of_control_plane or role["entity_id"] in control_planes
