"""Lines of an organization export (docs/export-format.md) to test with."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

from django.core.management import call_command

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


def take_in(lines: list[dict], folder: Path) -> None:
    """Import the lines; every one has to be taken."""
    path = folder / "organizations.jsonl"
    path.write_text("".join(json.dumps(each, default=datetime.isoformat) + "\n" for each in lines), encoding="utf-8")
    call_command("import_organizations", str(path), stdout=StringIO())
