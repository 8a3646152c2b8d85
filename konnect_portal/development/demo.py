"""`make demo`: the whole portal on this machine, with a sample inside, until Ctrl-C.

Everything it makes stays under `.local/demo`: data, logs, mails, the secret key. A second start goes on from there.
"""

import os
import secrets
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from urllib.parse import quote

from konnect_portal.development import processes, services
from konnect_portal.development.children import Child, Watched

CHECKOUT = Path(__file__).resolve().parents[2]
DIRECTORY = CHECKOUT / ".local" / "demo"
LOGS = DIRECTORY / "log"
FIRST_PORT = 8000
QUEUES = "default,geo-us,geo-eu,geo-au,geo-me,geo-in,geo-sg"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Failed(Exception):
    """The demo cannot go on; the text says why and what to do."""


def main() -> int:
    """Run until a signal says stop. Exit status 0 then, 1 where it could not start."""
    os.chdir(CHECKOUT)
    processes.end_with_parent()
    _listen_for_the_end()
    try:
        with ExitStack() as stack:
            run(stack, Clock())
    except (Failed, services.Busy, services.NotStarted) as problem:
        print(f"The demo could not start: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
    return 0


class Clock:
    """Says what is being done, and since when the demo has been starting."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def say(self, what: str) -> None:
        print(f"[{time.monotonic() - self.start:5.1f} s] {what}", flush=True)


def run(stack: ExitStack, clock: Clock) -> None:
    for directory in (LOGS, DIRECTORY / "mail"):
        directory.mkdir(parents=True, exist_ok=True)
    clock.say("Starting PostgreSQL and Valkey")
    started = stack.enter_context(services.servers(DIRECTORY))
    listener = stack.enter_context(free_listener())
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ours = {**settings_of(address), **{server.variable: server.url for server in started}}
    write_environment(DIRECTORY / "environment", ours)
    environment = {**os.environ, **ours}
    sign_ins = prepare(environment, clock)
    clock.say("Starting web, worker, beat and simulated nodes")
    children = [Child(environment=environment, logs=LOGS, **parts) for parts in portal(listener, address)]
    for child in children:
        stack.callback(child.stop)
        child.start()
    _wait_for_first_page(children[0], listener)
    clock.say("Ready")
    print(f"\n{sign_ins}\n{where_things_are(address)}", flush=True)
    watch([Watched(part) for part in [*started, *children]])


def settings_of(address: str) -> dict[str, str]:
    """The environment that the settings file reads; what the caller has set wins."""
    ours = {
        "DEBUG": "false",
        "DEMO": "true",
        "SECRET_KEY": secret(DIRECTORY / "secret-key"),
        "ADDRESS_HASH_KEY": secret(DIRECTORY / "address-hash-key"),
        "LICENSE_SIGNING_KEY": secret(DIRECTORY / "license-signing-key"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost,.localhost",
        "CSRF_TRUSTED_ORIGINS": address,
        "PUBLIC_URL": address,
        "EMAIL_URL": f"filemail:///{quote(str(DIRECTORY / 'mail'))}",
        "STATIC_ROOT": str(DIRECTORY / "static"),
        "PYTHONUNBUFFERED": "1",
    }
    return {name: os.environ.get(name, value) for name, value in ours.items()}


def secret(path: Path) -> str:
    """Make a secret once; written under another name first, so that a half-written one is never used."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_hex(32))
        unfinished.rename(path)
    return path.read_text()


def write_environment(path: Path, ours: dict[str, str]) -> None:
    """Leave for other shells what `manage.py` needs to work on this demo; it holds secrets."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in ours.items()))


def prepare(environment: dict[str, str], clock: Clock) -> str:
    """Bring database and static files up to date; gives what `prepare_demo` says about signing in."""
    clock.say("Bringing the database up to date")
    manage(environment, "migrate", "--no-input")
    manage(environment, "createcachetable")
    clock.say("Collecting static files")
    manage(environment, "collectstatic", "--no-input")
    clock.say("Preparing the sample (the first time takes longest)")
    return manage({**environment, "LOG_LEVEL": "WARNING"}, "prepare_demo")


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a management command and give what it prints; progress on its standard error goes to the terminal."""
    done = processes.run([sys.executable, "manage.py", *arguments], environment=environment)
    if done.returncode != 0:
        raise Failed(f"`manage.py {' '.join(arguments)}` ended with status {done.returncode}.\n{done.stdout}")
    return done.stdout


@contextmanager
def free_listener() -> Iterator[socket.socket]:
    """Listen on port 8000 or the next free one. The socket is handed to gunicorn: nobody can come between."""
    for port in count(FIRST_PORT):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
                listener.listen(128)
            except OSError:
                continue
            yield listener
            return


def portal(listener: socket.socket, address: str) -> list[dict]:
    """What runs beside the services. Celery ends its own children only on SIGQUIT."""
    celery = [sys.executable, "-m", "celery", "-A", "konnect_portal"]
    gunicorn = [sys.executable, "-m", "gunicorn", "konnect_portal.wsgi", "--no-control-socket", "--workers", "2"]
    return [
        {
            "name": "web",
            "command": [*gunicorn, "--threads", "4", "--bind", f"fd://{listener.fileno()}"],
            "keep_open": [listener.fileno()],
        },
        {
            "name": "worker",
            "command": [*celery, "worker", "-Q", QUEUES, "--concurrency", "2", "--loglevel", "info"],
            "dies_with": signal.SIGQUIT,
        },
        {
            "name": "beat",
            "command": [*celery, "beat", "--pidfile=", "--schedule", DIRECTORY / "beat", "--loglevel", "info"],
        },
        {
            "name": "nodes",
            "command": [sys.executable, "manage.py", "simulate_nodes", "--url", address, "--interval", "60"],
        },
    ]


def _wait_for_first_page(web: Child, listener: socket.socket) -> None:
    """Hold the address back until somebody answers there."""
    with socket.create_connection(listener.getsockname(), timeout=60) as visitor:
        visitor.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        try:
            visitor.recv(1)
        except OSError:
            raise Failed(f"the web server does not answer; it said why in {web.log}") from None


def where_things_are(address: str) -> str:
    here = DIRECTORY.relative_to(CHECKOUT)
    return (
        f"  Portal        {address}/\n"
        f"  Support desk  {address}/admin/\n"
        f"  Sign up       {address}/signup/ (the link to go on comes by mail)\n"
        f"  Mails         {here}/mail/\n"
        f"  Logs          {here}/log/{{web,worker,beat,nodes,postgresql,valkey}}.log\n"
        f"  Commands      . {here}/environment && .venv/bin/python manage.py help\n\n"
        "Ctrl-C stops everything; `make demo` goes on from here.\n"
    )


def watch(parts: list[Watched]) -> None:
    """Restart what ends, saying so; leave only by a signal."""
    while True:
        for part in parts:
            part.look()
        time.sleep(0.5)


def _listen_for_the_end() -> None:
    """A shell's `&` has a program ignore SIGINT, which is not meant for us; nohup and SIGHUP are."""
    for number in ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """Stop once and in order: a second Ctrl-C changes nothing, every part has its own limit of patience."""
    if signal.getsignal(number) is signal.SIG_IGN:
        return
    for again in ENDING:
        signal.signal(again, signal.SIG_IGN)
    print("\nStopping", flush=True)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
