"""Two transactions that meet, on a real database."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from django.db import connection, transaction


def collide(first: Callable, second: Callable) -> Any:
    """Do `first` in a transaction, start `second` in a thread, commit once it waits; return what `second` came to.

    That is its value or its exception. Fails where `second` does not wait: then nothing was held.
    """
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            other = pool.submit(in_thread, second)
            wait_until_blocked()
        return other.exception(timeout=20) or other.result()


def meanwhile(act: Callable) -> Any:
    """Do `act` in a thread while the caller's transaction is open; OperationalError where it waits for it."""

    def impatiently():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '3s'")
            return act()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(in_thread, impatiently).result()


def at_once(*acts: Callable) -> list[Any]:
    """Run all at the same moment; what each came to, its value or its exception."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable) -> Any:
        barrier.wait(timeout=10)
        return in_thread(act)

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(run, act) for act in acts]
        return [each.exception(timeout=20) or each.result() for each in running]


def in_thread(act: Callable) -> Any:
    with closing(connection):
        return act()


def wait_until_blocked() -> None:
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    until = time.monotonic() + 10
    with connection.cursor() as cursor:
        while not cursor.execute(waits).fetchone():
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.01)
