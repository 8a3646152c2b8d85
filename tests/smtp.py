"""A mail server for tests, spoken to over a real connection: it takes, refuses or hangs up as it is told."""

import re
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from threading import Thread
from typing import cast


class Server(socketserver.ThreadingTCPServer):
    """`refusals`: what an address is answered. `after_data` runs before the yes to a mail; if false, it hangs up."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.taken: list[Message] = []
        self.refusals: dict[str, str] = {}
        self.after_data: Callable[[], object] = lambda: True

    @property
    def mailers(self) -> dict:
        host, port = self.server_address[:2]
        options = {"host": host, "port": port, "timeout": 5}
        return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 ready")
        for line in self.rfile:
            verb = line.split()[0].upper()
            if verb == b"DATA":
                if not self.take():
                    return
            elif verb == b"RCPT":
                self.say(self.box.refusals.get(re.findall(r"<(.*?)>", line.decode())[0], "250 ok"))
            else:
                self.say("221 bye" if verb == b"QUIT" else "250 ok")

    def take(self) -> bool:
        self.say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        self.box.taken.append(message_from_bytes(b"".join(lines), policy=default))
        if not self.box.after_data():
            return False
        self.say("250 taken")
        return True

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    @property
    def box(self) -> Server:
        return cast(Server, self.server)


@contextmanager
def running() -> Iterator[Server]:
    with Server() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
