"""The pulse of the portal: figures about everything there is.

Counting a million organizations takes longer than a page may, so a task counts every few minutes and the page says
when that was.
"""

from datetime import UTC, datetime, timedelta
from functools import cached_property

from django.db.models import Count, OuterRef, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, TruncWeek
from django.utils.functional import cached_property

from accounts.models import DeskFigures, LifecycleEvent, Organization
from accounts.words import Act, Reason, State
from billing.models import Plan, Subscription
from geos.models import Geo, OrganizationGeo

WEEKS = 12


def count_figures(*, at: datetime) -> None:
    """Count everything that the pulse shows, and keep it in place of what was counted before."""
    counts = {
        "states": _by(Organization.objects.all(), "state"),
        "plans": _plans(at),
        "geos": _by(OrganizationGeo.objects.filter(is_home=True, organization__state=State.ACTIVE), "geo"),
        "deactivated": _weekly(_deactivations(), at),
        "reactivated": _weekly(_reactivations(), at),
    }
    DeskFigures.objects.update_or_create(pk=1, defaults={"counted_at": at, "counts": counts})


def _by(rows: QuerySet, field: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(field).annotate(Count("pk")))


def _plans(at: datetime) -> dict[str, int]:
    """Of active organizations; Free is what remains."""
    active = Organization.objects.active().count()
    running = Subscription.objects.running(at).filter(organization__state=State.ACTIVE)
    trials = running.filter(is_trial=True).count()
    paid = _by(running.filter(is_trial=False), "plan")
    return {Plan.FREE: active - trials - sum(paid.values()), "trial": trials, **paid}


def _deactivations() -> QuerySet[LifecycleEvent]:
    """But those that an import brought with it, which say nothing about the week."""
    events = LifecycleEvent.objects.filter(act=Act.DEACTIVATED)
    return events.exclude(reason=Reason.IMPORTED).values("reason", why="reason")


def _reactivations():
    """With the reason of the deactivation that they took back."""
    ended = Cast(KT("details__deactivation"), UUIDField())
    return None


def first_week(at: datetime) -> datetime:
    """The Monday with which the 12 weeks begin; the week of `at` is the last of them."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday(), weeks=WEEKS - 1)
