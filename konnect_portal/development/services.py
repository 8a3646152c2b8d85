"""Real PostgreSQL and Valkey for whoever has none: started from wheels, gone with the process that started them.

Nothing is started for what `DATABASE_URL` and `REDIS_URL` already say. PostgreSQL listens on a Unix socket only,
Valkey on a free port of 127.0.0.1 behind a password. Two locks guard a directory: the supervisor's says who uses it
now, the servers' is inherited by every server process and so is free only when the last of them has gone.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO

from konnect_portal.development.postgresql import PostgreSQL
from konnect_portal.development.processes import NotStarted
from konnect_portal.development.valkey import Valkey

__all__ = ["Busy", "NotStarted", "for_tests", "running", "servers"]

SERVERS: tuple[type[PostgreSQL] | type[Valkey], ...] = (PostgreSQL, Valkey)


class Busy(Exception):
    """Another process uses the directory; the text says which."""


@contextmanager
def running(directory: Path, *, durable: bool = True, patience: float = 15) -> Iterator[dict[str, str]]:
    """Run what the environment leaves unset; gives the environment variables to set, none where nothing was started.

    `durable` keeps the data and PostgreSQL's promises about it; without, each start is a new, empty and faster one.
    Raises `Busy` when another process still uses the directory after `patience` seconds,
    `NotStarted` when a server does not come up.
    """
    with servers(directory, durable=durable, patience=patience) as started:
        yield {server.variable: server.url for server in started}


@contextmanager
def for_tests(local: Path) -> Iterator[dict[str, str]]:
    """Run empty services for one test run; gives all that the settings ask of the environment."""
    with ExitStack() as stack:
        yield {
            "SECRET_KEY": "only-for-tests",
            "ADDRESS_HASH_KEY": "only-for-tests",
            "LICENSE_SIGNING_KEY": secrets.token_hex(32),
            **_first_free(local, stack),
        }


def _first_free(local: Path, stack: ExitStack) -> dict[str, str]:
    """Take the first of `test`, `test-2`, `test-3`… that no other run uses: nobody has to wait."""
    for number in count(1):
        directory = local / ("test" if number == 1 else f"test-{number}")
        with suppress(Busy):
            return stack.enter_context(running(directory, durable=False, patience=0))
    raise AssertionError("there is always a next number")


@contextmanager
def servers(directory: Path, *, durable: bool = True, patience: float = 15) -> Iterator[list[PostgreSQL | Valkey]]:
    """Run the same servers and give them themselves, so that a supervisor can watch and restart them."""
    missing = [server for server in SERVERS if not os.environ.get(server.variable)]
    with ExitStack() as stack:
        started: list[PostgreSQL | Valkey] = []
        if missing:
            directory = directory.resolve()
            (directory / "log").mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(directory / "supervisor.lock", patience=patience))
            old_servers_gone = stack.enter_context(_locked(directory / "servers.lock", patience=60))
            for make in missing:
                server = make(directory, lock=old_servers_gone.fileno(), durable=durable)
                stack.callback(server.stop)
                server.start()
                started.append(server)
        yield started


@contextmanager
def _locked(path: Path, *, patience: float) -> Iterator[IO[str]]:
    """Hold a lock file that names its holder."""
    with path.open("a+") as file:
        deadline = time.monotonic() + patience
        while not _locks(file):
            if time.monotonic() > deadline:
                file.seek(0)
                raise Busy(f"{path.parent} is in use by process {file.read().strip() or '(unknown)'}")
            time.sleep(0.1)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
