"""Moments as people read them: "20 Nov 2026, 03:00 UTC (in 3 days)"."""

from datetime import datetime, timedelta

from django.utils import timezone

UNITS = [(timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")]


def distance(moment: datetime, now: datetime | None = None) -> str:
    """How far off: "in 3 days", "5 minutes ago", "just now"."""
    ahead = moment - (now or timezone.now())
    for unit, name in UNITS:
        count = abs(ahead) // unit
        if count:
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"in {words}" if ahead > timedelta() else f"{words} ago"
    return "just now"


def absolute(moment: datetime) -> str:
    """In UTC: "20 Nov 2026, 03:00 UTC"."""
    return f"{moment:%-d %b %Y, %H:%M} UTC"
