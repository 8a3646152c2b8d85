"""Billing cycles (P31): 30-day increments from an anchor, in Python and in SQL. Both floor, also before the anchor."""

from datetime import datetime, timedelta

from django.db import models

CYCLE = timedelta(days=30)


def cycle_of(anchor: datetime, moment: datetime) -> int:
    """The number k of the cycle that `moment` lies in; negative before the anchor."""
    return (moment - anchor) // CYCLE


def cycle_start(anchor: datetime, k: int) -> datetime:
    """The first moment of cycle k; that of cycle k + 1 is the first after it."""
    return anchor + k * CYCLE


class CycleOf(models.Func):
    """`cycle_of` in SQL: CycleOf(anchor, moment).

    PostgreSQL's `div` truncates, so it is asked from ten million cycles before the anchor, earlier than any date it
    knows; and it is exact, where dividing and flooring rounds a microsecond before a boundary up to the boundary.
    """

    template = (
        "(div(extract(epoch FROM -(%(expressions)s)) + 10000000 * 2592000::numeric, 2592000) - 10000000)::integer"
    )
    arg_joiner = " - "
    arity = 2
    output_field = models.IntegerField()

    @classmethod
    def sql(cls, anchor: str, moment: str) -> str:
        """The same in a hand-written statement."""
        return cls.template % {"expressions": cls.arg_joiner.join([anchor, moment])}


class CycleStart(models.Func):
    """`cycle_start` in SQL: CycleStart(anchor, k). In seconds, since a day of an interval need not have 24 hours."""

    template = "(%(expressions)s * interval '2592000 seconds')"
    arg_joiner = " + "
    arity = 2
    output_field = models.DateTimeField()
