"""Access tokens: made here, shown once, stored as a hash (P5)."""

import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import AccessToken, Membership, Organization, SystemAccount, User
from accounts.services.events import Actor, Told, record_event, record_events
from accounts.words import Act, Via
from konnect_portal.foundation.tokens import new_token

PERSONAL, SYSTEM = "kpat_", "spat_"
SHORTEST, LONGEST = timedelta(days=1), timedelta(days=365)
GRACE = timedelta(minutes=1)
LIVE_AT_MOST = 10
TOLD_BEFORE = (timedelta(days=14), timedelta(days=7), timedelta(days=1), timedelta(0))
NAME = re.compile(r"[^\W_](?:[\w \-.']{0,254}[^\W_])?")
NAME_RULE = "A token's name has 1 to 256 letters, digits, blanks and _ - . ' with a letter or digit at either end."

MADE_ALREADY = (
    "This form was sent before and made its token, whose secret was shown then. "
    "If you have not kept it, revoke that token and make another one."
)


class TokenError(Exception):
    """Nothing changed; the text says why, worded for people. `field` is what it is about, empty where it is none."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def create_token(
    organization_id: UUID,
    *,
    name: str,
    expires_at: datetime,
    actor: Actor | None = None,
    via: Via = Via.COMMAND,
    address: str | None = None,
    user: User | None = None,
    system_account: SystemAccount | None = None,
    id: UUID | None = None,
) -> tuple[AccessToken, str]:
    """Make a token for a member, or else for a system account, of an active organization.

    Returns it with the secret, which is nowhere else. `id` tells one form sent twice from two forms. Raises
    TokenError, and Organization.DoesNotExist where the organization is not active.
    """
    now = timezone.now()
    _check_name(name)
    _check_lifetime(expires_at - now)
    organization = Organization.objects.hold(organization_id)
    if user is not None:
        _check_member(organization, user, now)
    elif system_account is None or system_account.organization_id != organization.pk:
        raise TokenError(f"{organization.name} has no such system account.")
    id = id or uuid4()
    if AccessToken.objects.filter(pk=id).exists():
        raise TokenError(MADE_ALREADY)
    raw, digest = new_token(PERSONAL if user is not None else SYSTEM)
    token = AccessToken.objects.create(
        id=id,
        organization=organization,
        user=user,
        system_account=system_account,
        name=name,
        digest=digest,
        created_at=now,
        expires_at=expires_at,
        next_notice_at=next_notice_at(expires_at, after=now),
    )
    _tell(Act.TOKEN_CREATED, token, actor=actor, via=via, address=address, at=now)
    return token, raw


@transaction.atomic
def revoke_token(organization_id: UUID, id: UUID, *, actor: Actor, via: Via, address: str | None = None) -> bool:
    """End a live token of an active organization for good; False where it had ended already.

    Raises Organization.DoesNotExist where the organization is not active: then its deactivation revoked the token.
    """
    now = timezone.now()
    organization = Organization.objects.hold(organization_id)
    live = AccessToken.objects.live(now).filter(pk=id, organization=organization)
    if not live.update(revoked_at=now, revoked_by_id=actor.pk, updated_at=now):
        return False
    _tell(Act.TOKEN_REVOKED, AccessToken.objects.get(pk=id), actor=actor, via=via, address=address, at=now)
    return True


@transaction.atomic
def rename_token(
    organization_id: UUID, id: UUID, *, name: str, actor: Actor, via: Via, address: str | None = None
) -> AccessToken:
    """Call a token of an active organization something else.

    Raises TokenError, AccessToken.DoesNotExist, Organization.DoesNotExist.
    """
    _check_name(name)
    organization = Organization.objects.hold(organization_id)
    token = AccessToken.objects.get(pk=id, organization=organization)
    if token.name != name:
        token.name = name
        token.save(update_fields=["name", "updated_at"])
        _tell(Act.TOKEN_CHANGED, token, actor=actor, via=via, address=address, at=timezone.now())
    return token


@transaction.atomic
def delete_token(organization_id: UUID, id: UUID, *, actor: Actor, via: Via, address: str | None = None) -> None:
    """End a token, if it has not ended, and forget it: from the commit on it is as one that never was.

    Raises AccessToken.DoesNotExist, Organization.DoesNotExist.
    """
    organization = Organization.objects.hold(organization_id)
    token = AccessToken.objects.get(pk=id, organization=organization)
    _tell(Act.TOKEN_DELETED, token, actor=actor, via=via, address=address, at=timezone.now())
    token.delete()


def revoke_tokens_of(user: User, *, via: Via, at: datetime) -> int:
    """End the person's live tokens for good, in every organization; how many there were.

    The caller holds the person and the organizations. Each organization is told by an event of its own.
    """
    live = list(AccessToken.objects.live(at).filter(user=user))
    AccessToken.objects.filter(pk__in=[token.pk for token in live]).update(revoked_at=at)
    told = [Told(token.organization_id, [token, user], _details(token)) for token in live]
    record_events(Act.TOKEN_REVOKED, told, actor=None, via=via, at=at)
    return len(live)


def next_notice_at(expires_at: datetime, *, after: datetime) -> datetime | None:
    """When the holder is told next that a token ends: 14, 7 and 1 days before, and once it has; None after that."""
    moments = (expires_at - before for before in TOLD_BEFORE)
    return next((moment for moment in moments if moment > after), None)


def _tell(act: Act, token: AccessToken, *, actor: Actor | None, via: Via, address: str | None, at: datetime) -> None:
    holder = token.user or token.system_account
    record_event(
        act,
        organization_id=token.organization_id,
        actor=actor,
        via=via,
        address=address,
        at=at,
        about=[token, *([holder] if holder else [])],
        details=_details(token),
    )


def _details(token: AccessToken) -> dict[str, str]:
    return {"token": str(token.pk), "expires_at": token.expires_at.isoformat()}


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise TokenError(NAME_RULE, "name")


def _check_lifetime(lifetime: timedelta) -> None:
    if not SHORTEST - GRACE <= lifetime <= LONGEST:  # whoever asked for a day asked a moment ago
        raise TokenError("A token is valid for a day at least and 365 days at most.", "expires_at")


def _check_member(organization: Organization, user: User, now: datetime) -> None:
    """The person is held too: closing the account and a tenth token elsewhere have to wait."""
    person = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
    if person is None or not Membership.objects.filter(organization=organization, user=person).exists():
        raise TokenError(f"{user.email} is no member of {organization.name}.")
    if person.access_tokens.live(now).count() >= LIVE_AT_MOST:
        raise TokenError(f"{user.email} has {LIVE_AT_MOST} tokens already. Revoke one first.")
