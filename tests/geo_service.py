"""A geo's own service for tests, over real HTTP: it takes control planes down, or fails as it is told."""

import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import cast
from uuid import UUID

TOKEN = "geo-token"
PATH = "/v2/control-planes/"


class GeoService:
    """`script`: what the next requests meet, each once; then every request is served.

    `taken_down` counts how often each control plane was taken down, `asked` how often it was asked for, `keys` the
    idempotency keys it was asked with.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self.forget()
        self.open()

    def forget(self) -> None:
        """Be as new."""
        self.script: deque[Fault] = deque()
        self.always: Fault | None = None
        self.taken_down: Counter[UUID] = Counter()
        self.asked: Counter[UUID] = Counter()
        self.keys: dict[UUID, set[str]] = {}
        self.headers: dict[str, str] = {}

    def open(self) -> None:
        """Answer, at the former port if there was one."""
        self.hang_up = Event()
        self.server = Server(("127.0.0.1", self.port), Request)
        self.server.service = self
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Refuse every connection from now on."""
        self.hang_up.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def setting(self) -> dict:
        """Its entry in GEO_SERVICES."""
        return {"url": f"http://127.0.0.1:{self.port}", "token": TOKEN, "timeout_seconds": 0.5}

    def take_down(self, id: UUID) -> int:
        """Each only once; whoever asks again is told that it is gone."""
        if id in self.taken_down:
            return 404
        self.taken_down[id] += 1
        return 204


class Server(ThreadingHTTPServer):
    daemon_threads = True
    service: GeoService

    def handle_error(self, request, client_address) -> None:
        """Whoever asked has gone: that is what some tests are about."""


class Request(BaseHTTPRequestHandler):
    def do_DELETE(self) -> None:
        self.service.headers = dict(self.headers)
        self.id = UUID(self.path.removeprefix(PATH))
        self.service.asked[self.id] += 1
        self.service.keys.setdefault(self.id, set()).add(self.headers["Idempotency-Key"])
        fault = self.service.script.popleft() if self.service.script else self.service.always
        if fault:
            fault(self)
        else:
            self.answer(self.service.take_down(self.id))

    def answer(self, status: int, body: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args) -> None:
        """Say nothing."""

    @property
    def service(self) -> GeoService:
        return cast(Server, self.server).service


type Fault = Callable[[Request], object]


def answers(status: int, body: str = "", **headers: str) -> Fault:
    return lambda request: request.answer(status, body, **headers)


def hangs(request: Request) -> None:
    """Say nothing until nobody can be waiting any more, or the service closes."""
    request.service.hang_up.wait(3)


def trickles(request: Request) -> None:
    """Send a letter now and then, each well before a time-out."""
    request.send_response(200)
    for _ in range(30):
        request.wfile.write(b"X")
        request.wfile.flush()
        time.sleep(0.1)


def resets(request: Request) -> None:
    """Break the connection off without an answer."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def babbles(request: Request) -> None:
    request.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


def loses_its_answer(request: Request) -> None:
    """Take it down, and break off in the middle of saying so."""
    request.service.take_down(request.id)
    request.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"state"')


def is_gone_already(request: Request) -> None:
    """Say so of what an earlier question took down."""
    request.service.take_down(request.id)
    request.answer(404)


def answers_too_late(request: Request) -> None:
    """Take it down, and say so to nobody."""
    request.service.take_down(request.id)
    hangs(request)


@contextmanager
def running() -> Iterator[GeoService]:
    service = GeoService()
    try:
        yield service
    finally:
        service.close()
