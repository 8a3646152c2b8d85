"""Moments as people read them: "20 Nov 2026, 03:00 UTC (in 3 days)"."""

from datetime import datetime, timedelta

from django.utils import timezone

UNITS = [(timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")]


def distance(moment: datetime, now: datetime | None = None) -> str:
    """How far off: "in 3 days", "5 minutes ago", "just now"."""
    ahead = moment - (now or timezone.now())
    words = span(ahead)
    if not words:
        return "just now"
    return f"in {words}" if ahead > timedelta() else f"{words} ago"


def span(length: timedelta) -> str:
    """How long, forwards or back: "3 days"; nothing where it is less than a minute."""
    for unit, name in UNITS:
        count = abs(length) // unit
        if count:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return ""


def absolute(moment: datetime) -> str:
    """In UTC: "20 Nov 2026, 03:00 UTC"."""
    return f"{moment:%-d %b %Y, %H:%M} UTC"
