"""What support should look at: geos whose usage is late, and trials that end."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from billing.models import GeoUsage, Subscription, UsageFault

TRIAL_ENDS_SOON = timedelta(days=7)


def expect_usage(geos: Iterable[str], *, at: datetime) -> None:
    """Take down from when on these geos should report; of those that are known nothing changes."""
    GeoUsage.objects.bulk_create([GeoUsage(geo=geo, reported_at=at) for geo in geos], ignore_conflicts=True)


def geos_behind(at: datetime) -> QuerySet[GeoUsage]:
    """Those whose usage is not complete up to 2 hours ago (P63), with `behind_since`.

    One that never was complete is behind since its first record that could not be read, or since it was expected.
    """
    faults = UsageFault.objects.filter(geo=OuterRef("geo"), mended_at__isnull=True).order_by("received_at")
    late = at - timedelta(hours=settings.USAGE_COMPLETE_WITHIN_HOURS)
    since = Coalesce("complete_through", Subquery(faults.values("received_at")[:1]), "reported_at")
    return (
        GeoUsage.objects.filter(geo__in=settings.GEOS)
        .annotate(behind_since=since)
        .filter(Q(complete_through__isnull=True) | Q(complete_through__lt=late))
    )


def trials_ending(at: datetime) -> QuerySet[Subscription]:
    """Trials that run at `at` and end within 7 days (P30)."""
    return Subscription.objects.filter(
        is_trial=True, ended_at__isnull=True, ends_at__gt=at, ends_at__lte=at + TRIAL_ENDS_SOON
    )
