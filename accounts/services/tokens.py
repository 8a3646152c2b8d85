"""Access tokens: made here, shown once, stored as a hash (P5)."""

import re
import secrets
import string
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import AccessToken, Membership, Organization, SystemAccount, User

PERSONAL, SYSTEM = "kpat_", "spat_"
SECRET_LENGTH = 50
ALPHABET = string.ascii_letters + string.digits
SHORTEST, LONGEST = timedelta(days=1), timedelta(days=365)
GRACE = timedelta(minutes=1)
LIVE_AT_MOST = 10
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _\-.']{0,254}[A-Za-z0-9])?")


class TokenError(Exception):
    """No token was made; the text says why, worded for people."""


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
) -> tuple[AccessToken, str]:
    """Make a token for a member, or else for a system account, of an active organization.

    Returns it with the secret, which is nowhere else. Raises TokenError.
    """
    now = timezone.now()
    _check(name, expires_at - now)
    try:
        organization = Organization.objects.hold(organization_id)
    except Organization.DoesNotExist:
        raise TokenError("There is no active organization with this id.") from None
    if user is not None:
        _check_member(organization, user, now)
    elif system_account is None or system_account.organization_id != organization.pk:
        raise TokenError(f"{organization.name} has no such system account.")
    prefix = PERSONAL if user is not None else SYSTEM
    raw = prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    token = AccessToken.objects.create(
        organization=organization,
        user=user,
        system_account=system_account,
        name=name,
        digest=digest_of(raw),
        created_at=now,
        expires_at=expires_at,
    )
    return token, raw


def _check(name: str, lifetime: timedelta) -> None:
    if not NAME.fullmatch(name):
        raise TokenError(
            "A token's name has 1 to 256 letters, digits, blanks and _ - . ' with a letter or digit at either end."
        )
    if not SHORTEST - GRACE <= lifetime <= LONGEST:  # whoever asked for a day asked a moment ago
        raise TokenError("A token is valid for a day at least and 365 days at most.")


def _check_member(organization: Organization, user: User, now: datetime) -> None:
    """The person is held too: closing the account and a tenth token elsewhere have to wait."""
    person = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
    if person is None or not Membership.objects.filter(organization=organization, user=person).exists():
        raise TokenError(f"{user.email} is no member of {organization.name}.")
    if person.access_tokens.filter(revoked_at__isnull=True, expires_at__gt=now).count() >= LIVE_AT_MOST:
        raise TokenError(f"{user.email} has {LIVE_AT_MOST} tokens already. Revoke one first.")
