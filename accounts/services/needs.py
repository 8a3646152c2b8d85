"""What needs a person's attention, of their own and of the organization's, for the home of an organization."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.utils import is_mfa_enabled
from django.template.defaultfilters import date
from django.urls import reverse

from accounts.models import AccessToken, Invitation, Organization, User
from accounts.services.recovery import waiting_for
from accounts.services.tokens import TOLD_BEFORE
from billing.services import Standing, payment_need

SHOWN_AT_MOST = 5
DAY = "j M Y"


@dataclass(frozen=True)
class Need:
    """One thing to see to: what to do, why, and the page where it is done, if there is one here."""

    action: str
    text: str
    url: str = ""


def needs_of(
    user: User, organization: Organization, *, may: Collection[str], standing: Standing, at: datetime
) -> list[Need]:
    """A replacement that waits, invitations, the payment method, a second factor, tokens that expire: each by name."""
    return [
        *_recovery(user),
        *_invitations(user, at),
        *(_payment(organization, standing, at) if "billing.change_plan" in may else ()),
        *_second_factor(user),
        *_tokens(user, organization, at),
    ]


def _recovery(user: User) -> list[Need]:
    recovery = waiting_for(user)
    if recovery is None:
        return []
    return [Need(f"Did you ask support to {recovery.wish}?", "If not, stop it.", reverse("waiting_recovery"))]


def _invitations(user: User, at: datetime) -> list[Need]:
    waiting = Invitation.objects.open(at).active().filter(email=user.email).order_by("expires_at")
    rows = waiting.values_list("organization__name", "expires_at")[:SHOWN_AT_MOST]
    return [
        Need(f"Join {name}", f"The link is in the mail to {user.email}. It is good until {date(expires_at, DAY)}.")
        for name, expires_at in rows
    ]


def _payment(organization: Organization, standing: Standing, at: datetime) -> list[Need]:
    """A trial about to end without a payment method, or one that was refused."""
    why = payment_need(organization.pk, standing, at=at)
    return [Need("See to the payment method", why, reverse("plan"))] if why else []


def _second_factor(user: User) -> list[Need]:
    if is_mfa_enabled(user):
        return []
    return [Need("Set up a second factor", "Your password alone signs in as you.", reverse("mfa_index"))]


def _tokens(user: User, organization: Organization, at: datetime) -> list[Need]:
    soon = AccessToken.objects.live(at).filter(
        organization=organization, user=user, expires_at__lte=at + max(TOLD_BEFORE)
    )
    return [
        Need(
            f"Replace your token {token.name}",
            f"The API refuses it from {date(token.expires_at, DAY)} on.",
            reverse("personal_tokens"),
        )
        for token in soon.order_by("expires_at")[:SHOWN_AT_MOST]
    ]
