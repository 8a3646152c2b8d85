"""What an act of the lifecycle will change, shown before it by the act's own queries, with a digest of it."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.conf import settings

from accounts.models import AccessToken, EmailLock, Membership, Organization, User
from accounts.scope import Scope, scopes_of
from accounts.services.people import Return, people_to_restore
from accounts.words import State
from billing.models import Plan
from billing.services import plans
from geos.models import ControlPlane
from geos.services import ControlPlaneSummary, control_planes_of


@dataclass
class DeactivationPreview:
    """What deactivating an organization would change at `at` (P71). `digest` changes when anything of it does."""

    organization: Organization
    at: datetime
    plan: Plan
    scope: Scope

    @cached_property
    def counts(self) -> dict[str, int]:
        return self.scope.counts()

    @cached_property
    def digest(self) -> str:
        return digest_of([self.scope])

    @property
    def purge_at(self) -> datetime:
        """Until when it could be reactivated (P55)."""
        return self.at + timedelta(days=settings.RETENTION_DAYS)

    @cached_property
    def geos(self) -> list[str]:
        return sorted({control_plane.geo for control_plane in self.scope.control_planes})

    @cached_property
    def addresses(self) -> list[tuple[str, int]]:
        """Each address that will be locked, with the number of other active organizations whose member has it."""
        memberships = Membership.objects.filter(
            user__email__in=self.scope.addresses, organization__state="active"
        ).exclude(organization=self.organization)
        emails = list(memberships.values_list("user__email", flat=True))
        return [(address, emails.count(address)) for address in self.scope.addresses]


@dataclass
class ReactivationPreview:
    """What reactivating an organization would bring back at `at`, and what is gone (P51, P52, P71)."""

    organization: Organization
    at: datetime
    returning: list[ControlPlaneSummary]
    gone: list[ControlPlaneSummary]
    locks: list[EmailLock]
    people: Return
    ended_subscriptions: int
    revoked_tokens: int

    @property
    def needs_owner(self) -> bool:
        """Whether another member has to be named, since the owner's account is closed (P53)."""
        return not self.organization.owner.is_active

    @cached_property
    def counts(self) -> dict[str, int]:
        return {
            "control_planes": len(self.returning),
            "control_planes_gone": len(self.gone),
            "locks": len(self.locks),
            "people": len(self.people.people),
            "team_memberships": len(self.people.team_memberships),
            "role_assignments": len(self.people.role_assignments),
            "subscriptions_gone": self.ended_subscriptions,
            "tokens_gone": self.revoked_tokens,
        }

    @cached_property
    def digest(self) -> str:
        return _digest(
            [
                str(self.organization.deactivation_event_id),
                sorted(str(control_plane.id) for control_plane in self.returning),
                sorted(str(lock.pk) for lock in self.locks),
                self.counts,
                sorted(self.people.gone),
            ]
        )


@dataclass
class Closing:
    """What closing a person's account reaches: `owned` needs a choice each, `left` and `ended` only lose a member."""

    person: User
    owned: list[Organization] = field(default_factory=list)
    left: list[Organization] = field(default_factory=list)
    ended: list[Organization] = field(default_factory=list)
    """Deactivated before, and owned: they stay as they are."""

    @property
    def organizations(self) -> list[Organization]:
        return [*self.owned, *self.left, *self.ended]

    @cached_property
    def digest(self) -> str:
        """Differs as soon as the person owns, joins or leaves another organization, or one changes its state."""
        return _digest([sorted(str(each.pk) for each in some) for some in (self.owned, self.left, self.ended)])


def deactivation_of(organization: Organization, *, at: datetime) -> DeactivationPreview:
    """What deactivating an active organization would change now."""
    [preview] = deactivations_of([organization], at=at)
    return preview


def deactivations_of(
    organizations: Collection[Organization], *, at: datetime, lock: bool = False
) -> list[DeactivationPreview]:
    """What deactivating each would change now, in a fixed number of statements; `lock` as in `scopes_of`."""
    scopes = scopes_of(organizations, at=at, lock=lock)
    on_plan = plans(list(scopes), at=at)
    return [
        DeactivationPreview(organization, at, on_plan[organization.pk], scopes[organization.pk])
        for organization in organizations
    ]


def reactivation_of(organization: Organization, *, at: datetime) -> ReactivationPreview:
    """What reactivating an inactive organization would bring back now."""
    states = [ControlPlane.State.DECOMMISSIONING, ControlPlane.State.DECOMMISSIONED]
    control_planes = control_planes_of([organization.pk], states=states).get(organization.pk, [])
    event_id = organization.deactivation_event_id
    return ReactivationPreview(
        organization=organization,
        at=at,
        returning=[row for row in control_planes if row.can_return],
        gone=[row for row in control_planes if not row.can_return and row.requested_at == organization.deactivated_at],
        locks=list(EmailLock.objects.live().filter(organization=organization)),
        people=people_to_restore(organization.pk, event_id),
        ended_subscriptions=_ended_subscriptions(organization),
        revoked_tokens=AccessToken.objects.filter(organization=organization, deactivation_event_id=event_id).count(),
    )


def closing_of(person: User) -> Closing:
    """What closing the account would reach now, by name."""
    closing = Closing(person)
    ids = {
        *Membership.objects.filter(user=person).values_list("organization", flat=True),
        *Organization.objects.inactive().filter(owner=person).values_list("pk", flat=True),
    }
    for organization in Organization.objects.filter(pk__in=ids).prefetch_related("owner").order_by("name", "pk"):
        if organization.owner_id != person.pk:
            closing.left.append(organization)
        elif organization.state == State.ACTIVE:
            closing.owned.append(organization)
        else:
            closing.ended.append(organization)
    return closing


def digest_of(scopes: Iterable[Scope]) -> str:
    """A digest of all that deactivating would change: it differs as soon as anything of it does (habit 4)."""
    return _digest([[scope.ids(), scope.addresses, scope.counts()] for scope in scopes])


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, default=_text, sort_keys=True).encode()).hexdigest()


def _text(value: object) -> str:
    assert isinstance(value, UUID)
    return str(value)


def _ended_subscriptions(organization: Organization) -> int:
    return organization.subscriptions.filter(ended_at=organization.deactivated_at).count()
