import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SUPERVISOR = """
import json, sys, time
from pathlib import Path
from konnect_portal.development import services

with services.running(Path(sys.argv[1])) as started:
    print(json.dumps(started), flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    """These tests start services of their own, whatever this run itself uses."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that every account can reach, as that of a checkout usually is."""
    place = Path(tempfile.mkdtemp(prefix="portal-test-"))
    place.chmod(0o755)
    yield place / "services"
    for outside in place.rglob("outside"):
        shutil.rmtree(outside.readlink(), ignore_errors=True)  # two links may name one place
    shutil.rmtree(place)


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory() as directory:
        yield directory


@pytest.fixture
def checkout(directory) -> Path:
    """A copy of the project with nothing under `.local`, sharing the packages that are installed."""
    copy = directory.parent / "checkout"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(".venv", ".local", ".git", ".*_cache"))
    (copy / ".venv").symlink_to(sys.prefix)
    return copy


@contextmanager
def _supervisor(directory: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-c", SUPERVISOR, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout
        yield process, json.loads(process.stdout.readline())
        process.kill()


@pytest.fixture
def supervisor() -> Callable:
    """Another process that runs services in a directory; gives the process and what it started."""
    return _supervisor


@pytest.fixture
def process_group() -> Iterator[Callable]:
    """Start a command in a group of its own, which is killed after the test whatever became of it."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str | Path, cwd: Path, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
