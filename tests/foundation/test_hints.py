"""P48: what a broker that is gone may do to a request: nothing but make it wait for half a second, once."""

import logging
import time
from collections.abc import Callable, Generator
from contextlib import closing

import pytest
from django.db import transaction

from konnect_portal.celery import app
from konnect_portal.foundation.hints import Silence, hint
from tests import workers

TASK = "geos.tasks.find_decommissions"


@pytest.fixture(params=[workers.closed_port, workers.silent_port], ids=["refuses", "never answers"])
def broken_broker(request, monkeypatch) -> Generator[None]:
    with closing(request.param()) as port:
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"redis://127.0.0.1:{port.getsockname()[1]}/0")
        workers.forget_connections()
        yield
    workers.forget_connections()


@pytest.fixture(autouse=True)
def loud(monkeypatch):
    monkeypatch.setattr(Silence, "until", 0)


@pytest.fixture
def messages() -> Generator[Callable[[str], int]]:
    """How many messages wait in a queue of the real broker."""
    app.control.purge()
    with app.connection_for_write() as connection:
        yield lambda queue: connection.default_channel.client.llen(queue)  # type: ignore[attr-defined]
    app.control.purge()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("broken_broker")
def test_a_broken_broker_neither_fails_nor_delays_what_was_committed(caplog):
    """P48: nothing raised, under a second for any number of hints, the hooks behind them run, logged once."""
    ran = []
    begun = time.monotonic()

    with transaction.atomic():
        for geo in ("us", "eu", "au"):
            hint("geos.tasks.take_down_control_planes", geo, queue=f"geo-{geo}")
        transaction.on_commit(lambda: ran.append("the hook behind"))

    assert time.monotonic() - begun < 1
    assert ran == ["the hook behind"]
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@pytest.mark.django_db(transaction=True)
def test_a_hint_leaves_after_the_commit(messages):
    """Habit 3"""
    with transaction.atomic():
        hint("geos.tasks.take_down_control_planes", "us", queue="geo-us")
        assert messages("geo-us") == 0

    assert messages("geo-us") == 1
    assert messages("default") == 0


@pytest.mark.django_db(transaction=True)
def test_a_hint_of_a_transaction_that_fails_never_leaves(messages):
    """Habit 3"""
    with transaction.atomic():
        hint(TASK)
        transaction.set_rollback(True)

    assert messages("default") == 0


@pytest.mark.django_db(transaction=True)
def test_hints_go_on_once_the_broker_has_been_quiet_for_a_while(messages, monkeypatch):
    """P48"""
    monkeypatch.setattr(Silence, "until", time.monotonic() + 60)
    hint(TASK)
    assert messages("default") == 0

    monkeypatch.setattr(Silence, "until", time.monotonic() - 0.01)
    hint(TASK)
    assert messages("default") == 1
