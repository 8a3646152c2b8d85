"""What is ahead of the inactivity check: who is due, held and by what, or will be due (P63, P66, P67).

It asks and writes nothing. Of a million organizations it looks at ranges of an index, a window at a time, with a fixed
number of statements: the stored lower bound and what else the database can tell narrow them down, the exact facts
decide. So what is counted is right, and where a window does not hold everybody it says so.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from accounts import inactivity
from accounts.inactivity import Question, Standing
from accounts.models import Exemption, InactivityNotice, Organization
from accounts.words import HeldBy
from billing.services import running_subscriptions
from geos.models import ControlPlane
from konnect_portal.foundation.paging import KeyPage, key_page

DUE, COMING = "due", "coming"
GROUPS = (DUE, COMING, *HeldBy.values)
"""Due and held by nothing, due in the days to come, and due but held, by what holds them."""

AHEAD = timedelta(days=14)
WINDOW = 500
PAGE = 100
DAYS = 30


@dataclass(frozen=True)
class Part:
    """Those of a group that were found, the earliest first; unless `is_all` there may be more."""

    standings: list[Standing]
    is_all: bool

    @property
    def is_empty(self) -> bool:
        return self.is_all and not self.standings

    @property
    def shown(self) -> str:
        return str(len(self.standings)) if self.is_all else f"{min(len(self.standings), WINDOW)}+"


@dataclass(frozen=True)
class ComingDays:
    """How many organizations become due on each day; unless `is_exact`, at most so many: their lower bounds."""

    days: list[date]
    counts: list[int]
    is_exact: bool


def outlook(question: Question) -> dict[str, Part]:
    """Every group at the question's moment, up to a window of each."""
    room = inactivity.room(question)
    size = max(WINDOW, room + 1)
    windows = {group: list(_in_order(candidates(group, question))[: size + 1]) for group in GROUPS}
    found = inactivity.standings(_once(windows.values()), question)
    groups: dict[str, list[Standing]] = {group: [] for group in GROUPS}
    for standing in sorted(found, key=_moment):
        if group := group_of(standing):
            groups[group].append(standing)
    if len(groups[DUE]) > room:
        groups[HeldBy.LIMIT] = [_over_limit(standing) for standing in groups.pop(DUE)]
        groups[DUE] = []
    return {group: Part(groups[group], len(windows[group]) <= size) for group in GROUPS}


def group_page(group: str, question: Question, after: str | None) -> KeyPage[Standing]:
    """Those of a group among a page of candidates, which may be fewer than the page, or none.

    Whoever is not held by anything but, possibly, the limit is in both groups, due and held by it.
    """
    page = key_page(candidates(group, question), by="inactive_at", after=after, size=PAGE)
    overtaken = candidates(None, question)[:WINDOW] if group == COMING and not after else ()
    found = inactivity.standings(_once([overtaken, page.rows]), question)
    if group == HeldBy.LIMIT:
        found = [_over_limit(standing) for standing in found if standing.may_go]
    rows = [standing for standing in found if group_of(standing) == group]
    return KeyPage(sorted(rows, key=_moment), page.after)


def group_of(standing: Standing) -> str | None:
    if standing.is_due:
        return standing.held_by or DUE
    is_ahead = standing.is_checked and standing.inactive_by_activity <= standing.at + AHEAD
    return COMING if is_ahead else None


def candidates(group: str | None, question: Question) -> QuerySet[Organization]:
    """A range of the index that holds everybody in a group; of no group, everybody whose lower bound has come.

    Whoever comes later than a bound that has come is among the latter until the next check has raised it.
    """
    checked = _checked(question.at)
    if group == COMING:
        return checked.filter(inactive_at__gt=question.at, inactive_at__lte=question.at + AHEAD)
    due = checked.filter(inactive_at__lte=question.at)
    if group is None:
        return due
    if question.paused != (group == HeldBy.PAUSED):
        return due.none()
    return due.filter(NARROWED[group](question))


def _checked(at: datetime) -> QuerySet[Organization]:
    """On Free and not exempt (P60, P63)."""
    exempt = Exists(Exemption.objects.live(at).filter(organization=OuterRef("pk")))
    return Organization.objects.active().exclude(running_subscriptions(at)).exclude(exempt)


def _in_order(organizations: QuerySet[Organization]) -> QuerySet[Organization]:
    return organizations.order_by("inactive_at", "pk")


def _announced(question: Question) -> Q | Exists:
    """Where notices are on: those whose announced moment has come, which who may go has behind them (P64)."""
    first = InactivityNotice.objects.live().filter(days_before=InactivityNotice.FIRST, announced_at__lte=question.at)
    return Exists(first.filter(organization=OuterRef("pk"))) if question.notices else Q()


def _in_late_geo(question: Question) -> Exists:
    complete = [geo for geo, through in question.complete_through.items() if through >= question.usage_wanted_through]
    return Exists(ControlPlane.objects.exclude(geo__in=complete).filter(organization=OuterRef("pk")))


NARROWED: dict[str, Callable[[Question], Q | Exists]] = {
    DUE: _announced,
    HeldBy.PAUSED: lambda question: Q(),
    HeldBy.HOLD: lambda question: Q(hold_until__gt=question.at),
    HeldBy.MISSING_USAGE: _in_late_geo,
    HeldBy.NOTICE: lambda question: Q() if question.notices else Q(pk__in=[]),
    HeldBy.DISMISSED: lambda question: Exists(inactivity.dismissals(question).filter(organization=OuterRef("pk"))),
    HeldBy.LIMIT: _announced,
}
"""What everybody in a group has in common, as far as the database can tell; others may have it, too."""


def _moment(standing: Standing) -> tuple[datetime, UUID]:
    return standing.inactive_by_activity, standing.id


def _over_limit(standing: Standing) -> Standing:
    return replace(standing, held_by=HeldBy.LIMIT)


def _once(windows: Iterable[Iterable[Organization]]) -> list[Organization]:
    found: dict[UUID, Organization] = {each.pk: each for window in windows for each in window}
    return list(found.values())


# Numbers for charts


def coming_by_day(question: Question) -> ComingDays:
    """Who becomes due in the next 30 days, by day; of many, by the index alone."""
    end = question.at + timedelta(days=DAYS)
    window = list(_checked(question.at).filter(inactive_at__lte=end)[: WINDOW + 1])
    is_exact = len(window) <= WINDOW
    by_day = _exact_days(window, question, end) if is_exact else _bounds_by_day(question.at, end)
    days = [question.at.astimezone(UTC).date() + timedelta(days=n) for n in range(DAYS + 1)]
    return ComingDays(days, [by_day[day] for day in days], is_exact)


def _exact_days(window: list[Organization], question: Question, end: datetime) -> Counter[date]:
    return Counter(
        standing.inactive_by_activity.astimezone(UTC).date()
        for standing in inactivity.standings(window, question)
        if standing.is_checked and question.at < standing.inactive_by_activity <= end
    )


def _bounds_by_day(start: datetime, end: datetime) -> Counter[date]:
    """Of all plans, so that nothing but the index is read: only who is active has a bound."""
    bounds = Organization.objects.filter(inactive_at__gt=start, inactive_at__lte=end).order_by()
    by_day = bounds.values_list(TruncDate("inactive_at", tzinfo=UTC)).annotate(size=Count("*"))
    return Counter(dict(by_day))
