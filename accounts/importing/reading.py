"""Reading a file line by line without ever holding a long one."""

from collections.abc import Iterator
from typing import Protocol

LINE_BYTES_MAX = 1_000_000
SKIP_BYTES = 65_536


class Readable(Protocol):
    def readline(self, size: int = -1, /) -> bytes: ...


def read_lines(file: Readable) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, counted from 1; None instead of a line that is over 1 MB."""
    number = 0
    while raw := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > LINE_BYTES_MAX and not raw.endswith(b"\n"):
            _skip_rest(file)
            yield number, None
        else:
            yield number, raw.removesuffix(b"\n")


def _skip_rest(file: Readable) -> None:
    while (piece := file.readline(SKIP_BYTES)) and not piece.endswith(b"\n"):
        pass
