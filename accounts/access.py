"""The door: the one place that decides who gets into which organization, by token or by session (P5, P40).

Whoever belongs to a deactivated organization is told the reason and where support is; a stranger gets the answer for
an id that does not exist.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest
from django.template.defaultfilters import date
from django.utils import timezone

from accounts import roles
from accounts.models import AccessToken, Membership, Organization, SystemAccount, User
from accounts.models.organizations import OrganizationQuerySet
from accounts.services.logins import record_login
from accounts.services.tokens import PERSONAL, SYSTEM
from accounts.words import State
from billing.services import cycle_of, record_api_requests
from konnect_portal.foundation.problems import Problem
from konnect_portal.foundation.tokens import SECRET_LENGTH, digest_of

RAW_TOKEN = re.compile(rf"(?:{PERSONAL}|{SYSTEM})[A-Za-z0-9]{{{SECRET_LENGTH},200}}")
USE_RECORDED_EVERY = timedelta(minutes=5)
SESSION_KEY = "organization"
DAY = "j M Y"


class SignedInRequest(HttpRequest):
    """A request of somebody signed in."""

    user: User


class OrganizationRequest(SignedInRequest):
    """A request of a member who has entered an organization."""

    organization: Organization


@dataclass(frozen=True)
class Access:
    """Whom a token let into which organization: a person or a system account."""

    organization: Organization
    token: AccessToken

    @property
    def user(self) -> User | None:
        return self.token.user

    @property
    def system_account(self) -> SystemAccount | None:
        return self.token.system_account

    @property
    def holder(self) -> User | SystemAccount:
        """Whose token it is."""
        holder = self.user or self.system_account
        assert holder is not None
        return holder

    def has_perm(self, perm: str, obj: object) -> bool:
        """Whether the holder may do this with `obj`, which has to be of the token's organization (P5)."""
        if getattr(obj, "organization_id", None) != self.organization.pk:
            return False
        return roles.allows(self.holder, perm, obj)

    def visible[Row: Model](self, perm: str, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those of `rows` of the token's organization with which the holder may do this."""
        return roles.visible(self.holder, perm, rows, self.organization.pk)

    def refusal(self) -> Problem:
        """What to answer where the organization could not be held: it was deactivated between the door and the act."""
        organization = Organization.objects.get(pk=self.organization.pk)
        return OrganizationDeactivated(organization) if organization.state == State.INACTIVE else Problem(401)


class OrganizationDeactivated(Problem):
    """What those are told who belong to a deactivated organization."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        super().__init__(
            403,
            f"{organization.name} was deactivated on {date(organization.deactivated_at, DAY)} because "
            f"{organization.reason_sentence}. Your account and your other organizations are not affected. "
            f"To bring it back before {date(organization.purge_at, DAY)}, write to support: {settings.SUPPORT_URL}",
        )


def open_by_token(raw: str) -> Access:
    """Let in whoever holds a live token. Problem 401, or OrganizationDeactivated where the deactivation revoked it."""
    now = timezone.now()
    token = _find_token(raw)
    if token is None or not token.holder_belongs:
        raise Problem(401)
    organization = token.organization
    if _ended_by_deactivation(token):
        raise OrganizationDeactivated(organization)
    if organization.state != State.ACTIVE or token.revoked_at is not None or token.expires_at <= now:
        raise Problem(401)
    try:
        _record_use(token, now)
    except Organization.DoesNotExist:
        return open_by_token(raw)  # deactivated since it was read: asked again, the door says so
    return Access(organization, token)


def _find_token(raw: str) -> Any:
    """The token with all that the decision needs (`holder_belongs`, `anchor`, `last_request`), in one query, or None.

    What can be no token asks nothing.
    """
    if not RAW_TOKEN.fullmatch(raw):
        return None
    is_member = Exists(Membership.objects.filter(organization=OuterRef("organization"), user=OuterRef("user")))
    return (
        AccessToken.objects.select_related("organization", "user", "system_account")
        .annotate(
            holder_belongs=Q(system_account__isnull=False) | Q(is_member, user__is_active=True),
            anchor=F("organization__billing_account__anchor_at"),
            last_request=F("organization__billing_account__last_api_request_at"),
        )
        .filter(digest=digest_of(raw))
        .first()
    )


def _ended_by_deactivation(token: Any) -> bool:
    """It was good until the deactivation that the organization is still in: only live tokens are revoked by one."""
    organization = token.organization
    return organization.state == State.INACTIVE and token.deactivation_event_id == organization.deactivation_event_id


def _record_use(token: Any, at: datetime) -> None:
    """A call with a token is an API request of the organization (P61), written where its cycle has none yet.

    `inactive_at` stays as it is: a request only moves the exact moment away from that lower bound.
    """
    if token.last_request is None or cycle_of(token.anchor, at) > cycle_of(token.anchor, token.last_request):
        _record_first_request(token.organization_id, at)
    if token.last_used_at is None or token.last_used_at <= at - USE_RECORDED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=at)


@transaction.atomic
def _record_first_request(organization_id: UUID, at: datetime) -> None:
    """Hold the organization, so that a check about to deactivate it either sees this request or comes first (P65)."""
    Organization.objects.hold(organization_id)
    record_api_requests({organization_id: at}, at=at)


def enter_organization(request: SignedInRequest, organization_id: UUID) -> Organization:
    """Begin a session of the signed-in person in an organization, which counts as a login into it (P5).

    Http404 for an id that does not exist and to strangers, OrganizationDeactivated to members.
    """
    now = timezone.now()
    try:
        organization = record_login(organization_id, request.user, now)
    except (Organization.DoesNotExist, Membership.DoesNotExist):
        raise refusal(request.user, organization_id) from None
    moment = int(now.timestamp())
    request.session[SESSION_KEY] = {"id": str(organization_id), "entered_at": moment, "used_at": moment}
    return organization


def enter_only_organization(request: SignedInRequest) -> Organization | None:
    """For whoever has just signed in and can enter one organization only: straight in. None otherwise (P5)."""
    ids = list(organizations_of(request.user).active().values_list("pk", flat=True)[:2])
    if len(ids) != 1:
        return None
    try:
        return enter_organization(request, ids[0])
    except (Http404, OrganizationDeactivated):  # since it was read: the switcher says so
        return None


def leave_organization(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def organization_of(request: HttpRequest) -> Organization | None:
    """The organization this session works in: None where it never entered one, was away too long or is no member now.

    OrganizationDeactivated where its member is asking for a deactivated one.
    """
    stay = request.session.get(SESSION_KEY)
    if stay is None or not request.user.is_authenticated:
        return None
    now = int(timezone.now().timestamp())
    organization = None if _is_over(stay, now) else organizations_of(request.user).filter(pk=stay["id"]).first()
    if organization is None:
        leave_organization(request)
        return None
    if organization.state != State.ACTIVE:
        raise OrganizationDeactivated(organization)
    if now - stay["used_at"] >= USE_RECORDED_EVERY.total_seconds():
        request.session[SESSION_KEY] = stay | {"used_at": now}
    return organization


def _is_over(stay: dict, now: int) -> bool:
    """12 hours idle, 7 days at most; within 5 minutes idle time is not measured (P5)."""
    idle, whole = now - stay["used_at"], now - stay["entered_at"]
    return idle > settings.ORGANIZATION_IDLE_HOURS * 3600 or whole > settings.ORGANIZATION_SESSION_DAYS * 86400


def organizations_of(user: User) -> OrganizationQuerySet:
    """The organizations that a person may know of: purged ones are as if they had never been."""
    return Organization.objects.filter(state__in=[State.ACTIVE, State.INACTIVE], memberships__user=user)


def refusal(user: User, organization_id: UUID) -> Exception:
    """Why there is no way into it: Http404 to strangers, OrganizationDeactivated to members."""
    organization = organizations_of(user).filter(pk=organization_id).first()
    return Http404() if organization is None else OrganizationDeactivated(organization)
