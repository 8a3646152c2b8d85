"""Nodes, associations and zones that check in over HTTP as real ones do, for tests and for the demo.

A simulated node knows what a real one knows: where the portal is, its control plane and a credential. It keeps what it
was given, says so at its next check-in, and proves a license offline before it keeps it.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from math import ceil
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

TIMEOUT = 30


@dataclass
class SimulatedNode:
    """One that checks in: `family` is "nodes" or "zones", `status` what its latest check-in was answered with."""

    id: UUID
    family: str
    name: str
    version: str
    control_plane_id: UUID
    geo: str
    credential: str
    configuration_version: int | None = None
    configuration: dict[str, Any] | None = None
    license_id: str | None = None
    license: str | None = None
    status: int | None = None

    @property
    def path(self) -> str:
        return f"/v2/control-planes/{self.control_plane_id}/{self.family}/{self.id}/check-in"

    def says(self) -> dict[str, Any]:
        own = {"hostname": self.name} if self.family == "nodes" else {"name": self.name, "data_planes": 3}
        return {
            **own,
            "version": self.version,
            "configuration_version": self.configuration_version,
            "license_id": self.license_id,
            "reported_at": datetime.now(UTC).isoformat(),
        }

    def keep(self, answer: dict[str, Any]) -> None:
        """Take over what an answer brought; what it leaves out stays as it was."""
        if "configuration" in answer:
            self.configuration_version = answer["configuration_version"]
            self.configuration = answer["configuration"]
        if "license" in answer:
            self.license_id, self.license = answer["license"]["id"], answer["license"]["payload"]


@dataclass(frozen=True)
class CheckedIn:
    """What came of one check-in; `status` is None where there was no answer."""

    status: int | None
    seconds: float
    brought: frozenset[str] = frozenset()


@dataclass
class Round:
    """What came of one check-in of every node."""

    seconds: float
    check_ins: list[CheckedIn] = field(repr=False)

    def counts(self) -> dict[str, int]:
        statuses = Counter(each.status for each in self.check_ins)
        brought = Counter(part for each in self.check_ins for part in each.brought)
        return {
            "running": statuses[200],
            "got_configuration": brought["configuration"],
            "got_license": brought["license"],
            "refused": sum(count for status, count in statuses.items() if status and 400 <= status < 500),
            "failed": sum(count for status, count in statuses.items() if status is None or status >= 500),
        }

    def figures(self) -> dict[str, float]:
        return {
            "seconds": round(self.seconds, 1),
            "per_second": round(len(self.check_ins) / self.seconds, 1),
            "p50_ms": self.milliseconds(50),
            "p99_ms": self.milliseconds(99),
        }

    def milliseconds(self, percent: int) -> float:
        """How long that many of a hundred check-ins took at most."""
        ordered = sorted(each.seconds for each in self.check_ins)
        return round(1000 * ordered[ceil(len(ordered) * percent / 100) - 1], 1)


class Fleet:
    """Nodes that check in at `url`, whose geos are hosts under `api_host`, `concurrency` of them at once."""

    def __init__(
        self,
        nodes: Sequence[SimulatedNode],
        *,
        url: str,
        api_host: str,
        prove: Callable[[str], object],
        concurrency: int = 4,
    ) -> None:
        self.nodes = nodes
        self.url = urlsplit(url)
        self.api_host = api_host
        self.prove = prove
        self.concurrency = concurrency
        self.stopped = Event()

    def check_in(self, over: float = 0) -> Round:
        """Let every node check in once, evenly spread over so many seconds. `prove` raises where a license is none."""
        began = time.monotonic()
        due = [(began + over * number / len(self.nodes), node) for number, node in enumerate(self.nodes)]
        with ThreadPoolExecutor(self.concurrency) as pool:
            turns = pool.map(self._take_turns, (due[start :: self.concurrency] for start in range(self.concurrency)))
            check_ins = [each for turn in turns for each in turn]
        return Round(time.monotonic() - began, check_ins)

    def stop(self) -> None:
        """Let no further node begin; whoever waits for its turn is let go."""
        self.stopped.set()

    def _take_turns(self, due: Iterable[tuple[float, SimulatedNode]]) -> list[CheckedIn]:
        check_ins = []
        for moment, node in due:
            if self.stopped.wait(max(0, moment - time.monotonic())):
                break
            check_ins.append(self._check_in(node))
        return check_ins

    def _check_in(self, node: SimulatedNode) -> CheckedIn:
        began = time.monotonic()
        try:
            node.status, answer = self._send(node)
        except (OSError, HTTPException):
            node.status, answer = None, {}
        seconds = time.monotonic() - began
        if node.status != 200:
            return CheckedIn(node.status, seconds)
        if "license" in answer:
            self.prove(answer["license"]["payload"])
        node.keep(answer)
        return CheckedIn(200, seconds, frozenset(answer) & {"configuration", "license"})

    def _send(self, node: SimulatedNode) -> tuple[int, dict[str, Any]]:
        """Over a connection of its own: a node is not heard of for longer than a server keeps one open."""
        headers = {
            "Host": f"{node.geo}.{self.api_host}",
            "Authorization": f"Bearer {node.credential}",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        with closing(self._connection()) as connection:
            connection.request("POST", node.path, json.dumps(node.says()), headers)
            response = connection.getresponse()
            content = response.read()
        return response.status, json.loads(content) if response.status == 200 else {}

    def _connection(self) -> HTTPConnection:
        assert self.url.hostname
        kind = HTTPSConnection if self.url.scheme == "https" else HTTPConnection
        return kind(self.url.hostname, self.url.port, timeout=TIMEOUT)
