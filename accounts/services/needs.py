"""What of a person's own needs their attention, for the home of an organization."""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.utils import is_mfa_enabled
from django.template.defaultfilters import date
from django.urls import reverse

from accounts.models import AccessToken, Invitation, Organization, User
from accounts.services.tokens import TOLD_BEFORE

SHOWN_AT_MOST = 5


@dataclass(frozen=True)
class Need:
    """One thing to see to: what it is, and where it is done, if that is a page here."""

    text: str
    url: str = ""
    action: str = ""


def needs_of(user: User, organization: Organization, *, at: datetime) -> list[Need]:
    """Invitations that wait, a second factor that is missing, tokens that expire within 14 days: each by name."""
    return [*_invitations(user, at), *_second_factor(user), *_tokens(user, organization, at)]


def _invitations(user: User, at: datetime) -> list[Need]:
    waiting = Invitation.objects.open(at).active().filter(email=user.email).order_by("expires_at")
    names = waiting.values_list("organization__name", flat=True)[:SHOWN_AT_MOST]
    return [Need(f"{name} has invited you. The link is in the mail to {user.email}.") for name in names]


def _second_factor(user: User) -> list[Need]:
    if is_mfa_enabled(user):
        return []
    text = "Your account has no second factor: whoever learns your password can sign in as you."
    return [Need(text, "/account/", "Set up a second factor")]


def _tokens(user: User, organization: Organization, at: datetime) -> list[Need]:
    soon = AccessToken.objects.live(at).filter(
        organization=organization, user=user, expires_at__lte=at + max(TOLD_BEFORE)
    )
    rows = soon.order_by("expires_at")[:SHOWN_AT_MOST]
    return [
        Need(
            f"Your token {token.name} expires on {date(token.expires_at, 'j M Y')}.",
            reverse("personal_tokens"),
            "See tokens",
        )
        for token in rows
    ]
