"""Access tokens: made here, shown once, stored as a hash (P5)."""

import re
import secrets
import string
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import AccessToken, Membership, Organization, SystemAccount, User

PERSONAL, SYSTEM = "kpat_", "spat_"
SECRET_LENGTH = 50
ALPHABET = string.ascii_letters + string.digits
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
    """No token or system account was made; the text says why, worded for people."""


def digest_of(raw: str) -> bytes:
    return sha256(raw.encode()).digest()


@transaction.atomic
def create_token(
    organization_id: UUID,
    *,
    name: str,
    expires_at: datetime,
    user: User | None = None,
    system_account: SystemAccount | None = None,
    id: UUID | None = None,
) -> tuple[AccessToken, str]:
    """Make a token for a member, or else for a system account, of an active organization.

    Returns it with the secret, which is nowhere else. `id` tells one form sent twice from two forms. Raises
    TokenError, and Organization.DoesNotExist where the organization is not active.
    """
    now = timezone.now()
    _check(name, expires_at - now)
    organization = Organization.objects.hold(organization_id)
    if user is not None:
        _check_member(organization, user, now)
    elif system_account is None or system_account.organization_id != organization.pk:
        raise TokenError(f"{organization.name} has no such system account.")
    id = id or uuid4()
    if AccessToken.objects.filter(pk=id).exists():
        raise TokenError(MADE_ALREADY)
    prefix = PERSONAL if user is not None else SYSTEM
    raw = prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    token = AccessToken.objects.create(
        id=id,
        organization=organization,
        user=user,
        system_account=system_account,
        name=name,
        digest=digest_of(raw),
        created_at=now,
        expires_at=expires_at,
        next_notice_at=next_notice_at(expires_at, after=now),
    )
    return token, raw


@transaction.atomic
def revoke_token(organization_id: UUID, id: UUID, *, by: User) -> bool:
    """End a live token of an active organization for good; False where it had ended already.

    Raises Organization.DoesNotExist where the organization is not active: then its deactivation revoked the token.
    """
    now = timezone.now()
    organization = Organization.objects.hold(organization_id)
    live = AccessToken.objects.live(now).filter(pk=id, organization=organization)
    return bool(live.update(revoked_at=now, revoked_by_id=by.pk))


@transaction.atomic
def create_system_account(
    organization_id: UUID, *, name: str, description: str, id: UUID | None = None
) -> SystemAccount:
    """Make an account for a machine in an active organization: no team, no role, no token yet.

    One form sent twice, told by `id`, gives the one it made. Raises TokenError where the name is taken, and
    Organization.DoesNotExist where the organization is not active.
    """
    id = id or uuid4()
    organization = Organization.objects.hold(organization_id)
    namesake = SystemAccount.objects.filter(organization=organization, name=name).first()
    if namesake is not None and namesake.pk == id:
        return namesake
    if namesake is not None or SystemAccount.objects.filter(pk=id).exists():
        raise TokenError(f"{organization.name} has a system account by this name already. Choose another name.")
    return SystemAccount.objects.create(id=id, organization=organization, name=name, description=description)


def next_notice_at(expires_at: datetime, *, after: datetime) -> datetime | None:
    """When the holder is told next that a token ends: 14, 7 and 1 days before, and once it has; None after that."""
    moments = (expires_at - before for before in TOLD_BEFORE)
    return next((moment for moment in moments if moment > after), None)


def _check(name: str, lifetime: timedelta) -> None:
    if not NAME.fullmatch(name):
        raise TokenError(NAME_RULE)
    if not SHORTEST - GRACE <= lifetime <= LONGEST:  # whoever asked for a day asked a moment ago
        raise TokenError("A token is valid for a day at least and 365 days at most.")


def _check_member(organization: Organization, user: User, now: datetime) -> None:
    """The person is held too: closing the account and a tenth token elsewhere have to wait."""
    person = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
    if person is None or not Membership.objects.filter(organization=organization, user=person).exists():
        raise TokenError(f"{user.email} is no member of {organization.name}.")
    if person.access_tokens.live(now).count() >= LIVE_AT_MOST:
        raise TokenError(f"{user.email} has {LIVE_AT_MOST} tokens already. Revoke one first.")
