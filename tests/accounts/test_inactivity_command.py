"""`manage.py check_inactivity`: what it promises to whoever calls it (P65, P67)."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import checks
from accounts.models import Organization
from accounts.words import State
from billing.models import BillingAccount
from tests import factories
from tests.accounts.test_deactivation_walk import tables

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_notices")]

DAY = timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def unused(now):
    """An organization that nobody uses any more, whose last request came 75 days ago."""
    made = factories.organization("Žluťoučký [kůň]", created_at=now - 100 * DAY)
    BillingAccount.objects.filter(pk=made.pk).update(last_api_request_at=now - 75 * DAY)
    return made


def check(*arguments):
    out = StringIO()
    call_command("check_inactivity", *arguments, stdout=out)
    return out.getvalue()


def text(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def exit_status(*arguments):
    try:
        check(*arguments)
    except CommandError as refused:
        return refused.returncode
    return 0


def test_json_names_who_is_due_and_why(unused, now):
    """P67"""
    answer = json.loads(check("--at", text(now), "--dry-run", "--json"))

    assert answer == {
        "at": text(now),
        "due": [
            {
                "id": str(unused.pk),
                "name": "Žluťoučký [kůň]",
                "inactive_at": text(now - 40 * DAY),
                "last_seen_at": text(now - 100 * DAY),
                "last_api_request_at": text(now - 75 * DAY),
                "held_by": None,
            }
        ],
        "deactivated": [],
    }


def test_without_a_dry_run_they_are_deactivated(unused):
    """P65"""
    answer = json.loads(check("--json"))

    assert answer["deactivated"] == [str(unused.pk)]
    assert [entry["held_by"] for entry in answer["due"]] == [None]
    assert Organization.objects.get(pk=unused.pk).state == State.INACTIVE


@pytest.mark.parametrize("arguments", [[], ["--without-notices"], ["--json"], ["--at", "2030-01-01T00:00:00+02:00"]])
def test_a_dry_run_writes_nothing(unused, acme, now, arguments):
    """P67"""
    Organization.objects.filter(pk=acme.pk).update(last_login_at=now)
    before = tables()

    check("--dry-run", *arguments)

    assert tables() == before


def test_text_tells_the_same_to_people(unused, now):
    """P67"""
    said = check("--at", text(now - DAY), "--dry-run")

    assert "Žluťoučký [kůň]" in said
    assert str(unused.pk) in said
    assert text(now - 40 * DAY) in said
    assert "1 organization would be deactivated. Nothing was changed." in said
    assert "Notices are off" in said
    assert "This moment is past: it is answered with today's facts." in said


def test_a_moment_to_come_is_said_to_be_one(now):
    """P67"""
    assert "yet to come" in check("--at", text(now + DAY), "--dry-run")


def test_text_says_who_was_deactivated_and_who_is_held(unused, now):
    """P65, P66"""
    factories.organization("On hold", hold_until=now + DAY, hold_reason="court", hold_ticket="T-1")

    said = check()

    assert "Deactivated" in said
    assert "On hold" in said
    assert "1 organization deactivated." in said


@pytest.mark.parametrize(
    ("moment", "complaint"),
    [
        ("2026-11-20T03:00:00", "has no time zone"),
        ("2026-11-20", "has no time zone"),
        ("yesterday", "is no moment"),
        ("", "is no moment"),
        ("0001-01-01T00:00:00Z", "lies too far away"),
        ("9999-12-31T23:59:59-05:00", "lies too far away"),
    ],
)
def test_a_moment_that_is_none_is_refused(moment, complaint):
    """Bad input"""
    with pytest.raises(CommandError, match=complaint) as refused:
        check("--at", moment, "--dry-run")

    assert refused.value.returncode == 2


def test_notices_are_left_out_only_in_a_dry_run_while_they_are_on(unused, settings):
    """P64"""
    assert exit_status("--without-notices") == 0
    settings.INACTIVITY_NOTICES = True
    assert exit_status("--without-notices") == 2
    assert exit_status("--without-notices", "--dry-run") == 0


def test_notices_hold_where_they_are_on(unused, settings):
    """P64"""
    settings.INACTIVITY_NOTICES = True

    held = json.loads(check("--dry-run", "--json"))["due"][0]["held_by"]
    without = json.loads(check("--dry-run", "--json", "--without-notices"))["due"][0]["held_by"]

    assert (held, without) == ("notice", None)


def test_exit_status(unused, lead, settings):
    """0 done, 1 nothing changed and why, 2 bad arguments."""
    assert exit_status("--at", "2026-11-20T03:00:00") == 2
    assert exit_status("--dry-run") == 0
    checks.pause(actor=lead, reason="Incident 12")
    assert exit_status() == 1
    checks.resume(actor=lead)
    settings.INACTIVITY_LIMIT_FLOOR = 0
    assert exit_status("--json") == 1
    settings.INACTIVITY_LIMIT_FLOOR = 10
    assert exit_status() == 0
    assert exit_status() == 0
