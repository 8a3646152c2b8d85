"""P60 to P63 as a truth table, and the sample export with its expected answer: one import and one check each."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.inactivity import exact_inactive_at
from tests import shifted_sample
from tests.shifted_sample import line, member

pytestmark = pytest.mark.django_db

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
A_SECOND_AROUND = {"a second before": -SECOND, "at": timedelta(0), "a second after": SECOND}
STOPS_AT_THE_BOUNDARY = {"a second before": True, "at": True, "a second after": False}
COUNTS_FROM_THE_BOUNDARY = {"a second before": True, "at": False, "a second after": False}


def owner_login(at):
    return {"members": [member("owner@acme.example", "Organization Admin", last_login_at=at)]}


def member_login(at):
    owner = member("owner@acme.example", "Organization Admin", last_login_at=at - 200 * DAY)
    return {"members": [owner, member("member@acme.example", last_login_at=at)]}


def request(at):
    return {"last_api_request_at": at}


def trial(ends_at):
    return {"plan": "trial", "trial_ends_at": ends_at, "created_at": ends_at - 30 * DAY}


def boundaries(t: datetime):
    """Cases tried at a moment and a second to either side of it: name, moment, facts by moment, who is due."""
    month_ago = t - 30 * DAY
    yield "owner's login", month_ago, owner_login, STOPS_AT_THE_BOUNDARY
    yield "another member's login", month_ago, member_login, STOPS_AT_THE_BOUNDARY
    yield "created", month_ago, lambda at: {"created_at": at}, STOPS_AT_THE_BOUNDARY
    yield "reactivated", month_ago, lambda at: {"reactivated_at": at}, STOPS_AT_THE_BOUNDARY
    yield "came onto Free", month_ago, lambda at: {"plan_changed_at": at}, STOPS_AT_THE_BOUNDARY
    yield "trial over for 30 days", month_ago, trial, STOPS_AT_THE_BOUNDARY
    yield "trial over", t, trial, dict.fromkeys(A_SECOND_AROUND, False)
    for anchored, anchor, before, this in [
        ("in mid-cycle", t - 375 * DAY, t - 45 * DAY, t - 15 * DAY),
        ("at a cycle's first moment", t - 390 * DAY, t - 30 * DAY, t),
        ("at a cycle's last second", t + SECOND - 390 * DAY, t + SECOND - 60 * DAY, t + SECOND - 30 * DAY),
        ("before the creation", t - 1005 * DAY, t - 45 * DAY, t - 15 * DAY),
        ("after t", t + 10 * DAY, t - 50 * DAY, t - 20 * DAY),
        ("one cycle after t", t + 30 * DAY, t - 30 * DAY, t),
    ]:
        since = {"billing_anchor_at": anchor}
        yield (
            f"request when the cycle before began, t {anchored}",
            before,
            lambda at, since=since: since | request(at),
            COUNTS_FROM_THE_BOUNDARY,
        )
        yield (
            f"request when this cycle began, t {anchored}",
            this,
            lambda at, since=since: since | request(at),
            dict.fromkeys(A_SECOND_AROUND, False),
        )


def plain_cases(t: datetime):
    """Cases of one moment: name, facts, whether it is due."""
    long_ago = t - 90 * DAY
    yield "nothing ever", {}, True
    yield "both long ago", owner_login(long_ago) | request(long_ago), True
    yield "a login now, requests long ago", owner_login(t) | request(long_ago), False
    yield "requests now, a login long ago", owner_login(long_ago) | request(t), False
    yield "on Plus", {"plan": "plus"}, False
    yield "on Enterprise", {"plan": "enterprise"}, False
    yield "on trial", trial(t + 5 * DAY) | {"created_at": t - 400 * DAY}, False
    yield "never deactivate", {"never_deactivate": True}, False
    yield "inactive already", {"state": "inactive"}, False


def truth_table(t: datetime) -> dict[str, tuple[dict, bool]]:
    cases = {name: (facts, is_due) for name, facts, is_due in plain_cases(t)}
    for name, moment, facts, due in boundaries(t):
        for when, by in A_SECOND_AROUND.items():
            cases[f"{name}, {when}"] = (facts(moment + by), due[when])
    return cases


def check(at: datetime) -> list[dict]:
    out = StringIO()
    call_command("check_inactivity", "--at", at.isoformat(), "--dry-run", "--without-notices", "--json", stdout=out)
    return json.loads(out.getvalue())["due"]


def is_inactive(line: dict, t: datetime) -> bool:
    """P61 in its own words."""
    seen = [m["last_login_at"] for m in line["members"] if m["last_login_at"]]
    seen += [line[name] for name in ("created_at", "reactivated_at", "plan_changed_at", "trial_ends_at") if line[name]]
    start = line["billing_anchor_at"]
    while start > t:
        start -= 30 * DAY
    while start + 30 * DAY <= t:
        start += 30 * DAY
    requested = line["last_api_request_at"]
    is_used = requested is not None and requested >= start - 30 * DAY
    return all(moment <= t - 30 * DAY for moment in seen) and not is_used


def test_truth_table(tmp_path):
    """P31, P60, P61, P62, P63"""
    t = timezone.now().replace(microsecond=0)
    table = truth_table(t)
    lines = {name: line(name, now=t, **facts) for name, (facts, _) in table.items()}
    shifted_sample.take_in(list(lines.values()), tmp_path)

    due = {entry["name"]: datetime.fromisoformat(entry["inactive_at"]) for entry in check(t)}

    assert {name: name in due for name in table} == {name: is_due for name, (_, is_due) in table.items()}
    assert [name for name, moment in due.items() if not is_inactive(lines[name], moment)] == []
    assert [name for name, moment in due.items() if is_inactive(lines[name], moment - SECOND)] == []


def test_sample_gives_the_expected_answer(tmp_path):
    """P60, P61, P62"""
    expected = json.loads((shifted_sample.SAMPLE / "organizations.due.json").read_text())
    by = timezone.now().replace(microsecond=0) - datetime.fromisoformat(min(expected["due"]))
    moments = {id: datetime.fromisoformat(text) + by for id, text in expected["inactive_at"].items()}
    shifted_sample.take_in(shifted_sample.sample_lines(by), tmp_path)

    for text, ids in expected["due"].items():
        due = check(datetime.fromisoformat(text) + by)
        assert {entry["id"] for entry in due} == set(ids)
        assert {entry["id"]: datetime.fromisoformat(entry["inactive_at"]) for entry in due} == {
            id: moments[id] for id in ids
        }
        assert due == sorted(due, key=lambda entry: (entry["inactive_at"], entry["id"]))
    exact = exact_inactive_at(list(moments), timezone.now())
    assert {str(id): moment for id, moment in exact.items()} == moments
