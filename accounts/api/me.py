"""What a token tells of the organization that it was made for and of whose it is."""

from uuid import UUID

from django.conf import settings
from ninja import Router, Schema

from accounts.api.calls import EVERY_HOLDER, ApiRequest
from accounts.api.kinds import UserOut
from accounts.models import Organization, User
from konnect_portal.foundation.api import Moment
from konnect_portal.foundation.problems import Problem

router = Router()


class OrganizationOut(Schema):
    id: UUID
    name: str
    owner_id: UUID
    login_path: str
    state: str
    retention_period_days: int
    created_at: Moment
    updated_at: Moment

    @staticmethod
    def resolve_login_path(organization: Organization) -> str:
        return organization.login_path or ""

    @staticmethod
    def resolve_retention_period_days(organization: Organization) -> int:
        return settings.RETENTION_DAYS


@router.get("/organizations/me", auth=EVERY_HOLDER, response=OrganizationOut)
def read_organization(request: ApiRequest) -> Organization:
    return request.auth.organization


@router.get("/users/me", auth=EVERY_HOLDER, response=UserOut)
def read_me(request: ApiRequest) -> User:
    """The person whose token it is; a system account is no person."""
    if request.auth.user is None:
        raise Problem(403, "This resource is for personal access tokens only")
    return request.auth.user
