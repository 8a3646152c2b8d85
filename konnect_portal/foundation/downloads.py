"""Rows as CSV, safe to open in a spreadsheet, or as JSON, one at a time."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping

from django.http import StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate a cell; names come from people."""


class Echo:
    """What csv writes to where each row is wanted at once."""

    def write(self, row: str) -> str:
        return row


def as_csv(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(head)
    for row in rows:
        yield writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row])


def as_json(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """An array, a row a line."""
    yield "["
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False)
    yield "\n]\n"


def download(written: Iterable[str], content_type: str, name: str) -> StreamingHttpResponse:
    """To be kept as a file of that name."""
    return StreamingHttpResponse(
        written,
        content_type=f"{content_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
