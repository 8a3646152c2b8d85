"""Lists of an API as Konnect has them, filtered, sorted and by numbered pages: docs/konnect-shapes.md."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import IContains
from django.http import HttpRequest
from ninja import Schema

from konnect_portal.foundation.problems import Problem, invalid

PAGE_SIZE = 10
PAGE_SIZE_MAX = 1000
NUMBER = re.compile(r"-?[0-9]{1,18}")
FILTER = re.compile(r"filter\[([^\[\]]+)\](?:\[([^\[\]]+)\])?")
ORDERS = {"asc": "", "desc": "-"}
TRUTHS = {"true": True, "false": False}


class PageMeta(Schema):
    number: int
    size: int
    total: int


class PagedMeta(Schema):
    page: PageMeta


class Page[Row](Schema):
    meta: PagedMeta
    data: list[Row]


class FlatPage[Row](Schema):
    """How Konnect lists personal tokens: the numbers stand in `meta` itself."""

    meta: PageMeta
    data: list[Row]


class WholeList[Row](Schema):
    """A list without pages."""

    data: list[Row]


@dataclass(frozen=True)
class Operation:
    """How a field is asked: the text is read to a value, LookupError or ValueError where it is none, and compared."""

    condition: Callable[[Any], Q | Combinable]
    read: Callable[[str], Any] = str
    reason: str = ""
    rule: str = "invalid"


type Filter = Mapping[str, Operation]


def word(column: str) -> Filter:
    """By the whole value."""
    return {"eq": Operation(lambda value: Q(**{column: value}))}


def text(column: str, read: Callable[[str], str] = str) -> Filter:
    """By the whole value, or a part of it in any case."""
    return {
        "eq": Operation(lambda value: Q(**{column: value}), read),
        "neq": Operation(lambda value: ~Q(**{column: value}), read),
        "contains": Operation(lambda value: Q(**{f"{column}__icontains": value}), read),
    }


def truth(column: str) -> Filter:
    return {"eq": _by_truth(lambda value: Q(**{column: value}))}


def choice(column: str, values: Mapping[str, str]) -> Filter:
    """By words that stand for values of the column; a word for none is asked for in vain."""
    return {
        "eq": Operation(lambda value: Q(**{column: value}), lambda word: values.get(word, word)),
        "neq": Operation(lambda value: ~Q(**{column: value}), lambda word: values.get(word, word)),
        "oeq": Operation(
            lambda found: Q(**{f"{column}__in": found}),
            lambda words: [values.get(word, word) for word in words.split(",")],
        ),
    }


def never() -> Filter:
    """By something that none of them is."""
    return {"eq": _by_truth(lambda value: Q(pk__in=[]) if value else Q())}


def ids(column: str) -> Filter:
    """By one id, or by any of several with commas between."""
    wrong = ("invalid ID format", "is_uuid")
    return {
        "eq": Operation(lambda value: Q(**{column: value}), UUID, *wrong),
        "oeq": Operation(lambda values: Q(**{f"{column}__in": values}), _read_ids, *wrong),
    }


def labels(column: str) -> Callable[[str], Filter]:
    """By the label with a key: its value, a part of it, or whether there is one."""
    return lambda key: {
        "eq": Operation(lambda value: Q(**{f"{column}__contains": {key: value}})),
        "contains": Operation(lambda value: IContains(KeyTextTransform(key, column), value)),
        "exists": _by_truth(lambda value: Q(Q(**{f"{column}__has_key": key}), _negated=not value)),
    }


def _read_ids(text: str) -> list[UUID]:
    return [UUID(part) for part in text.split(",")]


def _by_truth(condition: Callable[[bool], Q]) -> Operation:
    return Operation(condition, TRUTHS.__getitem__, "must be true or false", "is_boolean")


@dataclass(frozen=True)
class Listing:
    """What can be asked of a list. `keyed` are fields that have keys of their own: `filter[labels.env]`."""

    filters: Mapping[str, Filter]
    keyed: Mapping[str, Callable[[str], Filter]] = field(default_factory=dict)
    sorts: tuple[str, ...] = ("created_at", "updated_at")
    by: str = "created_at"

    def page[Row: Model](self, request: HttpRequest, rows: QuerySet[Row]) -> dict:
        """The page that was asked for, as `Page`: two queries, however many rows there are."""
        page = self.flat_page(request, rows)
        return {"meta": {"page": page["meta"]}, "data": page["data"]}

    def flat_page[Row: Model](self, request: HttpRequest, rows: QuerySet[Row]) -> dict:
        size = _number(request, "page[size]", PAGE_SIZE, maximum=PAGE_SIZE_MAX)
        number = _number(request, "page[number]", 1)
        rows = self.rows(request, rows)
        total, start = rows.count(), size * (number - 1)
        data = list(rows[start : start + size]) if start < total else []
        return {"meta": {"number": number, "size": size, "total": total}, "data": data}

    def rows[Row: Model](self, request: HttpRequest, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those that were asked for, in the order asked for; at the end the id decides."""
        for condition in self._conditions(request):
            rows = rows.filter(condition)
        column, sign = self._sort(request)
        return rows.order_by(f"{sign}{column}", f"{sign}pk")

    def _conditions(self, request: HttpRequest) -> Iterator[Q | Combinable]:
        for name, values in request.GET.lists():
            if name.startswith("filter"):
                for value in values:
                    yield self._condition(name, value)

    def _condition(self, name: str, value: str) -> Q | Combinable:
        matched = FILTER.fullmatch(name)
        if matched is None or "\x00" in name + value:
            raise _wrong("filter", "request format is invalid")
        asked, operation_name = matched[1], matched[2] or "eq"
        where = f"[filter][{asked}][{operation_name}]"
        operations = self._filter(asked)
        if operations is None:
            raise _wrong(f"[filter][{asked}]", f"[{asked}] is not a supported filter field")
        operation = operations.get(operation_name)
        if operation is None:
            raise _wrong(where, f"[{operation_name}] is not a supported filter operation")
        try:
            return operation.condition(operation.read(value))
        except (LookupError, ValueError):
            raise _wrong(where, operation.reason, operation.rule) from None

    def _filter(self, asked: str) -> Filter | None:
        name, _, key = asked.partition(".")
        if key and name in self.keyed:
            return self.keyed[name](key)
        return self.filters.get(asked)

    def _sort(self, request: HttpRequest) -> tuple[str, str]:
        """`created_at desc`: the column, and its sign in an `order_by`."""
        column, _, order = request.GET.get("sort", self.by).partition(" ")
        if column not in self.sorts:
            raise _wrong("sort", "is no field to sort by", "enum", choices=list(self.sorts))
        if order not in ("", *ORDERS):
            raise _wrong("sort", "is no order to sort in", "enum", choices=list(ORDERS))
        return column, ORDERS.get(order, "")


def _number(request: HttpRequest, name: str, default: int, *, maximum: int | None = None) -> int:
    """A number from 1 on; what is left out or empty is the default."""
    text = request.GET.get(name) or str(default)
    if not NUMBER.fullmatch(text):
        raise _wrong(name, "must be an integer", "is_integer")
    number = int(text)
    if number < 1:
        raise _wrong(name, "must be 1 or more", "min", minimum=1)
    if maximum is not None and number > maximum:
        raise _wrong(name, f"must be {maximum} or less", "max", maximum=maximum)
    return number


def _wrong(field: str, reason: str, rule: str = "invalid", **limits: object) -> Problem:
    return invalid(field, reason, rule, "query", **limits)
