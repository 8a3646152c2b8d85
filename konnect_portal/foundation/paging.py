"""Pages of long lists: a million rows are never counted for one of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNT_CAP = 1000
"""Rows counted at most; a longer list says so and is narrowed by searching."""
PAGE_SIZE = 25


class CappedPaginator(Paginator):
    """Counts up to `COUNT_CAP` rows, so that a list costs what it shows."""

    object_list: QuerySet

    @cached_property
    def count(self):
        return self.object_list.order_by().values("pk")[:COUNT_CAP].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= COUNT_CAP


@dataclass(frozen=True)
class KeyPage[Row]:
    """The rows of one page, and the key of the last one where more follow; `name` is its parameter in the address."""

    rows: list[Row]
    after: UUID | int | None
    name: str = "after"

    @property
    def following(self) -> dict[str, UUID | int | None]:
        """What the address of the next page says otherwise than this one's."""
        return {self.name: self.after}


def key_page[Row: Model](
    rows: QuerySet[Row], *, by: str, after: str | None, size: int = PAGE_SIZE, name: str = "after"
) -> KeyPage[Row]:
    """The page of `rows` that follows the row with the id `after`, in order of `by` and id ("-" for descending).

    It costs what it shows, however far down it lies. An `after` that is none of `rows` gives the first page.
    Where a page has several lists, each has a `name`.
    """
    sign, field = ("-", by[1:]) if by.startswith("-") else ("", by)
    last = rows.filter(pk=_key(rows.model, after)).values_list(field, "pk").first() if after else None
    if last is not None:
        follows = TupleLessThan if sign else TupleGreaterThan
        rows = rows.filter(follows(Tuple(field, "pk"), last))
    found = list(rows.order_by(by, f"{sign}pk")[: size + 1])
    return KeyPage(found[:size], found[size - 1].pk if len(found) > size else None, name)


def search_of(request: HttpRequest) -> str:
    """What a list is searched for."""
    return request.GET.get("q", "").replace("\x00", "").strip()


def is_long(request: HttpRequest, page: KeyPage) -> bool:
    """Whether a list is worth searching: more than half a page, or part of a longer one."""
    shortened = bool(search_of(request) or request.GET.get(page.name))
    return shortened or page.after is not None or len(page.rows) > PAGE_SIZE // 2


def _key(model: type[Model], text: str) -> Any:
    try:
        return model._meta.pk.to_python(text)
    except ValidationError:
        return None
