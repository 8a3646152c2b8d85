import json
import signal
from argparse import ArgumentTypeError
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string

from geos.services.simulated import simulated_nodes
from geos.simulating import Fleet


def address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArgumentTypeError(f"{text} is no address such as http://127.0.0.1:8000")
    return text


def whole(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text} is no whole number")
    return int(text)


def some(text: str) -> int:
    if not whole(text):
        raise ArgumentTypeError("one at least")
    return int(text)


class Command(BaseCommand):
    help = (
        "Let simulated nodes, associations and zones check in at a running portal over HTTP, until Ctrl-C (P13). Run "
        "beside the portal's database, where it makes their credentials. Tells after each round who runs, who "
        "received what, how long it took and how many database transactions it cost."
    )

    def add_arguments(self, parser):
        parser.add_argument("--url", type=address, default=settings.PUBLIC_URL, help="where the portal answers")
        parser.add_argument("--nodes", type=some, default=36, help="how many in all (36)")
        parser.add_argument(
            "--control-planes", type=UUID, nargs="+", default=(), metavar="ID", help="whose they are (any dozen)"
        )
        parser.add_argument(
            "--interval",
            type=whole,
            default=30,
            help="seconds a round takes at least (30)",
        )
        parser.add_argument("--rounds", type=some, help="how often each node checks in (without end)")
        parser.add_argument("--concurrency", type=some, default=4, help="how many at once (4)")
        parser.add_argument("--json", action="store_true", help="tell each round as a line of JSON")

    def handle(self, *, url, nodes, control_planes, interval, rounds, concurrency, **options):
        fleet = Fleet(
            simulated_nodes(nodes, control_planes),
            url=url,
            api_host=settings.API_HOST,
            prove=prove,
            concurrency=concurrency,
        )
        if not fleet.nodes:
            raise CommandError("There is no such control plane that serves nodes. Make one, or name another.")
        with stopping(fleet):
            for number in range(1, rounds + 1) if rounds else count(1):
                before = transactions()
                result = fleet.check_in(over=interval)
                if fleet.stopped.is_set():
                    break
                each = round((transactions() - before) / len(result.check_ins), 2)
                told = {"round": number, **result.counts(), **result.figures(), "transactions_each": each}
                self.stdout.write(json.dumps(told) if options["json"] else sentence(told))


def prove(document: str) -> object:
    return import_string(settings.NODE_LICENSES["verify"])(document, at=timezone.now())


@contextmanager
def stopping(fleet: Fleet) -> Generator[None]:
    """Until the end of the block, Ctrl-C and SIGTERM let the check-ins that have begun end, and no other begin."""
    asked = {number: signal.signal(number, lambda *_: fleet.stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in asked.items():
            signal.signal(number, handler)


def transactions() -> int:
    """How many the database has committed so far. What a known node asks are transactions of one statement each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def sentence(told: dict) -> str:
    return (
        "Round {round}: {running:,} running, {got_configuration:,} got configuration, {got_license:,} got a license, "
        "{refused:,} refused, {failed:,} failed. {seconds} s, {per_second} a second, p50 {p50_ms} ms, "
        "p99 {p99_ms} ms, {transactions_each} database transactions each."
    ).format(**told)
