"""Real workers and brokers as processes of their own, for tests where they are the point."""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import TimeoutExpired
from sys import executable
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from konnect_portal.celery import app
from konnect_portal.development import processes

QUEUES = ",".join(queue.name for queue in settings.CELERY_TASK_QUEUES)
COMMAND = [executable, "-m", "celery", "-A", "konnect_portal", "worker", "--concurrency", "2", "--without-mingle"]


class Worker:
    """A Celery worker on this test's database; ready when made. `variables` come on top of this process's own."""

    def __init__(self, log: Path, *, broker: str | None = None, variables: Mapping[str, str] | None = None) -> None:
        self.log = log
        self.process = processes.start(
            [*COMMAND, "-Q", QUEUES, "-n", f"{log.stem}@localhost"],
            log=log,
            dies_with=signal.SIGQUIT,
            environment={
                **os.environ,
                "DATABASE_URL": database_url(),
                "REDIS_URL": broker or settings.CELERY_BROKER_URL,
                **(variables or {}),
            },
        )
        eventually(lambda: self.says(" ready."), within=30)

    def says(self, what: str) -> bool:
        return what in self.log.read_text()

    def kill(self) -> None:
        """End it and its children at once, as a machine that fails does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except TimeoutExpired:
            self.kill()


def database_url() -> str:
    """Where another process finds the database that the tests run on."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def eventually(holds: Callable[[], object], *, within: float = 10, every: float = 0.02) -> None:
    """Wait until it holds, asking every so many seconds; an AssertionError where it does not in time."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "did not come to hold in time"
        time.sleep(every)


def forget_connections() -> None:
    """Have this process connect to its broker anew, wherever that is now."""
    app._after_fork()  # type: ignore[attr-defined]


def closed_port() -> socket.socket:
    """A port that is ours and refuses every connection."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def silent_port() -> socket.socket:
    """A port that accepts connections and never answers."""
    listener = closed_port()
    listener.listen(50)
    return listener
