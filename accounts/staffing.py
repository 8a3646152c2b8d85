"""Staff accounts: made from the command line, opened by a single-use link (P70)."""

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User
from accounts.words import Tier
from konnect_portal.foundation.addresses import normalize_address


class NotStaff(Exception):
    """The address is a customer's, who cannot be staff (P1); the text says so."""


@transaction.atomic
def create_staff(email: str, tier: Tier) -> tuple[User, bool]:
    """Give the address a staff account of `tier` without a password; also whether anything changed.

    An account that exists keeps its password and second factor and is moved to `tier`.
    """
    address = normalize_address(email)
    user, created = User.objects.get_or_create(
        email=address, defaults={"is_staff": True, "password": make_password(None)}
    )
    if not user.is_staff:
        raise NotStaff(f"{address} is a customer's address. Staff need an address of their own.")
    changed = created or user.tier != tier
    user.groups.set([Group.objects.get(name=tier.value)])
    return user, changed


def welcome_link(user: User) -> str:
    """Where the person chooses the first password: works once, for `PASSWORD_RESET_TIMEOUT` seconds."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin:welcome", args=[uid, default_token_generator.make_token(user)])
    return settings.PUBLIC_URL.rstrip("/") + path
