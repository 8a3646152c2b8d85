"""People, teams and system accounts: how each is shown and asked for, and whose they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from ninja import Schema

from accounts.api.calls import READ_PEOPLE, READ_SYSTEM_ACCOUNTS, READ_TEAMS, ApiRequest
from accounts.models import Organization, SystemAccount, Team, User
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.api import BearerToken, Moment, found
from konnect_portal.foundation.listing import Listing, Page, ids, labels, text, truth


class UserOut(Schema):
    id: UUID
    email: str
    full_name: str
    preferred_name: str
    active: bool
    created_at: Moment
    updated_at: Moment

    @staticmethod
    def resolve_active(user: User) -> bool:
        return user.is_active


class TeamOut(Schema):
    id: UUID
    name: str
    description: str | None
    system_team: bool
    labels: dict[str, str]
    created_at: Moment
    updated_at: Moment

    @staticmethod
    def resolve_description(team: Team) -> str | None:
        return team.description or None

    @staticmethod
    def resolve_system_team(team: Team) -> bool:
        return team.is_predefined


class SystemAccountOut(Schema):
    id: UUID
    name: str
    description: str
    konnect_managed: bool
    created_at: Moment
    updated_at: Moment


@dataclass(frozen=True)
class Kind:
    """`name` is the column of whatever names one, and with `_id` the argument of the services that act on one."""

    name: str
    of: Callable[[Organization], QuerySet]
    page: type[Schema]
    listing: Listing
    read: BearerToken

    def find(self, request: ApiRequest, id: UUID) -> Any:
        return found(self.of(request.auth.organization), id)

    def named(self, id: UUID) -> dict[str, Any]:
        return {f"{self.name}_id": id}


PERSON = Kind(
    "user",
    lambda organization: User.objects.filter(memberships__organization=organization),
    Page[UserOut],
    Listing(
        {
            "id": ids("id"),
            "email": text("email", normalize_address),
            "full_name": text("full_name"),
            "active": truth("is_active"),
        }
    ),
    READ_PEOPLE,
)
TEAM = Kind(
    "team",
    lambda organization: Team.objects.filter(organization=organization),
    Page[TeamOut],
    Listing({"name": text("name")}, {"labels": labels("labels")}),
    READ_TEAMS,
)
SYSTEM_ACCOUNT = Kind(
    "system_account",
    lambda organization: SystemAccount.objects.filter(organization=organization),
    Page[SystemAccountOut],
    Listing({"name": text("name"), "description": text("description"), "konnect_managed": truth("konnect_managed")}),
    READ_SYSTEM_ACCOUNTS,
)


def is_own(request: ApiRequest, user_id: UUID, others: BearerToken) -> bool:
    """Whether they call for what is their own. For another member's it takes the permission of `others`.

    Raises Problem where they do not have it (403) and where there is no such member (404).
    """
    if request.auth.user is not None and request.auth.user.pk == user_id:
        return True
    others.check(request.auth)
    PERSON.find(request, user_id)
    return False
