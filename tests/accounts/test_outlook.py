"""P63, P66, P67: what is ahead of the check, in numbers that agree with what it then does."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import inactivity, outlook
from accounts.checks import run_check
from accounts.models import CheckEntry, CheckPause, CheckRun, Exemption, InactivityNotice, Organization
from accounts.words import HeldBy
from billing.models import BillingAccount
from tests import factories
from tests.notices import START, clock  # noqa: F401

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


def names(question=None):
    """Who is in which group."""
    found = outlook.outlook(question or inactivity.ask())
    return {group: [each.name for each in part.standings] for group, part in found.items() if part.standings}


def told(organization, now):
    """Everything of P64 has come, for this moment."""
    inactive_at = organization.created_at + 30 * DAY
    for days_before, ago in [(14, 14 * DAY), (1, DAY)]:
        InactivityNotice.objects.create(
            organization=organization,
            inactive_at=inactive_at,
            announced_at=now - HOUR,
            days_before=days_before,
            accepted_at=now - ago,
        )
    return organization


@pytest.fixture
def everybody(lead, now):
    """One organization for each place that one can be in."""
    made = {name: told(factories.organization(name), now) for name in ["Due", "On hold", "Missing", "Dismissed"]}
    Organization.objects.filter(name="On hold").update(hold_until=now + DAY, hold_reason="court", hold_ticket="T-1")
    factories.control_plane(made["Missing"], geo="eu")
    run = CheckRun.objects.create(at=now, outcome="dismissed", decided_at=now, decided_by_id=lead.pk)
    CheckEntry.objects.create(run=run, organization=made["Dismissed"], inactive_at=now, last_seen_at=now)
    factories.organization("Not told")
    factories.organization("Coming", created_at=now - 20 * DAY)
    factories.organization("Later", created_at=now - 10 * DAY)
    used = factories.organization("Used by API")
    BillingAccount.objects.filter(pk=used.pk).update(anchor_at=now - 55 * DAY, last_api_request_at=now - 50 * DAY)
    factories.organization("Paying", plan="plus")
    Exemption.objects.create(organization=factories.organization("Exempt"), reason="seasonal")
    return made


def test_everybody_is_in_their_place_once(everybody):
    """P60, P63, P64, P66"""
    assert names() == {
        "due": ["Due"],
        "coming": ["Used by API", "Coming"],
        HeldBy.HOLD: ["On hold"],
        HeldBy.MISSING_USAGE: ["Missing"],
        HeldBy.NOTICE: ["Not told"],
        HeldBy.DISMISSED: ["Dismissed"],
    }


def test_a_pause_holds_everybody_who_is_due(everybody, lead):
    """P66"""
    CheckPause.objects.create(reason="incident", paused_by_id=lead.pk)

    found = names()

    assert sorted(found[HeldBy.PAUSED]) == ["Dismissed", "Due", "Missing", "Not told", "On hold"]
    assert set(found) == {HeldBy.PAUSED, "coming"}


def test_above_the_limit_nobody_is_due_without_a_decision(everybody, settings):
    """P66"""
    settings.INACTIVITY_LIMIT_FLOOR = 0

    found = names()

    assert "due" not in found
    assert found[HeldBy.LIMIT] == ["Due"]


@pytest.mark.parametrize("days", [0, 11, 25])
@pytest.mark.parametrize("limit", [0, 10])
def test_the_check_then_does_what_was_foreseen(clock, everybody, settings, limit, days):  # noqa: F811
    """P67: asked beforehand about a moment, and at that moment."""
    settings.INACTIVITY_LIMIT_FLOOR = limit
    foreseen = outlook.outlook(inactivity.ask(timezone.now() + days * DAY, notices=False))
    clock.move_to(timezone.now() + days * DAY)
    settings.INACTIVITY_NOTICES = False

    result = run_check()

    assert {each.id for each in foreseen["due"].standings} == set(result.deactivated)
    held = {group: len(foreseen[group].standings) for group in HeldBy.values if foreseen[group].standings}
    assert held == result.run.held_counts


def test_who_comes_is_due_when_the_days_have_passed(everybody, now):
    """P62, P67"""
    due = {each.name for each in inactivity.due(inactivity.ask(now))}
    due_then = {each.name for each in inactivity.due(inactivity.ask(now + 14 * DAY))}

    assert {"Used by API", "Coming"} == due_then - due


@pytest.mark.parametrize("group", outlook.GROUPS)
def test_a_group_read_page_by_page_is_the_whole_group(everybody, group, now, monkeypatch):
    """Habit 7"""
    monkeypatch.setattr(outlook, "PAGE", 1)
    question = inactivity.ask()
    found, after = [], None
    while page := outlook.group_page(group, question, after):
        found += [each.name for each in page.rows]
        after = page.after and str(page.after)
        if after is None:
            break

    expected = names().get("due" if group == HeldBy.LIMIT else group, [])
    assert Counter(found) == Counter(expected)


def test_more_organizations_are_no_more_statements(everybody, now):
    """Habit 2"""

    def statements():
        with CaptureQueriesContext(connection) as queries:
            outlook.outlook(inactivity.ask())
        return len(queries)

    before = statements()
    for number in range(2):
        told(factories.organization(f"Due {number}"), now)
        factories.organization(f"Not told {number}")
    assert statements() == before


def test_a_window_that_holds_not_everybody_says_so(everybody, monkeypatch, settings):
    """Habit 7"""
    settings.INACTIVITY_LIMIT_FLOOR = 0
    monkeypatch.setattr(outlook, "WINDOW", 1)

    found = outlook.outlook(inactivity.ask())

    assert found[HeldBy.HOLD].shown == "1"
    assert found[HeldBy.NOTICE].shown.endswith("+")


def test_what_comes_is_counted_by_day_exactly_where_there_is_little(everybody, now, monkeypatch):
    """P67"""
    found = outlook.coming_by_day(inactivity.ask())
    assert found.is_exact
    assert {day: n for day, n in zip(found.days, found.counts, strict=True) if n} == {
        (now + 5 * DAY).date(): 1,
        (now + 10 * DAY).date(): 1,
        (now + 20 * DAY).date(): 1,
    }

    monkeypatch.setattr(outlook, "WINDOW", 1)
    found = outlook.coming_by_day(inactivity.ask())
    assert not found.is_exact
    assert sum(found.counts) == 2
