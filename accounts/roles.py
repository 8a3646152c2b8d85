"""What members may do in an organization: a Konnect team -> permissions, one table (P4)."""

from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import Membership, TeamMembership, User
from accounts.words import ORGANIZATION_ADMIN, State

EVERY_MEMBER = frozenset({"accounts.view_organization"})
READ_EVERYTHING = EVERY_MEMBER | {"accounts.view_user", "accounts.view_systemaccount", "billing.view_subscription"}
EVERYTHING = READ_EVERYTHING | {"accounts.add_systemaccount"}
TEAM_PERMISSIONS = {
    ORGANIZATION_ADMIN: EVERYTHING,
    "Organization Admin (Read Only)": READ_EVERYTHING,
}
"""Teams that give a member more than `EVERY_MEMBER`."""


def allows(user: User, perm: str, obj: object | None = None) -> bool:
    """Whether a member of the active organization that `obj` belongs to has `perm` in it. Without object: no."""
    organization_id = getattr(obj, "organization_id", None)
    return organization_id is not None and perm in permissions_of(user, organization_id)


def permissions_of(user: User, organization_id: UUID) -> frozenset[str]:
    """What the person may do there: nothing for strangers and while it is not active, everything for its owner."""
    teams = TeamMembership.objects.filter(
        user=OuterRef("user"), organization=OuterRef("organization"), team__is_predefined=True
    )
    member = Membership.objects.filter(user=user, organization=organization_id, organization__state=State.ACTIVE)
    found = member.values_list("organization__owner_id", ArraySubquery(teams.values("team__name"))).first()
    if found is None:
        return frozenset()
    owner_id, names = found
    if owner_id == user.pk:
        return EVERYTHING
    return EVERY_MEMBER.union(*(TEAM_PERMISSIONS.get(name, frozenset()) for name in names))
