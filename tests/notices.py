"""A clock that stands still until it is moved, and a mail server, for tests of what is mailed over weeks."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.checks import CheckResult, run_check
from accounts.models import InactivityNotice, Organization
from konnect_portal.foundation.delivery import send_due_mails
from tests import smtp

START = datetime(2031, 3, 1, 12, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def clock(db) -> Generator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def server(settings) -> Generator[smtp.Server]:
    with smtp.running() as server:
        settings.MAILERS = server.mailers
        yield server


def an_hour() -> CheckResult:
    """What happens within an hour: mails are sent, the check runs, and the mails that it gives rise to are sent."""
    send_due_mails()
    result = run_check()
    send_due_mails()
    return result


def live(organization: Organization) -> dict[int, InactivityNotice]:
    found = InactivityNotice.objects.live().filter(organization=organization)
    return {notice.days_before: notice for notice in found}


__all__ = ["DAY", "HOUR", "SECOND", "START", "an_hour", "clock", "live", "server"]
