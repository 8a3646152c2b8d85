"""A line on its way into the database: what the file tells, with the ids its rows refer to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID, uuid4

from django.conf import settings

from accounts.importing.lines import MemberLine, OrganizationLine
from accounts.models import Organization
from accounts.words import ORGANIZATION_ADMIN, Reason, State
from billing.services import NewSubscription
from geos.services import NewControlPlane


@dataclass(frozen=True)
class Opening:
    """One organization about to be written. An inactive line's event has `event_id`."""

    line: OrganizationLine
    at: datetime
    people: dict[str, UUID]
    event_id: UUID = field(default_factory=uuid4)

    @property
    def id(self) -> UUID:
        return self.line.id

    @property
    def opened_at(self) -> datetime:
        """When it was opened; a clock that goes ahead may put that a little later than now."""
        return min(self.line.created_at, self.at)

    @property
    def ended_at(self) -> datetime | None:
        """When all that it had ended: at the import, where the line is inactive."""
        return None if self.line.is_active else self.at

    @cached_property
    def organization(self) -> Organization:
        line = self.line
        organization = Organization(
            id=line.id,
            name=line.name,
            contact_email=line.email,
            owner_id=self.people[line.owner_email],
            created_at=line.created_at,
            reactivated_at=line.reactivated_at,
            last_login_at=line.last_login_at,
            import_digest=line.digest,
        )
        if line.is_active:
            organization.inactive_at = line.last_seen_at + timedelta(days=settings.INACTIVITY_DAYS)
        else:
            self._mark_inactive(organization)
        return organization

    @cached_property
    def subscription(self) -> NewSubscription | None:
        """That of the plan; None on Free. An inactive line's ends at the import, unless it is over already (P41)."""
        line = self.line
        if line.plan == "free":
            return None
        is_over = line.trial_ends_at is not None and line.trial_ends_at <= self.at
        return NewSubscription(
            id=uuid4(),
            organization_id=line.id,
            plan=line.plan,
            starts_at=self.opened_at,
            anchor_at=line.billing_anchor_at,
            billed_from=self.at,
            trial_ends_at=line.trial_ends_at,
            ended_at=None if is_over else self.ended_at,
        )

    @cached_property
    def control_planes(self) -> list[NewControlPlane]:
        return [
            NewControlPlane(
                id=uuid4(),
                organization_id=self.line.id,
                geo=told.geo,
                kind=told.kind,
                name=told.name,
                created_at=self.opened_at,
                nodes=told.nodes,
                services=told.services,
                zones=told.zones or 0,
                decommissioned_at=self.ended_at,
            )
            for told in self.line.control_planes
        ]

    def team_names(self, member: MemberLine) -> list[str]:
        """Each once; an active organization's owner is in Organization Admin whatever the file says (P2)."""
        owns = self.line.is_active and member.email == self.line.owner_email
        return sorted({*member.teams, ORGANIZATION_ADMIN} if owns else set(member.teams))

    def _mark_inactive(self, organization: Organization) -> None:
        organization.state = State.INACTIVE
        organization.deactivated_at = self.at
        organization.deactivation_reason = Reason.IMPORTED
        organization.deactivation_event_id = self.event_id
        organization.purge_at = self.at + timedelta(days=settings.RETENTION_DAYS)


def names_of(lines: Sequence[OrganizationLine]) -> dict[str, str]:
    """Everybody's name by address; of a person in two lines the first line's (docs/export-format.md)."""
    names: dict[str, str] = {}
    for line in lines:
        for member in line.members:
            names.setdefault(member.email, member.full_name)
    return names
