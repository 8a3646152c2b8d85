"""What a benchmark is made of: a database of its own, a watch, and cases with their goals."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import cast
from uuid import uuid4

from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper


class ResultsDiffer(Exception):
    """Two ways that should come to the same do not, so their times say nothing; the text says which."""


@dataclass(frozen=True)
class Case:
    """So many things done in so many seconds; `floor` and `rival` are what is done per second without it.

    Where it takes at most `slack_seconds` longer than the floor, its goal is reached too.
    """

    case: str
    things: int
    seconds: float
    floor: float | None = None
    rival: float | None = None
    least_of_floor: float = 0
    least_of_rival: float = 0
    slack_seconds: float = 0

    @property
    def per_second(self) -> float:
        return self.things / self.seconds

    @property
    def to_floor(self) -> float | None:
        return self.floor and self.per_second / self.floor

    @property
    def to_rival(self) -> float | None:
        return self.rival and self.per_second / self.rival

    @property
    def goal(self) -> str | None:
        goals = {"of the floor": self.least_of_floor, "times the rival": self.least_of_rival}
        slack = f" or {self.slack_seconds * 1000:g} ms more" if self.slack_seconds else ""
        return " and ".join(f"{least:g} {what}" for what, least in goals.items() if least) + slack or None

    @property
    def holds(self) -> bool:
        reached = [(self.to_floor, self.least_of_floor), (self.to_rival, self.least_of_rival)]
        return self._is_within_slack or all((ratio or 0) >= least for ratio, least in reached)

    @property
    def _is_within_slack(self) -> bool:
        return self.floor is not None and self.seconds - self.things / self.floor < self.slack_seconds

    def as_json(self) -> dict:
        names = ["case", "seconds", "per_second", "to_floor", "to_rival", "goal", "holds"]
        return {name: getattr(self, name) for name in names}


class Watch:
    """Adds up the seconds spent on several ways of doing the same, done by turns so that none has the quieter hour."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, way: str, act: Callable, *args: object) -> None:
        began = perf_counter()
        act(*args)
        self.seconds[way] = self.seconds.get(way, 0) + perf_counter() - began


def median_seconds(act: Callable[[], object], times: int = 20) -> float:
    """Of so many times, after one that warms up."""
    act()
    taken = []
    for _ in range(times):
        began = perf_counter()
        act()
        taken.append(perf_counter() - began)
    return median(taken)


@contextmanager
def own_database() -> Generator[None]:
    """An empty database beside the portal's, on the same server; gone afterwards."""
    name = connection.settings_dict["NAME"]
    _let_go()
    connection.settings_dict["TEST"]["NAME"] = f"benchmark_{uuid4().hex[:12]}"
    with redirect_stdout(sys.stderr):  # where it tells of the cache's table, however quiet it shall be
        connection.creation.create_test_db(verbosity=0)
    try:
        yield
    finally:
        _let_go()
        connection.creation.destroy_test_db(name, verbosity=0)


def _let_go() -> None:
    """The pool's connections lead to the database that it was opened for, whatever the settings say since."""
    connection.close()
    cast(DatabaseWrapper, connection).close_pool()


def same(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise ResultsDiffer(f"{what} did not come to what it should: its times would say nothing.")
