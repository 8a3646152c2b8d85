"""What the demo needs: the sample, moved to today, and staff to sign in as. Nothing of it is used elsewhere.

The demo's secrets are derived from its own SECRET_KEY, so that every start can tell them again.
"""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import IO, Any

from allauth.account.models import EmailAddress
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from accounts import inactivity
from accounts.demo_customers import CUSTOMERS
from accounts.inactivity import Standing
from accounts.models import CheckRun, InactivityNotice, User
from accounts.words import Tier

SAMPLE = settings.BASE_DIR / "konnect_portal" / "development" / "sample" / "organizations.jsonl"
SAMPLE_MOMENT = datetime(2026, 11, 20, 3, tzinfo=UTC)
"""The latest facts of the sample are of this moment."""

STAFF = {
    Tier.LEAD: ("lead@portal.example", "Lena Lead"),
    Tier.AGENT: ("agent@portal.example", "Amir Agent"),
    Tier.VIEWER: ("viewer@portal.example", "Vera Viewer"),
    Tier.ADMINISTRATOR: ("administrator@portal.example", "Ada Administrator"),
}

TIME_TO_TYPE = 10
LEFT_TO_THE_FIRST_CHECK = timedelta(days=10)

MOMENTS = (
    "created_at",
    "trial_ends_at",
    "billing_anchor_at",
    "plan_changed_at",
    "reactivated_at",
    "last_api_request_at",
    "last_login_at",
)


def write_shifted_sample(to: IO[bytes], *, at: datetime) -> None:
    """Write the sample as if its latest facts were of `at`: every moment by the same time, days by whole days."""
    with SAMPLE.open(encoding="utf-8") as lines:
        for line in lines:
            to.write(json.dumps(_shifted(json.loads(line), at - SAMPLE_MOMENT)).encode() + b"\n")


@transaction.atomic
def make_staff() -> None:
    """Make one member of staff for each tier, with the demo's password and second factor, where not there yet."""
    for tier, (email, name) in STAFF.items():
        if not User.objects.of_address(email).exists():
            user = User.objects.create_user(email, password(), full_name=name, is_staff=True)
            user.groups.add(Group.objects.get(name=tier.value))
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            TOTP.activate(user, totp_secret())


@transaction.atomic
def make_notices(*, at: datetime) -> None:
    """As if notices had gone out and been accepted for weeks.

    Whoever is due at `at` was told in time, and whoever will be has been told so far. Those who have 10 days or more
    are left to the first check, so that its mails can be read.
    """
    question = inactivity.ask(at, kind=CheckRun.Kind.NOTIFY)
    for standings in inactivity.standings_in_sets(question):
        told = [standing for standing in standings if standing.is_due]
        InactivityNotice.objects.bulk_create(notice for standing in told for notice in _notices_until(at, standing))


def _notices_until(at: datetime, standing: Standing) -> Iterator[InactivityNotice]:
    announced_at = max(standing.inactive_by_activity, at - timedelta(hours=1))
    for days_before, _ in InactivityNotice.DAYS_BEFORE:
        sent_at = announced_at - timedelta(days=days_before)
        if announced_at < at + LEFT_TO_THE_FIRST_CHECK and sent_at <= at:
            yield InactivityNotice(
                organization=standing.organization,
                inactive_at=standing.inactive_by_activity,
                announced_at=announced_at,
                days_before=days_before,
                created_at=sent_at,
                accepted_at=sent_at,
            )


def password() -> str:
    return "Demo-" + "-".join(f"{byte:02x}" for byte in _derived("password")[:5])


def totp_secret() -> str:
    return base64.b32encode(_derived("second factor")[:20]).decode()


def totp_code() -> str:
    """The six digits that an authenticator with the demo's secret shows now.

    Near the end of their time it waits for the next ones, so that there are 10 seconds left to type them.
    """
    left = mfa_settings.TOTP_PERIOD - time.time() % mfa_settings.TOTP_PERIOD
    if left < TIME_TO_TYPE:
        time.sleep(left)
    return format_hotp_value(hotp_value(totp_secret(), int(time.time()) // mfa_settings.TOTP_PERIOD))


def sign_ins() -> Iterator[str]:
    """How a person signs in to the demo, a line at a time."""
    yield "Sign in at /admin/ as"
    for tier, (email, _name) in STAFF.items():
        yield f"  {tier.label:<13} {email}"
    yield "  Code          `make code` prints the six digits of the moment; for an authenticator:"
    yield f"                otpauth://totp/Konnect%20Portal%20demo?secret={totp_secret()}&issuer=Konnect%20Portal"
    yield "Sign in at /login/ as the owner of"
    for customer in CUSTOMERS:
        yield f"  {customer.name:<18}{customer.email:<26}{customer.story}"
    yield f"  Password      {password()}, the same for all"


def _derived(purpose: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"demo {purpose}".encode(), "sha256").digest()


def _shifted(value: Any, by: timedelta, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shifted(each, by, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_shifted(each, by) for each in value]
    if name in MOMENTS and value is not None:
        return (datetime.fromisoformat(value) + by).isoformat()
    if name == "day":
        return (date.fromisoformat(value) + timedelta(days=by.days)).isoformat()
    return value
