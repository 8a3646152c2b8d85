"""Why an organization is due for the inactivity check, or when it will be, in words (P67)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F

from accounts import inactivity
from accounts.inactivity import ANNOUNCEMENT_LASTS, Question, Standing, inactivity_days
from accounts.models import InactivityNotice, Membership, User
from accounts.words import HeldBy
from geos.services import all_geos
from konnect_portal.foundation.moments import absolute, distance

SEEN = {
    "login": "somebody signed in",
    "created": "it was created",
    "reactivated": "it was reactivated",
    "free": "it came onto Free",
    "trial": "its trial ends",
}


@dataclass(frozen=True)
class Told:
    """What the notices of an organization and the lists of leads say of it, beside its standing.

    `geos` are the names of all geos by code, in the order in which they are shown.
    """

    notices: dict[int, InactivityNotice]
    geos: dict[str, str]
    dismissed_at: datetime | None = None
    last_login_by: User | None = None

    @property
    def in_order(self) -> list[InactivityNotice]:
        """Its notices, the first one first."""
        return sorted(self.notices.values(), key=lambda notice: -notice.days_before)

    @property
    def announced_at(self) -> datetime | None:
        first = self.notices.get(InactivityNotice.FIRST)
        return first.announced_at if first and first.settled_at else None


@dataclass(frozen=True)
class Row:
    """An organization on the inactivity desk."""

    standing: Standing
    told: Told

    @property
    def why(self) -> str:
        return explain(self.standing, self.told)

    @property
    def because(self) -> str:
        """From which fact the moment of inactivity follows."""
        return _because(self.standing)

    @property
    def held(self) -> str:
        """What holds it; empty where nothing does."""
        return _hold_in_detail(self.standing, self.told) if self.standing.held_by else ""


def rows_of(standings: Collection[Standing], question: Question) -> list[Row]:
    """The standings with what else is shown of them, in a fixed number of statements."""
    ids = [standing.id for standing in standings]
    notices = inactivity.live_notices(ids)
    dismissed_at = dict(
        inactivity.dismissals(question)
        .filter(organization__in=ids)
        .order_by("run__decided_at")
        .values_list("organization", "run__decided_at")
    )
    people = last_logins(ids)
    geos = {geo.code: geo.name for geo in all_geos()}
    return [
        Row(each, Told(notices[each.id], geos, dismissed_at.get(each.id), people.get(each.id))) for each in standings
    ]


def last_logins(ids: Collection[UUID]) -> dict[UUID, User]:
    """Who signed in to each organization last, where they have not left it since."""
    latest = Membership.objects.filter(organization__in=ids, last_login_at=F("organization__last_login_at"))
    return {membership.organization_id: membership.user for membership in latest.select_related("user")}


def explain(standing: Standing, told: Told | None = None) -> str:
    """In words, with what holds it told more exactly where that is known."""
    organization = standing.organization
    if organization.deactivated_at is not None:
        deactivated_on = absolute(organization.deactivated_at)
        return f"Not checked: it was deactivated on {deactivated_on} because {organization.reason_sentence}."
    if standing.exemption is not None:
        return "Not checked: it is marked never to be deactivated."
    if standing.inactive_at is None:
        return f"Not checked: it is on {standing.facts.plan.label}."
    when = f"{absolute(standing.inactive_at)} ({distance(standing.inactive_at, standing.at)})"
    if standing.is_due:
        return f"Inactive since {when}: {_because(standing)}.{_held(standing, told)}"
    return f"Inactive from {when} on if nobody uses it: {_because(standing)}."


def _because(standing: Standing) -> str:
    if standing.last_seen_at + inactivity_days() == standing.inactive_by_activity:
        what = max(standing.seen, key=standing.seen.__getitem__)
        return f"{settings.INACTIVITY_DAYS} days after {SEEN[what]} on {absolute(standing.last_seen_at)}"
    request = standing.last_api_request_at
    assert request is not None
    return f"its last API request, on {absolute(request)}, counts in the cycle after its own"


def _held(standing: Standing, told: Told | None) -> str:
    if standing.held_by is None:
        return ""
    reason = _hold_in_detail(standing, told) if told else HeldBy(standing.held_by).label.lower()
    return f" The check leaves it alone: {reason}."


def _hold_in_detail(standing: Standing, told: Told) -> str:
    organization = standing.organization
    match standing.held_by:
        case HeldBy.HOLD if organization.hold_until:
            return f"on hold until {absolute(organization.hold_until)} ({organization.hold_reason})"
        case HeldBy.MISSING_USAGE:
            missing = ", ".join(told.geos[code] for code in standing.missing_geos)
            return f"usage of {missing} is not complete, and missing data means active"
        case HeldBy.NOTICE:
            return _not_told(standing, told)
        case HeldBy.DISMISSED if told.dismissed_at:
            rests_until = told.dismissed_at + timedelta(days=settings.DISMISSAL_DAYS)
            return f"a lead dismissed it until {absolute(rests_until)}"
        case HeldBy.LIMIT:
            return "more are due than the limit leaves room for"
    return "the check is paused"


def _not_told(standing: Standing, told: Told) -> str:
    """What of P64 is missing."""
    first = told.notices.get(InactivityNotice.FIRST)
    if first is None:
        return "nobody has been told yet"
    if first.inactive_at != standing.inactive_at:
        return "its notices name another moment, so they begin anew"
    if first.settled_at is None:
        return "its first notice has not been accepted yet"
    if first.announced_at > standing.at:
        return f"announced for {absolute(first.announced_at)}"
    if first.announced_at + ANNOUNCEMENT_LASTS < standing.at:
        return f"announced for {absolute(first.announced_at)}, which is too long ago, so notices begin anew"
    return "its last notice was not accepted 23 hours ago"


def remarks(question: Question) -> list[str]:
    """What has to be known of an answer about a moment."""
    told = {
        "Notices are off: nobody is told beforehand.": not settings.INACTIVITY_NOTICES,
        "Answered as if no notice had to come first.": settings.INACTIVITY_NOTICES and not question.notices,
        "This moment is past: it is answered with today's facts.": question.at < question.now,
        "This moment is yet to come: it is answered as if nothing happened until then.": question.at > question.now,
        "The check is paused.": question.paused,
    }
    return [remark for remark, holds in told.items() if holds]
