"""Small checks that make up a shape: each takes a value and its path, gives what is kept of it, or rejects it."""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from konnect_portal.foundation.addresses import normalize_address

type Check[Kept] = Callable[[Any, str], Kept]

FIRST_YEAR, LAST_YEAR = 1900, 9998
"""A year of room on either side: everything that reckons with these moments stays within what a moment can hold."""

NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
ADDRESS = re.compile(r"\S+@[^\s@]+")


class Rejected(Exception):
    """Why a line is not taken. `field` is a path into it, None where the line is no object."""

    def __init__(self, field: str | None, reason: str):
        super().__init__(reason)
        self.field = field
        self.reason = reason


class Fields(dict[str, Any]):
    """A JSON object that remembers whether it named a field twice, which a dict would hide."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]):
        pairs = list(pairs)
        super().__init__(pairs)
        self.repeats = len(self) < len(pairs)


def fields[Made](make: Callable[..., Made], *, may_lack: Collection[str] = (), **checks: Check) -> Check[Made]:
    """An object of exactly these fields, each of which passes its check."""

    def check(value: Any, path: str) -> Made:
        if not isinstance(value, Fields):
            raise Rejected(path or None, "is not an object")
        _same_names(value, path, checks, may_lack)
        return make(**{name: checks[name](value[name], _join(path, name)) for name in checks if name in value})

    return check


def list_of[Kept](item: Check[Kept]) -> Check[list[Kept]]:
    def check(value: Any, path: str) -> list[Kept]:
        if not isinstance(value, list):
            raise Rejected(path, "is not a list")
        return [item(each, _join(path, index)) for index, each in enumerate(value)]

    return check


def or_null[Kept](inner: Check[Kept]) -> Check[Kept | None]:
    return lambda value, path: None if value is None else inner(value, path)


def one_of(words: Collection[str], what: str) -> Check[str]:
    def check(value: Any, path: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise Rejected(path, f"is not a known {what}; known are: {', '.join(sorted(words))}")
        return value

    return check


def text(least: int, most: int) -> Check[str]:
    """A string of so many characters after trimming."""

    def check(value: Any, path: str) -> str:
        kept = _string(value, path).strip()
        if not least <= len(kept) <= most:
            raise Rejected(path, f"has {len(kept)} characters after trimming; {least} to {most} are allowed")
        return kept

    return check


def address(value: Any, path: str) -> str:
    """An e-mail address, in the form of P1."""
    kept = text(1, 250)(normalize_address(_string(value, path)), path)
    if not ADDRESS.fullmatch(kept):
        raise Rejected(path, "is not an e-mail address")
    return kept


def uuid(value: Any, path: str) -> UUID:
    try:
        return UUID(_string(value, path))
    except ValueError:
        raise Rejected(path, "is not a UUID") from None


def boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise Rejected(path, "is neither true nor false")
    return value


def count(most: int) -> Check[int]:
    """A whole number from 0 on; 3.0 is one too, true is not."""

    def check(value: Any, path: str) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (isinstance(value, float) and value.is_integer()):
            raise Rejected(path, "is not a whole number")
        if not 0 <= value <= most:
            raise Rejected(path, f"is not between 0 and {most}")
        return int(value)

    return check


def moment(value: Any, path: str) -> datetime:
    """A moment with its offset, in UTC and to the second."""
    try:
        kept = datetime.fromisoformat(_string(value, path).strip())
    except ValueError:
        raise Rejected(path, "is not a moment like 2026-11-20T03:00:00Z") from None
    if kept.tzinfo is None:
        raise Rejected(path, "is a moment without a time zone; it needs Z or an offset")
    if not FIRST_YEAR <= kept.year <= LAST_YEAR:
        raise Rejected(path, f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return kept.astimezone(UTC).replace(microsecond=0)


def moment_until(latest: datetime) -> Check[datetime]:
    def check(value: Any, path: str) -> datetime:
        kept = moment(value, path)
        if kept > latest:
            raise Rejected(path, "lies more than 5 minutes ahead")
        return kept

    return check


def day(value: Any, path: str) -> date:
    try:
        return date.fromisoformat(_string(value, path).strip())
    except ValueError:
        raise Rejected(path, "is not a day like 2026-11-20") from None


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise Rejected(path, "is not a string")
    if NOT_STORABLE.search(value):
        raise Rejected(path, "has a NUL or a lone surrogate in it")
    return value


def _same_names(value: Fields, path: str, known: Collection[str], may_lack: Collection[str]) -> None:
    if value.repeats:
        raise Rejected(path or None, "names a field twice")
    for name in value:
        if name not in known:
            raise Rejected(_join(path, _printable(name)), "is not a known field")
    for name in known:
        if name not in value and name not in may_lack:
            raise Rejected(_join(path, name), "is missing")


def _printable(name: str) -> str:
    return NOT_STORABLE.sub("\ufffd", name[:100])


def _join(path: str, step: str | int) -> str:
    return f"{path}.{step}" if path else str(step)
