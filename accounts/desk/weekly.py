"""What happened in each of the last 12 weeks, by reason, counted and drawn alike wherever it is shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Count, F, QuerySet
from django.db.models.functions import TruncWeek

from accounts.models import LifecycleEvent
from accounts.words import Act, Reason
from konnect_portal.foundation.charts import Chart, Series

WEEKS = 12
TOLD_REASONS = [reason for reason in Reason if reason != Reason.IMPORTED]
"""What an import brings says nothing about the week in which it came."""


def deactivations() -> QuerySet[LifecycleEvent]:
    """Those that happened here, for `by_week`."""
    events = LifecycleEvent.objects.filter(act=Act.DEACTIVATED, reason__in=TOLD_REASONS)
    return events.annotate(why=F("reason"))


def by_week(events: QuerySet[LifecycleEvent], at: datetime) -> dict[str, list[int]]:
    """How many events in each of the 12 weeks, for each `why` that they are annotated with."""
    start = first_week(at)
    weeks: dict[str, list[int]] = {}
    rows = events.filter(at__gte=start).annotate(week=TruncWeek("at", tzinfo=UTC)).order_by()
    for why, week, count in rows.values_list("why", "week").annotate(Count("pk")):
        weeks.setdefault(why, [0] * WEEKS)[(week - start).days // 7] = count
    return weeks


def first_week(at: datetime) -> datetime:
    """The Monday on which the 12 weeks begin, the last of which is that of `at`."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday(), weeks=WEEKS - 1)


def chart_of(title: str, weeks: Mapping[str, Sequence[int]], at: datetime) -> Chart:
    """Draw what `by_week` counted at `at`, each reason always in the same colour."""
    columns = [f"{first_week(at) + timedelta(weeks=number):%-d %b}" for number in range(WEEKS)]
    series = [
        Series(reason.label, weeks[reason], tone) for tone, reason in enumerate(TOLD_REASONS, 1) if reason in weeks
    ]
    return Chart(title, columns, series)
