"""Teams and who is in them (P2, P4)."""

from accounts.models import Organization, Team, TeamMembership, User
from accounts.words import ORGANIZATION_ADMIN


def join_organization_admin(organization: Organization, user: User) -> None:
    """Put a member into Organization Admin, where they are not yet. The caller holds the organization."""
    team = Team.objects.get(organization=organization, name=ORGANIZATION_ADMIN, is_predefined=True)
    TeamMembership.objects.get_or_create(organization=organization, team=team, user=user)
