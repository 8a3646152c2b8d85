import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from accounts.importing import Rejection, Tally, import_organizations
from accounts.importing.reading import Readable

UNREADABLE = 2


class Command(BaseCommand):
    help = "Take in organizations from a file of JSON Lines (docs/export-format.md)."

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--json", action="store_true", help="print the account of it as JSON, and nothing else")

    def handle(self, *args, file, json, **options):
        with TemporaryFile("w+", encoding="utf-8") as spool:
            account = Account(spool)
            try:
                with opened(file) as lines:
                    for tally in import_organizations(lines, at=timezone.now().replace(microsecond=0)):
                        account.add(tally)
            except OSError as problem:
                raise CommandError(f"{file} could not be read: {problem.strerror}.", returncode=UNREADABLE) from None
            for text in account.as_json() if json else account.as_text():
                self.stdout.write(text, ending="")
        if account.rejected:
            sys.exit(1)


@dataclass
class Account:
    """What became of the lines; those that were not taken wait in a file, since they may be many."""

    spool: IO[str]
    read: int = 0
    created: int = 0
    unchanged: int = 0
    rejected: int = 0

    def add(self, tally: Tally) -> None:
        self.read += tally.read
        self.created += tally.created
        self.unchanged += tally.unchanged
        self.rejected += len(tally.rejected)
        self.spool.writelines(json.dumps(rejection._asdict()) + "\n" for rejection in tally.rejected)

    def as_json(self) -> Iterator[str]:
        yield f'{{"read": {self.read}, "created": {self.created}, "unchanged": {self.unchanged}, "rejected": ['
        for index, line in enumerate(self._told()):
            yield (", " if index else "") + line.rstrip("\n")
        yield "]}\n"

    def as_text(self) -> Iterator[str]:
        yield (
            f"{counted(self.read, 'line')} read: {counted(self.created, 'organization')} created, "
            f"{self.unchanged} unchanged, "
            f"{self.rejected} rejected.\n"
        )
        for line in self._told():
            rejection = Rejection(**json.loads(line))
            where = f"line {rejection.line}, {rejection.field}" if rejection.field else f"line {rejection.line}"
            yield f"{where}: {rejection.reason}\n"

    def _told(self) -> Iterator[str]:
        self.spool.seek(0)
        yield from self.spool


def counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


@contextmanager
def opened(path: str) -> Iterator[Readable]:
    """The file, with a progress bar on the terminal while it is read, if there is a terminal."""
    bar = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with open(path, "rb") as file, bar:
        yield bar.wrap_file(file, total=os.fstat(file.fileno()).st_size, description="Importing")
