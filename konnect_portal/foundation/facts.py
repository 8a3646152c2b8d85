"""What happened, as each floor tells it, so that one history can be read of them all, the newest first."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Model, Q, QuerySet, When
from django.db.models.functions import Greatest


@dataclass(frozen=True)
class Fact:
    """One thing that happened. `by` is the id of who did it, and `who` their name at the time where that was kept."""

    at: datetime
    id: UUID | int
    what: str
    about: str = ""
    by: UUID | None = None
    who: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Before:
    """Where a reader stands: facts older than `at`, and of that moment all, none, or those below `id`."""

    at: datetime
    id: UUID | int | None = None
    whole_moment: bool = False

    def condition(self, by: str) -> Q:
        older = Q(**{f"{by}__lt": self.at})
        if self.id is not None:
            older |= Q(**{by: self.at, "pk__lt": self.id})
        return Q(**{f"{by}__lte": self.at}) if self.whole_moment else Q(older, **{f"{by}__lte": self.at})

    def takes(self, fact: Fact) -> bool:
        """What `condition` asks the database."""
        is_lower = self.whole_moment or (self.id is not None and fact.id < self.id)  # type: ignore[operator]
        return fact.at < self.at or (fact.at == self.at and is_lower)


type Teller = Callable[[UUID, Before | None, int], list[Fact]]
"""Tells the newest facts of an organization before a place, so many at most, in one statement or a fixed number."""


def newest[Row: Model](rows: QuerySet[Row], by: str, before: Before | None, most: int) -> list[Row]:
    """The first `most` of `rows` before a place, by the moment `by` and then by id."""
    if before is not None:
        rows = rows.filter(before.condition(by))
    return list(rows.order_by(f"-{by}", "-pk")[:most])


def teller[Row: Any](rows: Callable[[UUID], QuerySet], by: str, tell: Callable[[Row], Fact]) -> Teller:
    """Tells of the rows of an organization that have the moment `by`."""

    def told(organization_id: UUID, before: Before | None, most: int) -> list[Fact]:
        found = rows(organization_id).filter(**{f"{by}__isnull": False})
        return [tell(row) for row in newest(found, by, before, most)]

    return told


def teller_of_moments[Row: Any](
    rows: Callable[[UUID], QuerySet], moments: Mapping[str, str], tell: Callable[[Row, datetime, str], Fact]
) -> Teller:
    """Tells of the rows of an organization at each of several moments; `moments` says what happened at which.

    In one statement: the newest facts are of the rows that have the newest of these moments. What happened to a row
    at the very same moment is one fact, since a place tells no two of them apart.
    """

    def told(organization_id: UUID, before: Before | None, most: int) -> list[Fact]:
        asked = [F(by) if before is None else Case(When(before.condition(by), then=by)) for by in moments]
        latest = rows(organization_id).annotate(latest=Greatest(*asked)).filter(latest__isnull=False)
        facts = [
            tell(row, at, ", ".join(happened))
            for row in latest.order_by("-latest", "-pk")[:most]
            for at, happened in _happened(row, moments).items()
        ]
        taken = [fact for fact in facts if before is None or before.takes(fact)]
        return sorted(taken, key=lambda fact: (fact.at, fact.id), reverse=True)[:most]

    return told


def _happened(row: Any, moments: Mapping[str, str]) -> dict[datetime, list[str]]:
    """What happened to a row, by moment."""
    found = defaultdict(list)
    for by, what in moments.items():
        if (at := getattr(row, by)) is not None:
            found[at].append(what)
    return found
