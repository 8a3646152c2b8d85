"""Stretches of time cut at midnights (UTC), because usage is kept by hour and by day."""

from datetime import datetime, timedelta
from typing import NamedTuple

DAY = timedelta(days=1)


class Cut(NamedTuple):
    """`[start, end)`: whole days from `first` to before `last`, both midnights, and the hours before and after them.

    Where no midnight lies between, there are hours only and `first` is the end.
    """

    start: datetime
    first: datetime
    last: datetime
    end: datetime


def cut_at_midnights(start: datetime, end: datetime) -> Cut:
    first = min(_next_midnight(start), end)
    return Cut(start, first, max(midnight(end), first), end)


def midnight(moment: datetime) -> datetime:
    """The beginning of the day that `moment` lies in."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(moment: datetime) -> datetime:
    """`moment` itself where it is one."""
    begun = midnight(moment)
    return begun if begun == moment else begun + DAY
