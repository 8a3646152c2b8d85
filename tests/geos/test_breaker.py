"""A geo whose service fails in a row is left alone for a while, in all workers; the others go on (P42)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from geos import client
from geos.models import ControlPlane, GeoBreaker, TakeDownAttempt
from geos.services import begin_decommission, finish_decommission, put_off, request_decommission, take_down_next
from tests import factories, geo_service
from tests.geo_service import answers
from tests.races import at_once

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def running():
    with geo_service.running() as service:
        yield service


@pytest.fixture
def service(running, settings):
    settings.GEO_SERVICES = {"eu": running.setting}
    settings.GEO_BREAKER_FAILURES = 3
    running.always = answers(500)
    yield running
    running.always = None


def to_take_down(organization, count, geo="eu"):
    planes = [factories.control_plane(organization, f"{geo}-{number}", geo=geo) for number in range(count)]
    request_decommission([organization.pk], at=timezone.now(), begins_at=timezone.now())
    return planes


def work_off(geo="eu"):
    """One turn of the geo's worker: how many it asked for."""
    asked = 0
    while take_down_next(geo):
        asked += 1
    return asked


def pause_is_over():
    GeoBreaker.objects.update(open_until=timezone.now())


def all_are_due():
    ControlPlane.objects.decommissioning().update(next_attempt_at=timezone.now())


def tried():
    return sum(ControlPlane.objects.values_list("attempts", flat=True))


def test_after_failures_in_a_row_the_geo_is_left_alone(acme, service, caplog):
    to_take_down(acme, 10)

    assert work_off() == 3
    assert work_off() == 0
    assert tried() == 3
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_then_one_a_pause_is_tried_for_all_of_them(acme, service):
    to_take_down(acme, 10)
    work_off()
    for _ in range(3):
        pause_is_over()
        assert work_off() == 1

    assert tried() == 6
    assert set(ControlPlane.objects.values_list("attempts", flat=True)) == {0, 1}, "they take turns"


def test_when_one_is_confirmed_all_go_on(acme, service):
    to_take_down(acme, 10)
    work_off()
    service.always = None
    pause_is_over()

    assert work_off() == 7
    assert (GeoBreaker.objects.get().failures, GeoBreaker.objects.get().open_until) == (0, None)
    all_are_due()
    assert work_off() == 3
    assert set(ControlPlane.objects.values_list("state", flat=True)) == {"decommissioned"}


def test_another_geo_goes_on(acme, service):
    to_take_down(acme, 4)
    here = to_take_down(acme, 4, geo="us")
    work_off()

    assert work_off("us") == len(here)


def test_a_failure_now_and_then_leaves_nobody_alone(acme, service):
    service.always = None
    service.script.extend([answers(500), answers(500), answers(204)] * 3)
    to_take_down(acme, 9)

    assert work_off() == 9


@pytest.mark.parametrize(("status", "asked"), [(404, 5), (409, 5), (401, 3), (408, 3), (429, 3), (503, 3)])
def test_what_the_geo_would_say_of_any_other_counts(acme, service, status, asked):
    service.always = answers(status)
    to_take_down(acme, 5)

    assert work_off() == asked


def test_nothing_is_lost_where_nobody_is_due_when_the_pause_is_over(acme, service):
    """The one question that is admitted is kept for whoever asks it."""
    to_take_down(acme, 3)
    work_off()
    pause_is_over()

    assert work_off() == 0
    all_are_due()
    assert work_off() == 1


def test_a_worker_that_dies_with_the_one_question_leaves_the_next_to_another(acme, service, settings):
    """P48"""
    to_take_down(acme, 10)
    work_off()
    now = timezone.now()
    pause = timedelta(seconds=settings.GEO_BREAKER_SECONDS)

    assert begin_decommission("eu", at=now + pause)
    assert begin_decommission("eu", at=now + pause) is None
    assert begin_decommission("eu", at=now + 3 * pause)


def test_each_attempt_is_kept_with_what_came_of_it(acme, service):
    """P42"""
    [control_plane] = to_take_down(acme, 1)
    service.script.append(geo_service.resets)
    service.always = None
    work_off()
    all_are_due()
    work_off()

    kept = TakeDownAttempt.objects.filter(control_plane=control_plane)
    assert [(each.outcome, each.status) for each in kept] == [("confirmed", 204), ("failed", None)]
    assert "its answer was lost" in kept[1].error
    assert all(each.milliseconds < 10_000 for each in kept)


def test_trouble_with_a_setting_is_told_louder(acme, service, caplog):
    """P42"""
    service.always = answers(403)
    to_take_down(acme, 1)
    work_off()

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "GEO_SERVICES" in ControlPlane.objects.get().last_error


@pytest.mark.django_db(transaction=True)
class TestManyWorkers:
    def test_of_many_at_once_one_asks_when_the_pause_is_over(self, acme, service):
        to_take_down(acme, 8)
        work_off()
        pause_is_over()
        now = timezone.now()

        claimed = at_once(*[lambda: begin_decommission("eu", at=now)] * 4)

        assert len([each for each in claimed if each]) == 1

    def test_failures_of_many_at_once_are_all_counted(self, acme, service):
        planes = to_take_down(acme, 4)
        failed = client.GeoError("busy")

        at_once(*[lambda each=each: put_off(each, failed, at=timezone.now()) for each in planes])

        assert GeoBreaker.objects.get().failures == 4

    def test_one_that_fails_and_one_that_is_confirmed_do_not_wait_for_each_other_for_good(self, acme, service):
        planes = to_take_down(acme, 4)
        ControlPlane.objects.update(begun_at=timezone.now())
        failed, now = client.GeoError("busy"), timezone.now()

        came_to = at_once(
            *[lambda each=each: put_off(each, failed, at=now) for each in planes[:2]],
            *[lambda each=each: finish_decommission(each, at=now) for each in planes[2:]],
        )

        assert came_to == [None, None, True, True]
