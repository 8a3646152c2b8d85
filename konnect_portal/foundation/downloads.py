"""Rows as CSV, one at a time, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator

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


def download(written: Iterable[str], content_type: str, name: str) -> StreamingHttpResponse:
    """To be kept as a file of that name."""
    return StreamingHttpResponse(
        written,
        content_type=f"{content_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
