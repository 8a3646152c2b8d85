"""A breaker for each geo: after failures in a row its service is left alone but for a probe now and then.

It is a row, so that all workers of a geo go by the same one. Other geos go on.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Case, F, Value, When

from geos.models import GeoBreaker

logger = structlog.get_logger(__name__)


def admits(geo: str, *, at: datetime) -> bool:
    """Whether the geo's service may be asked now. While it is left alone one caller a pause may, who comes first.

    Whoever is admitted so has to ask: the next one is admitted a pause later, whatever becomes of this one.
    """
    is_open = GeoBreaker.objects.filter(geo=geo, open_until__isnull=False)
    return not is_open.exists() or is_open.filter(open_until__lte=at).update(open_until=at + _pause()) == 1


def note_answer(geo: str) -> None:
    """The service answers: all that wait for it may ask it."""
    GeoBreaker.objects.filter(geo=geo).exclude(failures=0, open_until=None).update(failures=0, open_until=None)


def note_failure(geo: str, *, at: datetime) -> None:
    """Count a failure; from GEO_BREAKER_FAILURES in a row on the service is left alone for a pause."""
    GeoBreaker.objects.bulk_create([GeoBreaker(geo_id=geo)], ignore_conflicts=True)
    enough = When(failures__gte=settings.GEO_BREAKER_FAILURES - 1, then=Value(at + _pause()))
    breaker = GeoBreaker.objects.filter(geo=geo)
    breaker.update(failures=F("failures") + 1, open_until=Case(enough, default=F("open_until")))
    if breaker.filter(failures=settings.GEO_BREAKER_FAILURES).exists():
        logger.error("geo left alone", geo=geo, failures=settings.GEO_BREAKER_FAILURES)


def let_ask(geo: str, *, at: datetime) -> None:
    """Admit the next caller at once, as if the pause were over."""
    GeoBreaker.objects.filter(geo=geo, open_until__gt=at).update(open_until=at)


def _pause() -> timedelta:
    return timedelta(seconds=settings.GEO_BREAKER_SECONDS)
