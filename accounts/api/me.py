"""What the API tells of people and organizations, in Konnect's shapes: docs/konnect-shapes.md."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema

from accounts.access import Access
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


class ApiRequest(HttpRequest):
    """A request that the door has let in."""

    auth: Access


@router.get("/organizations/me", response=OrganizationOut)
def read_organization(request: ApiRequest) -> Organization:
    """The organization that the token was made for."""
    return request.auth.organization


@router.get("/users/me", response=UserOut)
def read_user(request: ApiRequest) -> User:
    """The person whose token it is; a system account is no person."""
    if request.auth.user is None:
        raise Problem(403, "This resource is for personal access tokens only")
    return request.auth.user
