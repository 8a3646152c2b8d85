"""Taking down with real workers, a real broker and rows that are committed."""

import os
import signal
from collections.abc import Generator
from contextlib import closing, contextmanager

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import lifecycle
from accounts.words import Reason, Via
from geos.models import ControlPlane, EmbeddedTakeDown
from geos.services import hint_take_down
from geos.tasks import find_decommissions
from konnect_portal.celery import app
from konnect_portal.foundation.hints import Silence
from tests import factories, workers
from tests.workers import Worker, eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", autouse=True)
def empty_queues(django_db_setup):
    app.control.purge()


@pytest.fixture(scope="module")
def worker(empty_queues, tmp_path_factory) -> Generator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("worker") / "steady.log")
    yield worker
    worker.stop()


@pytest.fixture(autouse=True)
def loud(monkeypatch):
    monkeypatch.setattr(Silence, "until", 0)


def deactivate(organization, lead):
    lifecycle.deactivate_organizations(
        [organization.pk],
        reason=Reason.FRAUD,
        actor=lead,
        via=Via.COMMAND,
        ticket="T-1",
        note="Stolen cards",
        take_down_at=timezone.now(),
    )


def is_taken_down(*control_planes):
    ids = [control_plane.pk for control_plane in control_planes]
    return ControlPlane.objects.filter(pk__in=ids, state="decommissioned").count() == len(ids)


def has_begun(control_plane):
    return ControlPlane.objects.filter(pk=control_plane.pk, begun_at__isnull=False).exists()


def let_time_pass():
    """The next attempt's moment comes, as it would by itself."""
    ControlPlane.objects.decommissioning().update(next_attempt_at=timezone.now())


def waiting(queue):
    with app.connection_for_write() as broker:
        return broker.default_channel.client.llen(queue)  # type: ignore[attr-defined]


def taking_down():
    """The child processes that are taking control planes down now."""
    answers = app.control.inspect(timeout=1, limit=1).active()
    assert answers
    [tasks] = answers.values()
    return [task["worker_pid"] for task in tasks if task["name"] == "geos.tasks.take_down_control_planes"]


@contextmanager
def slow_geo(control_plane):
    """Whoever asks the embedded geo for this one waits: somebody else has its row there in hand."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute(
            "INSERT INTO geos_embeddedtakedown (control_plane_id, geo, taken_down_at, requests)"
            " VALUES (%s, %s, now(), 1)",
            [control_plane.pk, control_plane.geo_id],
        )
    yield
    other.rollback()
    other.close()


def test_a_deactivation_is_followed_by_the_workers_of_its_geos(worker, lead, acme, globex):
    """P42, P48: by the hint alone, in every geo, and no other organization's"""
    ours = [factories.control_plane(acme, geo=geo) for geo in ("us", "eu", "sg")]
    theirs = factories.control_plane(globex)

    deactivate(acme, lead)

    eventually(lambda: is_taken_down(*ours))
    theirs.refresh_from_db()
    assert (theirs.state, theirs.attempts) == ("active", 0)
    assert {row.geo for row in EmbeddedTakeDown.objects.all()} == {"us", "eu", "sg"}


def test_a_message_many_times_takes_down_once(worker, lead, acme):
    """P48"""
    control_plane = factories.control_plane(acme)

    with slow_geo(control_plane):
        deactivate(acme, lead)
        for _ in range(5):
            hint_take_down(["us"])
        eventually(lambda: has_begun(control_plane))

    eventually(lambda: is_taken_down(control_plane))
    eventually(lambda: not waiting("geo-us") and not taking_down())
    assert ControlPlane.objects.get().attempts == 1
    assert EmbeddedTakeDown.objects.get().requests == 1


def test_a_child_killed_at_work_gives_its_message_back(worker, lead, acme):
    """P48: late acknowledgement and rejection on a lost worker take effect"""
    control_plane = factories.control_plane(acme)
    with slow_geo(control_plane):
        deactivate(acme, lead)
        eventually(lambda: has_begun(control_plane))
        [child] = taking_down()
        let_time_pass()
        os.kill(child, signal.SIGKILL)

    eventually(lambda: is_taken_down(control_plane))
    assert ControlPlane.objects.get().attempts == 2
    assert EmbeddedTakeDown.objects.get().requests == 1


def test_settings_of_workers_take_effect(worker):
    """Limits, prefetching and queues as a running worker tells them, not as a file spells them."""
    inspect = app.control.inspect(timeout=1, limit=1)
    told, consumed = inspect.stats(), inspect.active_queues()
    assert told
    assert consumed
    [stats], [queues] = told.values(), consumed.values()

    assert stats["pool"]["timeouts"] == [240, 300]
    assert stats["prefetch_count"] == stats["pool"]["max-concurrency"] == 2, "no message waits behind a long one"
    assert {queue["name"] for queue in queues} == {"default", *(f"geo-{code}" for code in settings.GEOS)}
    assert all(queue["routing_key"] == queue["name"] for queue in queues)


def test_what_a_lost_hint_has_missed_is_found(worker, lead, acme, monkeypatch):
    """P48: the deactivation stands although its hint was lost; what beat runs every minute finds it"""
    control_plane = factories.control_plane(acme)
    with closing(workers.closed_port()) as port, monkeypatch.context() as patch:
        patch.setenv("CELERY_BROKER_WRITE_URL", f"redis://127.0.0.1:{port.getsockname()[1]}/0")
        workers.forget_connections()
        deactivate(acme, lead)
    workers.forget_connections()
    assert waiting("geo-us") == 0
    assert not has_begun(control_plane)

    find_decommissions.delay()
    eventually(lambda: is_taken_down(control_plane))


def test_a_worker_killed_at_work_leaves_it_to_the_next(worker, lead, acme, tmp_path):
    """P48: the whole machine dies between the claim and the geo's answer; another one goes on to the same end"""
    control_plane = factories.control_plane(acme)
    with slow_geo(control_plane):
        deactivate(acme, lead)
        eventually(lambda: has_begun(control_plane))
        worker.kill()
    control_plane.refresh_from_db()
    assert (control_plane.state, control_plane.attempts) == ("decommissioning", 1)

    heir = Worker(tmp_path / "heir.log")
    try:
        let_time_pass()
        find_decommissions.delay()
        eventually(lambda: is_taken_down(control_plane))
    finally:
        heir.stop()
    assert EmbeddedTakeDown.objects.get().requests == 1
    assert ControlPlane.objects.get().attempts == 2
