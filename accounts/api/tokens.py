"""Access tokens of people and of system accounts: shown once, when they are made (P5)."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from accounts.api.calls import (
    EVERY_HOLDER,
    MANAGE_PEOPLE,
    MANAGE_SYSTEM_ACCOUNTS,
    READ_SYSTEM_ACCOUNTS,
    ApiRequest,
    acting,
)
from accounts.api.kinds import SYSTEM_ACCOUNT, is_own
from accounts.models import AccessToken
from accounts.services.tokens import LONGEST, SHORTEST, create_token, delete_token, rename_token, revoke_token
from konnect_portal.foundation.api import Moment, found
from konnect_portal.foundation.bodies import Body, MomentIn
from konnect_portal.foundation.listing import FlatPage, Listing, Page, text
from konnect_portal.foundation.problems import Problem, invalid

LISTING = Listing({"name": text("name")})

router = Router()


class TokenOut(Schema):
    id: UUID
    name: str
    created_at: Moment
    updated_at: Moment
    last_used_at: Moment | None
    expires_at: Moment


class PersonalTokenOut(TokenOut):
    user_id: UUID
    state: str
    revoked_by: UUID | None
    revoked_at: Moment | None

    @staticmethod
    def resolve_state(token: AccessToken) -> str:
        if token.revoked_at is not None:
            return "REVOKED"
        return "ACTIVE" if token.expires_at > timezone.now() else "EXPIRED"

    @staticmethod
    def resolve_revoked_by(token: AccessToken) -> UUID | None:
        return token.revoked_by_id


class NewPersonalTokenOut(PersonalTokenOut):
    konnect_token: str


class NewTokenOut(TokenOut):
    token: str


class PersonalTokenIn(Body):
    name: str
    ttl_seconds: Annotated[int, Field(strict=True, ge=SHORTEST.total_seconds(), le=LONGEST.total_seconds())] | None = (
        None
    )
    expires_at: MomentIn | None = None

    @property
    def moment(self) -> datetime:
        """When it is to expire: said by either property, the second one from times past."""
        if self.ttl_seconds is not None and self.expires_at is None:
            return timezone.now() + timedelta(seconds=self.ttl_seconds)
        if self.expires_at is not None and self.ttl_seconds is None:
            return self.expires_at
        raise invalid("ttl_seconds", "give either ttl_seconds or expires_at", "required")


class TokenIn(Body):
    name: str
    expires_at: MomentIn


class TokenNameIn(Body):
    name: str


@router.get("/users/{user_id}/access-tokens", auth=EVERY_HOLDER, response=FlatPage[PersonalTokenOut])
def list_personal_tokens(request: ApiRequest, user_id: UUID) -> dict:
    return LISTING.flat_page(request, _of_person(request, user_id))


@router.post("/users/{user_id}/access-tokens", auth=EVERY_HOLDER, response={201: NewPersonalTokenOut})
def add_personal_token(request: ApiRequest, user_id: UUID, body: PersonalTokenIn) -> AccessToken:
    _own_only(request, user_id)
    return _make(request, "konnect_token", body.name, body.moment, user=request.auth.user)


@router.get("/users/{user_id}/access-tokens/{token_id}", auth=EVERY_HOLDER, response=PersonalTokenOut)
def read_personal_token(request: ApiRequest, user_id: UUID, token_id: UUID) -> AccessToken:
    return found(_of_person(request, user_id), token_id)


@router.patch("/users/{user_id}/access-tokens/{token_id}", auth=EVERY_HOLDER, response=PersonalTokenOut)
def rename_personal_token(request: ApiRequest, user_id: UUID, token_id: UUID, body: TokenNameIn) -> AccessToken:
    _own_only(request, user_id)
    return _rename(request, _of_person(request, user_id), token_id, body.name)


@router.delete("/users/{user_id}/access-tokens/{token_id}", auth=EVERY_HOLDER, response={204: None})
def delete_personal_token(request: ApiRequest, user_id: UUID, token_id: UUID) -> None:
    _own_only(request, user_id)
    _delete(request, _of_person(request, user_id), token_id)


@router.patch("/users/{user_id}/access-tokens/{token_id}/revoke", auth=EVERY_HOLDER, response=PersonalTokenOut)
def revoke_personal_token(request: ApiRequest, user_id: UUID, token_id: UUID) -> AccessToken:
    """One's own, or another's by whoever manages people. What has ended already stays as it is."""
    rows = _of_person(request, user_id)
    token = found(rows, token_id)
    revoke_token(request.auth.organization.pk, token.pk, **acting(request))
    return found(rows, token_id)


@router.get("/system-accounts/{account_id}/access-tokens", auth=READ_SYSTEM_ACCOUNTS, response=Page[TokenOut])
def list_tokens(request: ApiRequest, account_id: UUID) -> dict:
    return LISTING.page(request, _of_account(request, account_id))


@router.post("/system-accounts/{account_id}/access-tokens", auth=MANAGE_SYSTEM_ACCOUNTS, response={201: NewTokenOut})
def add_token(request: ApiRequest, account_id: UUID, body: TokenIn) -> AccessToken:
    account = SYSTEM_ACCOUNT.find(request, account_id)
    return _make(request, "token", body.name, body.expires_at, system_account=account)


@router.get("/system-accounts/{account_id}/access-tokens/{token_id}", auth=READ_SYSTEM_ACCOUNTS, response=TokenOut)
def read_token(request: ApiRequest, account_id: UUID, token_id: UUID) -> AccessToken:
    return found(_of_account(request, account_id), token_id)


@router.patch("/system-accounts/{account_id}/access-tokens/{token_id}", auth=MANAGE_SYSTEM_ACCOUNTS, response=TokenOut)
def edit_token(request: ApiRequest, account_id: UUID, token_id: UUID, body: TokenNameIn) -> AccessToken:
    return _rename(request, _of_account(request, account_id), token_id, body.name)


@router.delete(
    "/system-accounts/{account_id}/access-tokens/{token_id}", auth=MANAGE_SYSTEM_ACCOUNTS, response={204: None}
)
def end_token(request: ApiRequest, account_id: UUID, token_id: UUID) -> None:
    _delete(request, _of_account(request, account_id), token_id)


def _of_person(request: ApiRequest, user_id: UUID) -> QuerySet[AccessToken]:
    """Those for this organization of a person: their own, or another's for whoever manages people."""
    is_own(request, user_id, MANAGE_PEOPLE)
    return AccessToken.objects.filter(organization=request.auth.organization, user=user_id)


def _own_only(request: ApiRequest, user_id: UUID) -> None:
    if not is_own(request, user_id, MANAGE_PEOPLE):
        raise Problem(403, "A personal token is made, renamed and deleted by the person alone; others can revoke it")


def _of_account(request: ApiRequest, account_id: UUID) -> QuerySet[AccessToken]:
    return AccessToken.objects.filter(system_account=SYSTEM_ACCOUNT.find(request, account_id))


def _make(request: ApiRequest, shown_as: str, name: str, expires_at: datetime, **holder: Any) -> AccessToken:
    """The token with its secret, which this answer alone shows."""
    token, secret = create_token(
        request.auth.organization.pk, name=name, expires_at=expires_at, **holder, **acting(request)
    )
    setattr(token, shown_as, secret)
    return token


def _rename(request: ApiRequest, rows: QuerySet[AccessToken], id: UUID, name: str) -> AccessToken:
    token = found(rows, id)
    return rename_token(request.auth.organization.pk, token.pk, name=name, **acting(request))


def _delete(request: ApiRequest, rows: QuerySet[AccessToken], id: UUID) -> None:
    delete_token(request.auth.organization.pk, found(rows, id).pk, **acting(request))
