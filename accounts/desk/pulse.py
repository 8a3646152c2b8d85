"""The pulse of the portal: figures about everything there is.

Counting a million organizations takes longer than a page may, so a task counts every few minutes and the page says
when that was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, QuerySet, Subquery, UUIDField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse

from accounts.desk.plans import PLAN_NAMES
from accounts.desk.weekly import by_week, chart_of, deactivations
from accounts.models import DeskFigures, LifecycleEvent, Organization
from accounts.words import Act, State
from billing.models import Plan, Subscription
from geos.models import Geo, OrganizationGeo
from konnect_portal.foundation.charts import Chart

# Counting


def count_figures(*, at: datetime) -> None:
    """Count everything that the pulse shows, and keep it in place of what was counted before."""
    counts = {
        "states": _by("state", Organization.objects.all()),
        "plans": _plans(at),
        "geos": _by("geo", OrganizationGeo.objects.filter(is_home=True, organization__state=State.ACTIVE)),
        "deactivated": by_week(deactivations(), at),
        "reactivated": by_week(_reactivations(), at),
    }
    DeskFigures.objects.update_or_create(pk=1, defaults={"counted_at": at, "counts": counts})


def _by(field: str, rows: QuerySet) -> dict[str, int]:
    return dict(rows.order_by().values_list(field).annotate(Count("pk")))


def _plans(at: datetime) -> dict[str, int]:
    """Of active organizations; on Free are those without a subscription."""
    running = Subscription.objects.running(at).filter(organization__state=State.ACTIVE)
    paid = {"trial": running.filter(is_trial=True).count(), **_by("plan", running.filter(is_trial=False))}
    return {Plan.FREE: Organization.objects.active().count() - sum(paid.values()), **paid}


def _reactivations() -> QuerySet[LifecycleEvent]:
    """By the reason of the deactivation that they took back."""
    deactivation = Cast(KT("details__deactivation"), UUIDField())
    why = Subquery(LifecycleEvent.objects.filter(pk=OuterRef("deactivation")).values("reason"))
    events = LifecycleEvent.objects.filter(act=Act.REACTIVATED).annotate(deactivation=deactivation)
    return events.annotate(why=Coalesce(why, Value("")))


# Showing


@dataclass(frozen=True)
class Share:
    name: str
    count: int
    percent: float
    link: str


@dataclass(frozen=True)
class Pulse:
    """`shares` are by what organizations are counted."""

    counted_at: datetime
    shares: Mapping[str, list[Share]]
    charts: list[Chart]


def pulse() -> Pulse | None:
    """What was counted last; None before the first time."""
    figures = DeskFigures.objects.first()
    if figures is None:
        return None
    counts, at = figures.counts, figures.counted_at
    geos = Geo.objects.values_list("code", "name")
    return Pulse(
        at,
        {
            "State": _shares(counts["states"], State.choices, "?state__exact={}"),
            "Plan of the active": _shares(counts["plans"], PLAN_NAMES.items(), "?state__exact=active&plan={}"),
            "Home geo of the active": _shares(counts["geos"], geos, ""),
        },
        [
            chart_of("Deactivated each week, by reason", counts["deactivated"], at),
            chart_of("Reactivated each week, by why they had been deactivated", counts["reactivated"], at),
        ],
    )


def _shares(counts: dict[str, int], names: Iterable[tuple[str, str]], query: str) -> list[Share]:
    page, total = reverse("admin:accounts_organization_changelist"), sum(counts.values()) or 1
    return [
        Share(name, counts.get(value, 0), counts.get(value, 0) * 100 / total, query and page + query.format(value))
        for value, name in names
    ]
