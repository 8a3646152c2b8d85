"""What every call of the identity API has in common: who may make it, who acts, how services' refusals are told."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest

from accounts.access import Access
from accounts.models import Organization
from accounts.services.members import MemberError
from accounts.services.role_assignments import RoleError
from accounts.services.system_accounts import SystemAccountError
from accounts.services.teams import PredefinedTeam, TeamError
from accounts.services.tokens import TokenError
from accounts.words import Via
from konnect_portal.foundation.api import BearerToken
from konnect_portal.foundation.problems import Problem, invalid

EVERY_HOLDER = BearerToken(None)
READ_PEOPLE = BearerToken("accounts.view_user")
READ_TEAMS = BearerToken("accounts.view_team")
READ_SYSTEM_ACCOUNTS = BearerToken("accounts.view_systemaccount")
MANAGE_PEOPLE = BearerToken("accounts.manage_people")
MANAGE_SYSTEM_ACCOUNTS = BearerToken("accounts.add_systemaccount")

type Refusal = MemberError | RoleError | SystemAccountError | TeamError | TokenError
REFUSALS = (MemberError, RoleError, SystemAccountError, TeamError, TokenError)


class ApiRequest(HttpRequest):
    """A request that the door has let in."""

    auth: Access


def acting(request: ApiRequest) -> dict[str, Any]:
    """`actor`, `via` and `address` of whoever calls, as services take them."""
    return {"actor": request.auth.holder, "via": Via.API, "address": get_adapter().get_client_ip(request)}


def telling_refusals(operation: Callable) -> Callable:
    """Answer what a service refuses, and that something or the organization itself was gone when it acted."""

    @wraps(operation)
    def run(request: ApiRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return operation(request, *args, **kwargs)
        except Organization.DoesNotExist:
            raise request.auth.refusal() from None
        except ObjectDoesNotExist:
            raise Problem(404) from None
        except REFUSALS as refusal:
            raise _problem_of(refusal) from None

    return run


def _problem_of(refusal: Refusal) -> Problem:
    if isinstance(refusal, PredefinedTeam):
        sentence = {"field": "teamID", "reason": "system teams cannot be modified"}
        return Problem(400, invalid_parameters=[sentence])
    is_taken = isinstance(refusal, SystemAccountError) and refusal.field == "name"
    if is_taken or not refusal.field:
        return Problem(409, str(refusal))
    return invalid(refusal.field, str(refusal), "is_label" if refusal.field.startswith("labels.") else "invalid")
