"""What stands above and below the columns of the inactivity desk: runs, limits, lists and charts."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from django.db.models import QuerySet
from django.urls import reverse

from accounts import inactivity
from accounts.desk.weekly import by_week, chart_of, deactivations
from accounts.inactivity import Question
from accounts.models import CheckRun, Exemption, Organization
from accounts.outlook import ComingDays, coming_by_day
from accounts.words import HeldBy
from konnect_portal.foundation.charts import Chart, Series
from konnect_portal.foundation.paging import COUNT_CAP

RUNS_EVERY = timedelta(hours=2)
"""A last run that is older than this is a worry: the check runs hourly."""


@dataclass(frozen=True)
class Limit:
    """How much of a limit of 24 hours is used (P66)."""

    title: str
    used: int
    most: int


@dataclass(frozen=True)
class LinkedList:
    title: str
    link: str
    count: int

    @property
    def shown(self) -> str:
        return f"{COUNT_CAP}+" if self.count > COUNT_CAP else str(self.count)


class Overview:
    """Each part is asked once, when the page comes to it."""

    def __init__(self, question: Question):
        self.question = question

    @cached_property
    def last_run(self) -> CheckRun | None:
        return CheckRun.objects.filter(kind=CheckRun.Kind.DEACTIVATE).first()

    @cached_property
    def last_telling(self) -> CheckRun | None:
        return CheckRun.objects.filter(kind=CheckRun.Kind.NOTIFY).first()

    @property
    def is_late(self) -> bool:
        return self.last_run is not None and self.last_run.started_at < self.question.now - RUNS_EVERY

    @property
    def held(self) -> list[tuple[int, str]]:
        """What held whom in the last run."""
        counts = self.last_run.held_counts if self.last_run else {}
        return [(count, HeldBy(what).label.lower()) for what, count in counts.items()]

    @cached_property
    def waiting(self) -> list[CheckRun]:
        return list(CheckRun.objects.filter(outcome=CheckRun.Outcome.WAITING))

    @cached_property
    def limits(self) -> list[Limit]:
        now = self.question.now
        most = inactivity.limit(now)
        return [
            Limit("Deactivated in 24 hours", inactivity.deactivated_lately(now), most),
            Limit("First notices in 24 hours", inactivity.told_lately(now), most),
        ]

    @cached_property
    def lists(self) -> list[LinkedList]:
        now = self.question.now
        organizations = reverse("admin:accounts_organization_changelist")
        return [
            LinkedList(
                "Never deactivated", reverse("admin:accounts_inactivity_exempt"), _capped(Exemption.objects.live(now))
            ),
            LinkedList(
                "On hold", reverse("admin:accounts_inactivity_on_hold"), _capped(Organization.objects.on_hold(now))
            ),
            LinkedList(
                "Usage came after the deactivation",
                f"{organizations}?usage=late",
                _capped(Organization.objects.usage_came_late()),
            ),
        ]

    @cached_property
    def coming(self) -> ComingDays:
        return coming_by_day(self.question)

    @property
    def anybody_comes(self) -> bool:
        return any(self.coming.counts)

    @cached_property
    def coming_chart(self) -> Chart:
        days = [_day(day) for day in self.coming.days]
        name = "Organizations" if self.coming.is_exact else "At most"
        return Chart("Becoming inactive in the next 30 days", days, [Series(name, self.coming.counts, 1)])

    @cached_property
    def past_chart(self) -> Chart:
        now = self.question.now
        return chart_of("Deactivations of 12 weeks by reason", by_week(deactivations(), now), now)


def _day(day: date) -> str:
    return f"{day:%-d %b}"


def _capped(queryset: QuerySet) -> int:
    return queryset.order_by()[: COUNT_CAP + 1].count()
