"""The portal's own processes under a supervisor, and what it does when one of its parts ends."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from konnect_portal.development import processes

LONGEST_PAUSE = 30
LONG_LIFE = 60


class Part(Protocol):
    """Whatever can be watched: a service or a process of the portal."""

    process: subprocess.Popen[str] | None

    @property
    def log(self) -> Path: ...

    def start(self) -> None: ...


@dataclass
class Child:
    """A process of the portal with a log of its own."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    logs: Path
    keep_open: Sequence[int] = ()
    dies_with: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        return self.logs / f"{self.name}.log"

    def start(self) -> None:
        self.process = processes.start(
            self.command,
            log=self.log,
            dies_with=self.dies_with,
            environment=self.environment,
            keep_open=self.keep_open,
        )

    def stop(self) -> None:
        if self.process:
            processes.stop(self.process)


@dataclass
class Watched:
    """A part, and how long to wait before it is started again: twice as long each time, at most 30 seconds."""

    part: Part
    pause: float = 0.5
    started_at: float = field(default_factory=time.monotonic)
    restart_at: float | None = None

    def look(self) -> None:
        """Notice an end, or restart what ended when its pause is over."""
        now = time.monotonic()
        if self.restart_at is None:
            self._notice_end(now)
        elif self.restart_at <= now:
            self._restart()

    def _notice_end(self, now: float) -> None:
        process = self.part.process
        if process is None or process.poll() is None:
            return
        self.pause = 1 if now - self.started_at > LONG_LIFE else min(self.pause * 2, LONGEST_PAUSE)
        self.restart_at = now + self.pause
        name = self.part.log.stem
        print(
            f"{name} ended ({process.returncode}), starts again in {self.pause:.0f} s; see {self.part.log}", flush=True
        )

    def _restart(self) -> None:
        """A service that does not come up has ended again; `look` will notice."""
        self.restart_at = None
        self.started_at = time.monotonic()
        with suppress(processes.NotStarted):
            self.part.start()
