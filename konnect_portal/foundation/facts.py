"""What happened, as each floor tells it, so that one history can be read of them all, the newest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet


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
