"""Lines of an export file to test with, and the import of them at a fixed moment."""

import io
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from accounts.importing import Tally, import_organizations

AT = datetime(2026, 11, 20, 3, tzinfo=UTC)
_numbers = count(1)


def moment(*, days: float = 0, seconds: float = 0) -> str:
    """So long after the import, as the file tells it; before it where negative."""
    return (AT + timedelta(days=days, seconds=seconds)).isoformat().replace("+00:00", "Z")


def member(email: str, *teams: str, **fields) -> dict:
    return {
        "email": email,
        "full_name": email.partition("@")[0].title(),
        "teams": list(teams),
        "last_login_at": None,
    } | fields


def control_plane(name="default", geo="us", kind="gateway", **fields) -> dict:
    return {"name": name, "geo": geo, "kind": kind, "nodes": 1, "services": 1} | fields


def organization(**fields) -> dict:
    """An active organization on Free, opened 100 days ago, owned by its only member, unless `fields` differ."""
    number = next(_numbers)
    owner = f"owner@org{number}.example"
    return {
        "id": str(UUID(int=number)),
        "name": f"Organization {number}",
        "email": owner,
        "owner_email": owner,
        "created_at": moment(days=-100),
        "state": "active",
        "home_geo": "us",
        "plan": "free",
        "trial_ends_at": None,
        "billing_anchor_at": moment(days=-100),
        "plan_changed_at": None,
        "reactivated_at": None,
        "never_deactivate": False,
        "last_api_request_at": None,
        "members": [member(owner, "Organization Admin")],
        "control_planes": [],
        "usage": [],
    } | fields


def file_of(*lines: dict | bytes) -> io.BytesIO:
    raw = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return io.BytesIO(b"".join(line + b"\n" for line in raw))


def imported(*lines: dict | bytes, at: datetime = AT) -> Tally:
    """Import the lines; gives what became of them all."""
    total = Tally()
    for tally in import_organizations(file_of(*lines), at=at):
        total.read += tally.read
        total.add(tally)
    return total
