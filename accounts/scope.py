"""What a deactivation of an organization reaches: read once, by the same queries, for the preview and for the act."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import AccessToken, Invitation, Organization, RoleAssignment, TeamMembership, User
from accounts.words import ORGANIZATION_ADMIN
from billing.services import BillingStop, billing_to_stop
from geos.services import ControlPlaneSummary, control_planes_to_decommission
from konnect_portal.foundation.addresses import normalize_address
from licensing.services import live_licenses


@dataclass
class Scope:
    """All that a deactivation of one organization ends, decommissions, removes and locks (P40 to P47)."""

    addresses: list[str]
    billing: BillingStop = field(default_factory=BillingStop)
    control_planes: list[ControlPlaneSummary] = field(default_factory=list)
    licenses: list[UUID] = field(default_factory=list)
    team_memberships: list[TeamMembership] = field(default_factory=list)
    role_assignments: list[RoleAssignment] = field(default_factory=list)
    tokens: list[UUID] = field(default_factory=list)
    invitations: list[UUID] = field(default_factory=list)

    @property
    def nodes(self) -> int:
        return sum(control_plane.nodes for control_plane in self.control_planes)

    @property
    def zones(self) -> int:
        return sum(control_plane.zones for control_plane in self.control_planes)

    @property
    def people(self) -> list[UUID]:
        """Those who lose a team or a role, each once."""
        return sorted({row.user_id for row in self._losses() if row.user_id})

    @property
    def system_accounts(self) -> list[UUID]:
        return sorted({row.system_account_id for row in self._losses() if row.system_account_id})

    @property
    def admins(self) -> list[User]:
        """The people in Organization Admin whose account is open: who is told (P49)."""
        rows = (row for row in self.team_memberships if row.team.is_predefined and row.team.name == ORGANIZATION_ADMIN)
        return [row.user for row in rows if row.user is not None and row.user.is_active]

    def ids(self) -> dict[str, list[UUID]]:
        """By kind, the id of each thing that ends, is decommissioned, removed or lapses."""
        return {
            "subscriptions": [subscription.pk for subscription in self.billing.subscriptions],
            "draft_invoices": self.billing.draft_invoices,
            "charges": self.billing.charges,
            "free_credits": self.billing.free_credits,
            "paid_credits": self.billing.paid_credits,
            "control_planes": [control_plane.id for control_plane in self.control_planes],
            "licenses": self.licenses,
            "people": self.people,
            "system_accounts": self.system_accounts,
            "teams": sorted({row.team_id for row in self.team_memberships}),
            "team_memberships": [row.pk for row in self.team_memberships],
            "role_assignments": [row.pk for row in self.role_assignments],
            "tokens": self.tokens,
            "invitations": self.invitations,
        }

    def counts(self) -> dict[str, int]:
        """What the preview shows and the event repeats (P71)."""
        return {kind: len(ids) for kind, ids in self.ids().items()} | {
            "addresses": len(self.addresses),
            "nodes_left_running": self.nodes,
            "zones_left_running": self.zones,
        }

    def _losses(self) -> Iterable[TeamMembership | RoleAssignment]:
        yield from self.team_memberships
        yield from self.role_assignments


def scopes_of(organizations: Collection[Organization], *, at: datetime, lock: bool = False) -> dict[UUID, Scope]:
    """The scope of each organization, in a number of statements that does not depend on how many there are.

    With `lock` (the organizations are held already) the rows stay as they are read until the commit.
    """
    ids = [organization.pk for organization in organizations]
    scopes = {organization.pk: Scope(addresses_of(organization)) for organization in organizations}
    for id, billing in billing_to_stop(ids, at=at, lock=lock).items():
        scopes[id].billing = billing
    for id, control_planes in control_planes_to_decommission(ids, lock=lock).items():
        scopes[id].control_planes = control_planes
    for id, licenses in live_licenses(ids, lock=lock).items():
        scopes[id].licenses = licenses
    for team_membership in _held(TeamMembership.objects.select_related("team", "user", "system_account"), ids, lock):
        scopes[team_membership.organization_id].team_memberships.append(team_membership)
    for role in _held(
        RoleAssignment.objects.filter(team__isnull=True).select_related("user", "system_account"), ids, lock
    ):
        scopes[role.organization_id].role_assignments.append(role)
    for id, tokens in _ids(AccessToken.objects.live(at), ids, lock).items():
        scopes[id].tokens = tokens
    for id, invitations in _ids(Invitation.objects.waiting(), ids, lock).items():
        scopes[id].invitations = invitations
    return scopes


def addresses_of(organization: Organization) -> list[str]:
    """The addresses that a deactivation locks: contact, and the owner's where it differs (P45)."""
    return sorted({normalize_address(organization.contact_email), organization.owner.email})


def _held[Row: (TeamMembership, RoleAssignment, AccessToken, Invitation)](
    rows: QuerySet[Row], ids: Collection[UUID], lock: bool
) -> QuerySet[Row]:
    rows = rows.filter(organization_id__in=ids).order_by("organization_id", "pk")
    return rows.select_for_update(of=("self",)) if lock else rows


def _ids[Row: (AccessToken, Invitation)](
    rows: QuerySet[Row], ids: Collection[UUID], lock: bool
) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for organization_id, pk in _held(rows, ids, lock).values_list("organization_id", "pk"):
        found[organization_id].append(pk)
    return found
