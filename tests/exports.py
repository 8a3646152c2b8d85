"""Lines of an organization export (docs/export-format.md) to test with."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from accounts.models import Exemption
from billing.models import BillingAccount, Plan
from django.utils import timezone
from tests import factories

SAMPLE = Path(__file__).parent.parent / "konnect_portal" / "development" / "sample"


def line(name: str, *, now: datetime, **fields) -> dict:
    """An organization on Free, made 400 days ago, whose owner and one more member never logged in."""
    return {
        "id": str(uuid4()),
        "name": name,
        "email": "owner@acme.example",
        "owner_email": "owner@acme.example",
        "created_at": now - timedelta(days=400),
        "state": "active",
        "home_geo": "us",
        "plan": "free",
        "trial_ends_at": None,
        "billing_anchor_at": now - timedelta(days=400),
        "plan_changed_at": None,
        "reactivated_at": None,
        "never_deactivate": False,
        "last_api_request_at": None,
        "members": [member("owner@acme.example", "Organization Admin"), member("member@acme.example")],
        "control_planes": [],
        "usage": [],
    } | fields


def member(email: str, *teams: str, last_login_at: datetime | None = None) -> dict:
    return {"email": email, "full_name": email, "teams": list(teams), "last_login_at": last_login_at}


def shifted(value, by: timedelta):
    """The same line or list with every moment moved by whole seconds, days of usage left where they are."""
    if isinstance(value, dict):
        return {key: shifted(each, by) for key, each in value.items()}
    if isinstance(value, list):
        return [shifted(each, by) for each in value]
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        return datetime.fromisoformat(value) + by
    return value


def sample_lines(by: timedelta) -> list[dict]:
    lines = (SAMPLE / "organizations.jsonl").read_text(encoding="utf-8").splitlines()
    return [shifted(json.loads(text), by) for text in lines]


def take_in(lines: list[dict]) -> None:
    for each in lines:
        if each["state"] == "active":
            _take_in(each)


def _take_in(each: dict) -> None:
    logins = [m["last_login_at"] for m in each["members"] if m["last_login_at"]]
    made = factories.organization(
        each["name"].strip(),
        id=each["id"],
        plan=each["plan"] if each["plan"] != "trial" else Plan.FREE,
        created_at=each["created_at"],
        reactivated_at=each["reactivated_at"],
        last_login_at=max(logins, default=None),
    )
    if each["plan"] == "trial":
        start = each["trial_ends_at"] - timedelta(days=30)
        factories.subscription(made, "trial", starts_at=start, ends_at=each["trial_ends_at"])
    BillingAccount.objects.filter(pk=made.pk).update(
        anchor_at=each["billing_anchor_at"],
        free_since_at=each["plan_changed_at"],
        last_api_request_at=each["last_api_request_at"],
        usage_known_until=timezone.now(),
    )
    if each["never_deactivate"]:
        Exemption.objects.create(organization=made, reason="import")
