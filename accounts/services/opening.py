"""What every new organization needs of accounts, whether it signs up or is imported."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from accounts.models import Team, User
from accounts.words import PREDEFINED_TEAMS


def make_predefined_teams(organization_ids: Iterable[UUID]) -> dict[tuple[UUID, str], UUID]:
    """Give each organization its eight teams (P4); gives the teams' ids by organization and name."""
    teams = Team.objects.bulk_create(
        Team(organization_id=organization_id, name=name, description=description, is_predefined=True)
        for organization_id in organization_ids
        for name, description in PREDEFINED_TEAMS.items()
    )
    return {(team.organization_id, team.name): team.pk for team in teams}


def open_accounts(names: Mapping[str, str], *, at: datetime) -> dict[str, UUID]:
    """Give each of the proven addresses, in the form of P1, the id of its person.

    Whoever is new gets an account by that name and no password. Whoever is known stays as they are. Addresses are
    taken in order, so that two that do this at once wait for each other and never both wait.
    """
    new = [
        User(email=email, full_name=names[email], password=make_password(None), created_at=at)
        for email in sorted(names)
    ]
    User.objects.bulk_create(new, ignore_conflicts=True)
    ids = dict(User.objects.filter(email__in=names).values_list("email", "pk"))
    EmailAddress.objects.bulk_create(
        EmailAddress(user_id=user.pk, email=user.email, verified=True, primary=True)
        for user in new
        if ids[user.email] == user.pk
    )
    return ids
