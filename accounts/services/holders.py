"""Who can be in teams and hold roles: a person, a system account and, of roles, a team (P4)."""

from typing import Any
from uuid import UUID

from accounts.models import Membership, Organization, SystemAccount, Team, User

type Holder = User | SystemAccount | Team


def hold_holder(
    organization: Organization,
    *,
    user_id: UUID | None = None,
    system_account_id: UUID | None = None,
    team_id: UUID | None = None,
) -> Holder:
    """Whoever is named, of this organization, which the caller holds; a person is held too.

    Raises DoesNotExist of User (for whoever is no member or closed their account), SystemAccount or Team.
    """
    if user_id is not None:
        person: User = User.objects.hold(user_id)
        if not Membership.objects.filter(organization=organization, user=person).exists():
            raise User.DoesNotExist
        return person
    if system_account_id is not None:
        return SystemAccount.objects.get(pk=system_account_id, organization=organization)
    assert team_id is not None
    return Team.objects.get(pk=team_id, organization=organization)


def columns_of(holder: Holder) -> dict[str, Any]:
    """The holder as what they hold names them: by one of its columns."""
    match holder:
        case User():
            return {"user": holder}
        case SystemAccount():
            return {"system_account": holder}
    return {"team": holder}


def ids_of(*holders: Holder) -> dict[str, str]:
    """The holders as details of an event name them."""
    return {column: str(holder.pk) for each in holders for column, holder in columns_of(each).items()}
