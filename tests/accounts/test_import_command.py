"""`manage.py import_organizations FILE [--json]`: what it prints, and its exit status (docs/export-format.md)."""

import io
import json
import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Organization
from tests.exports import file_of, organization
from tests.workers import database_url


@pytest.fixture
def export(tmp_path):
    def write(*lines) -> str:
        path = tmp_path / "export.jsonl"
        path.write_bytes(file_of(*lines).getvalue())
        return str(path)

    return write


def run(*arguments: str) -> tuple[str, int]:
    """What the command prints, and its exit status."""
    output = io.StringIO()
    try:
        call_command("import_organizations", *arguments, stdout=output)
    except SystemExit as end:
        return output.getvalue(), end.code
    return output.getvalue(), 0


@pytest.mark.django_db
class TestCommand:
    def test_json_is_all_that_is_printed(self, export):
        text, status = run(export(organization(), organization(), organization(plan="gold")), "--json")

        assert json.loads(text) == {
            "read": 3,
            "created": 2,
            "unchanged": 0,
            "rejected": [
                {"line": 3, "field": "plan", "reason": "is not a known plan; known are: enterprise, free, plus, trial"}
            ],
        }
        assert status == 1

    def test_field_is_null_where_a_line_is_no_object(self, export):
        text, _status = run(export(b"[]"), "--json")

        assert json.loads(text)["rejected"] == [{"line": 1, "field": None, "reason": "is not an object"}]

    def test_status_zero_where_every_line_was_taken(self, export):
        path = export(organization())

        assert run(path)[1] == 0
        assert run(path) == ("1 line read: 0 organizations created, 1 unchanged, 0 rejected.\n", 0)

    def test_a_person_reads_which_lines_were_rejected_and_why(self, export):
        text, status = run(export(organization(), b"bad", organization(name="")))

        assert text == (
            "3 lines read: 1 organization created, 0 unchanged, 2 rejected.\n"
            "line 2: is not JSON\n"
            "line 3, name: has 0 characters after trimming; 1 to 250 are allowed\n"
        )
        assert status == 1

    def test_an_empty_file_is_taken_whole(self, export):
        assert json.loads(run(export(), "--json")[0])["read"] == 0
        assert run(export())[1] == 0


@pytest.mark.parametrize(
    ("name", "why"), [("missing", "No such file or directory"), ("", "Is a directory"), ("a/b", "No such file")]
)
def test_a_file_that_cannot_be_read_is_status_two(tmp_path, name, why, db):
    with pytest.raises(CommandError, match=why) as refused:
        call_command("import_organizations", str(tmp_path / name), "--json")

    assert refused.value.returncode == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_progress_is_shown_on_a_terminal_alone(export):
    path = export(*(organization() for _ in range(20)))

    shown, status = on_terminal(path)
    done = subprocess.run(command(path), env=environment(), capture_output=True, text=True, check=True)

    assert "Importing" in shown
    assert status == 0
    assert done.stderr == ""
    assert Organization.objects.count() == 20


def command(path: str) -> list[str]:
    return [sys.executable, "manage.py", "import_organizations", path, "--json"]


def environment() -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database_url(), "TERM": "xterm"}


def on_terminal(path: str) -> tuple[str, int]:
    """Run the command with a terminal for its errors; what that showed, and the exit status."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(command(path), env=environment(), stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = b""
        with suppress(OSError):
            while piece := screen.read(1024):
                shown += piece
        return shown.decode(), process.wait()
