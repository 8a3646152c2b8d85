import json
from datetime import UTC, datetime
from io import StringIO
from shutil import get_terminal_size
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accounts import checks, inactivity
from accounts.admin.inactivity import remarks
from accounts.inactivity import Question, Standing
from accounts.models import CheckRun
from accounts.words import HeldBy

WIDTH_OF_A_FILE = 150

FELL_SHORT = {
    CheckRun.Outcome.PAUSED: "Nobody was deactivated: the check is paused.",
    CheckRun.Outcome.WAITING: "Nobody was deactivated: more are due than the limit allows. The list waits for a lead.",
}


class Command(BaseCommand):
    help = "Deactivate the organizations that nobody uses, or say who they are (--dry-run changes nothing)."

    def add_arguments(self, parser):
        parser.add_argument("--at", metavar="MOMENT", help="decide by this moment, such as 2026-11-20T03:00:00Z")
        parser.add_argument("--dry-run", action="store_true", help="only say who is due; write and send nothing")
        parser.add_argument(
            "--without-notices", action="store_true", help="with --dry-run: as if no notice had to come first"
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *, at, dry_run, without_notices, **options):
        if without_notices and settings.INACTIVITY_NOTICES and not dry_run:
            raise CommandError("--without-notices goes only with --dry-run while notices are on.", returncode=2)
        question = inactivity.ask(None if at is None else moment(at), notices=False if without_notices else None)
        due = inactivity.due(question)
        result = None if dry_run else checks.run_check(question.at if at else None)
        deactivated = result.deactivated if result else []
        if options["json"]:
            self.stdout.write(as_json(question, due, deactivated))
        else:
            self._tell(question, due, deactivated, dry_run=dry_run)
        if result:
            fail_where_short(result.run)

    def _tell(self, question: Question, due: list[Standing], deactivated: list[UUID], *, dry_run: bool):
        page = StringIO()
        console = Console(file=page, width=self._width(), highlight=False)
        console.print(f"Inactive at {text(question.at)}: {count(len(due))}")
        for remark in remarks(question):
            console.print(remark)
        if due:
            console.print(table(due, deactivated))
        going = sum(standing.may_go for standing in due)
        console.print(
            f"{count(going)} would be deactivated. Nothing was changed."
            if dry_run
            else f"{count(len(deactivated))} deactivated."
        )
        self.stdout.write(page.getvalue(), ending="")

    def _width(self) -> int:
        return get_terminal_size().columns if self.stdout.isatty() else WIDTH_OF_A_FILE


def moment(given: str) -> datetime:
    """A moment with its time zone; CommandError with exit status 2 where it is none."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise CommandError(f"{given!r} is no moment such as 2026-11-20T03:00:00Z.", returncode=2) from None
    if at.tzinfo is None:
        raise CommandError(f"{given!r} has no time zone. For UTC, write it with Z at the end.", returncode=2)
    if not inactivity.can_be_asked(at):
        raise CommandError(f"{given!r} lies too far away to be answered.", returncode=2)
    return at.astimezone(UTC)


def as_json(question: Question, due: list[Standing], deactivated: list[UUID]) -> str:
    answer = {
        "at": text(question.at),
        "due": [
            {
                "id": str(standing.id),
                "name": standing.name,
                "inactive_at": text(standing.inactive_at),
                "last_seen_at": text(standing.last_seen_at),
                "last_api_request_at": text(standing.last_api_request_at),
                "held_by": standing.held_by,
            }
            for standing in due
        ],
        "deactivated": [str(id) for id in deactivated],
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


def text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def count(organizations: int) -> str:
    return "1 organization" if organizations == 1 else f"{organizations:,} organizations"


def table(due: list[Standing], deactivated: list[UUID]) -> Table:
    columns = Table("Organization", "Id", "Inactive at", "Last seen", "Last API request", "")
    for standing in due:
        columns.add_row(
            Text(standing.name),
            str(standing.id),
            text(standing.inactive_at),
            text(standing.last_seen_at),
            text(standing.last_api_request_at) or "none",
            what_becomes_of(standing, deactivated),
        )
    return columns


def what_becomes_of(standing: Standing, deactivated: list[UUID]) -> str:
    if standing.id in deactivated:
        return "Deactivated"
    return HeldBy(standing.held_by).label if standing.held_by else ""


def fail_where_short(run: CheckRun) -> None:
    """Exit status 1 where the check did not do what it is for."""
    if run.outcome in FELL_SHORT:
        raise CommandError(FELL_SHORT[CheckRun.Outcome(run.outcome)])
    if run.failed_count:
        raise CommandError(f"{count(run.failed_count)} could not be deactivated; the log says why.")
