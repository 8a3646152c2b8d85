"""The facts that decide about one organization at a moment, each with its date (P67)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.admin.inactivity import Row
from accounts.inactivity import Question, inactivity_days, is_complete
from accounts.models import InactivityNotice
from geos.services import geos_of
from konnect_portal.foundation.moments import absolute

SEEN = {
    "login": "Last login of anybody",
    "created": "Created",
    "reactivated": "Reactivated",
    "free": "Came onto Free",
    "trial": "Trial ends",
}


@dataclass(frozen=True)
class Fact:
    """What was, when, and what follows; `decides` where the moment of inactivity follows from it."""

    what: str
    at: datetime | None
    follows: str = ""
    decides: bool = False


def facts_of(row: Row, question: Question) -> dict[str, list[Fact]]:
    """By what they are facts of; kinds of which there are none are left out."""
    kinds = {
        "What counts as a login": list(_seen(row)),
        "API requests": list(_requests(row)),
        "When it is inactive": list(_moment(row)),
        "Usage of its geos": list(_geos(row, question)),
        "Notices": list(_notices(row)),
        "What holds it": list(_holds(row, question)),
    }
    return {kind: facts for kind, facts in kinds.items() if facts}


def _seen(row: Row) -> Iterator[Fact]:
    standing = row.standing
    days = settings.INACTIVITY_DAYS
    for what, at in standing.seen.items():
        is_last = at == standing.last_seen_at
        follows = f"The latest: {days} days later is {absolute(at + inactivity_days())}" if is_last else ""
        by = f", by {row.told.last_login_by}" if what == "login" and row.told.last_login_by else ""
        yield Fact(SEEN[what] + by, at, follows, is_last and at + inactivity_days() == standing.inactive_by_activity)


def _requests(row: Row) -> Iterator[Fact]:
    facts = row.standing.facts
    if facts.request_cycle is None:
        yield Fact("Last API request", None, "There never was one")
        return
    begin, end = facts.request_cycle
    until = facts.requests_count_until
    yield Fact(
        "Last API request",
        facts.last_api_request_at,
        f"In the billing cycle from {absolute(begin)} to {absolute(end)}; it counts in the one after, too",
    )
    yield Fact("Counts until", until, "The end of the cycle after its own", until == row.standing.inactive_by_activity)


def _moment(row: Row) -> Iterator[Fact]:
    facts = row.standing.facts
    if row.standing.inactive_at is None:
        yield Fact(f"On {facts.plan.label}", facts.plan_until, "Never deactivated for inactivity")
    elif facts.on_trial:
        yield Fact("On trial", facts.plan_until, "Not checked before it has ended")
    if row.standing.inactive_at is not None:
        is_ahead = row.standing.inactive_at > row.standing.at
        yield Fact("Inactive", row.standing.inactive_at, "If nobody uses it until then" if is_ahead else "")


def _geos(row: Row, question: Question) -> Iterator[Fact]:
    standing = row.standing
    since = standing.facts.cycles_since(question.at)
    there = geos_of({standing.id: since}).get(standing.id, ())
    for geo, name in ((geo, name) for geo, name in row.told.geos.items() if geo in there):
        known = [each for each in (question.complete_through.get(geo), standing.facts.usage_known_until) if each]
        wanted = absolute(question.usage_wanted_through)
        enough = f"Enough: it has to reach {wanted}"
        lacks = f"Not enough: it has to reach {wanted}, so it counts as active"
        told = enough if is_complete(geo, standing, question) else lacks
        yield Fact(f"{name}: complete through", max(known, default=None), told)


def _notices(row: Row) -> Iterator[Fact]:
    for days_before, when in InactivityNotice.DAYS_BEFORE:
        notice = row.told.notices.get(days_before)
        if notice is not None:
            how = "Undeliverable" if notice.undeliverable_at else "Accepted"
            what = how if notice.settled_at else "On its way since"
            yield Fact(f"{when} before: {what.lower()}", notice.settled_at or notice.created_at)
    if row.told.announced_at:
        yield Fact("Announced for", row.told.announced_at)


def _holds(row: Row, question: Question) -> Iterator[Fact]:
    organization, exemption = row.standing.organization, row.standing.exemption
    if exemption is not None:
        end = f", until {absolute(exemption.until)}" if exemption.until else ", without end"
        yield Fact("Marked never to be deactivated", exemption.created_at, f"{exemption.reason}{end}")
    if organization.is_on_hold(question.at):
        yield Fact("On hold until", organization.hold_until, organization.hold_reason)
    if row.told.dismissed_at:
        rests_until = row.told.dismissed_at + timedelta(days=settings.DISMISSAL_DAYS)
        yield Fact("Dismissed by a lead", row.told.dismissed_at, f"Left alone until {absolute(rests_until)}")
    if question.paused:
        yield Fact("The check is paused", None, "Nobody is told or deactivated")
