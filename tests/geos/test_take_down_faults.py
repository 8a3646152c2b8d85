"""Whatever geos, workers and broker do, each control plane is taken down once, and nobody else's (P42, P48, P51)."""

import json
from collections.abc import Generator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

from accounts import lifecycle
from accounts.models import Organization
from accounts.words import Reason, Via
from geos.models import ControlPlane, DataPlaneNode, GeoBreaker, MeshZone, TakeDownAttempt
from geos.services import request_decommission, take_down_next
from geos.tasks import find_decommissions
from konnect_portal.development.valkey import Valkey
from konnect_portal.foundation.hints import Silence
from tests import factories, geo_service, workers
from tests.geo_service import GeoService, answers
from tests.workers import Worker, eventually

HOUR = timedelta(hours=1)
GEOS = ("us", "eu", "au")
OTHERS = {"note": "They wrote", "ticket": "T-1", "via": Via.COMMAND}


@pytest.fixture(scope="module")
def running():
    with ExitStack() as stack:
        yield {geo: stack.enter_context(geo_service.running()) for geo in GEOS}


@pytest.fixture
def services(running, settings) -> dict[str, GeoService]:
    settings.GEO_SERVICES = {geo: service.setting for geo, service in running.items()}
    for service in running.values():
        service.forget()
    return running


def let_time_pass():
    """The next attempt's moment comes, and that of a geo that is left alone, as they would by themselves."""
    now = timezone.now()
    ControlPlane.objects.filter(begins_at__lte=now, next_attempt_at__gt=now).update(next_attempt_at=now)
    GeoBreaker.objects.filter(open_until__isnull=False).update(open_until=now)


def states(organization, geo):
    return set(ControlPlane.objects.filter(organization=organization, geo=geo).values_list("state", flat=True))


FAULTS = {
    "time-out": geo_service.hangs,
    "answer too late": geo_service.answers_too_late,
    "reset": geo_service.resets,
    "no HTTP": geo_service.babbles,
    "answer cut off": geo_service.loses_its_answer,
    "gone already": geo_service.is_gone_already,
    "busy": answers(429, Retry_After="30"),
    "failing": answers(500),
    "token refused": answers(401),
}


@pytest.mark.django_db
class TestOneWorker:
    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
    def test_after_a_fault_it_is_taken_down_once_in_the_end(self, acme, services, fault):
        """P42, P48"""
        control_plane = factories.control_plane(acme, geo="eu")
        request_decommission([acme.pk], at=timezone.now(), begins_at=timezone.now())
        services["eu"].script.append(fault)

        assert take_down_next("eu")
        assert not take_down_next("eu"), "not before its next attempt"
        let_time_pass()
        take_down_next("eu")

        assert services["eu"].taken_down == {control_plane.pk: 1}
        assert services["eu"].keys == {control_plane.pk: {str(control_plane.pk)}}
        assert states(acme, "eu") == {"decommissioned"}

    def test_a_geo_that_is_down_for_a_day_is_tried_every_hour_and_then_taken_down(self, acme, services):
        """P42: it waits for somebody to look, and goes on where it stands"""
        planes = [factories.control_plane(acme, f"cp-{number}", geo="eu") for number in range(3)]
        request_decommission([acme.pk], at=timezone.now(), begins_at=timezone.now())
        services["eu"].close()
        for _ in range(25):
            while take_down_next("eu"):
                pass
            assert not ControlPlane.objects.filter(next_attempt_at__gt=timezone.now() + HOUR).exists()
            an_hour_passes()

        assert states(acme, "eu") == {"decommissioning"}
        assert TakeDownAttempt.objects.filter(outcome="failed").count() >= 25
        assert ControlPlane.objects.stuck(timezone.now()).count() == 3
        services["eu"].open()
        while take_down_next("eu"):
            pass
        assert services["eu"].taken_down == {each.pk: 1 for each in planes}
        assert states(acme, "eu") == {"decommissioned"}


def an_hour_passes():
    for each in ControlPlane.objects.all():
        moments = ("decommission_requested_at", "begins_at", "begun_at", "next_attempt_at")
        ControlPlane.objects.filter(pk=each.pk).update(
            **{field: getattr(each, field) - HOUR for field in moments if getattr(each, field)}
        )
    GeoBreaker.objects.filter(open_until__isnull=False).update(open_until=timezone.now())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestManyWorkers:
    @pytest.fixture
    def broker(self, tmp_path, monkeypatch) -> Generator[Valkey]:
        (tmp_path / "log").mkdir()
        with (tmp_path / "lock").open("w") as lock:
            broker = Valkey(tmp_path, lock=lock.fileno(), durable=False)
            broker.start()
            monkeypatch.setenv("CELERY_BROKER_WRITE_URL", broker.url)
            monkeypatch.setattr("konnect_portal.foundation.hints.SILENCE_SECONDS", 0)
            monkeypatch.setattr(Silence, "until", 0)
            workers.forget_connections()
            yield broker
            broker.stop()
        monkeypatch.undo()
        workers.forget_connections()

    @pytest.fixture
    def start_worker(self, broker, services, tmp_path):
        """Starts one, which knows the three geos; whatever still runs is stopped in the end."""
        geos = {geo: service.setting for geo, service in services.items()}
        variables = {"GEO_SERVICES": json.dumps(geos), "GEO_BREAKER_SECONDS": "1"}
        numbers = count(1)
        with ExitStack() as stack:

            def start() -> Worker:
                log = tmp_path / f"worker-{next(numbers)}.log"
                worker = Worker(log, broker=broker.url, variables=variables)
                stack.callback(worker.stop)
                return worker

            yield start

    @pytest.fixture
    def planes(self, acme, globex):
        """Acme's control planes of all kinds in the three geos, by geo; Globex has some of the same names."""
        made = {}
        for geo in GEOS:
            factories.control_plane(globex, "gateway-0", geo=geo, nodes=1)
            made[geo] = [
                factories.control_plane(acme, f"{kind}-{number}", geo=geo, kind=kind, **under(kind))
                for kind in ControlPlane.Kind.values
                for number in range(2)
            ]
        return made

    @pytest.fixture(autouse=True)
    def nobody_elses(self, globex):
        """Of no other organization a geo is asked, and nothing of it changes."""
        yield
        assert set(globex.control_planes.values_list("state", "attempts")) <= {("active", 0)}
        assert not TakeDownAttempt.objects.filter(control_plane__organization=globex).exists()

    def test_each_is_taken_down_once_though_workers_broker_and_geos_fail(
        self, acme, lead, services, broker, start_worker, planes
    ):
        """P42, P43, P48: two workers killed at work, the broker lost with its messages, every geo failing"""
        us, eu, au = services.values()
        us.script.extend([geo_service.hangs, *FAULTS.values()])
        au.script.extend([geo_service.answers_too_late, geo_service.trickles, answers(503, Retry_After="1")])
        eu.close()
        worker = start_worker()

        deactivate(acme, lead, after=timedelta())
        eventually(lambda: us.asked)
        worker.kill()

        worker = start_worker()
        go_on_until(lambda: au.taken_down)
        worker.kill()

        asked = us.asked.total()
        us.script.appendleft(geo_service.hangs)
        let_time_pass()
        find_decommissions()
        start_worker()
        eventually(lambda: us.asked.total() > asked)
        broker.stop()
        find_decommissions()
        broker.start()
        go_on_until(lambda: all_taken_down(acme, "us") and all_taken_down(acme, "au"))
        assert states(acme, "eu") == {"decommissioning"}
        assert not eu.asked

        eu.open()
        go_on_until(lambda: all_taken_down(acme, "eu"))

        for geo, service in services.items():
            assert service.taken_down == {each.pk: 1 for each in planes[geo]}
            assert service.keys == {each.pk: {str(each.pk)} for each in planes[geo]}
        assert TakeDownAttempt.objects.filter(outcome="confirmed").count() == sum(map(len, planes.values()))
        assert DataPlaneNode.objects.filter(control_plane__organization=acme).count() == 24
        assert MeshZone.objects.filter(control_plane__organization=acme).count() == 12

    def test_after_a_reactivation_within_72_hours_all_are_back_and_no_geo_was_asked(
        self, acme, lead, services, start_worker, planes
    ):
        """P51"""
        start_worker()
        deactivate(acme, lead, after=timedelta(hours=72))
        move_time(acme, hours=71)
        find_decommissions()

        reactivate(acme, lead)
        find_decommissions()
        theirs = deactivated_beside(acme, lead)

        eventually(lambda: all_taken_down(theirs, "us"))
        assert {state for geo in GEOS for state in states(acme, geo)} == {"active"}
        asked = {id for service in services.values() for id in service.asked}
        assert asked == set(theirs.control_planes.values_list("pk", flat=True))

    def test_after_a_later_reactivation_what_has_begun_is_finished_and_gone(
        self, acme, lead, services, start_worker, planes
    ):
        """P51: by its id; a new control plane of the same name lives on"""
        services["eu"].close()
        start_worker()
        deactivate(acme, lead, after=timedelta(hours=72))
        held_back = planes["au"][0]
        ControlPlane.objects.filter(pk=held_back.pk).update(begins_at=timezone.now() + timedelta(hours=100))
        move_time(acme, hours=73)
        go_on_until(
            lambda: all_taken_down(acme, "us") and not begun(acme, "eu").filter(begun_at=None).exists(),
        )
        eventually(lambda: services["au"].taken_down.total() == len(planes["au"]) - 1)

        reactivate(acme, lead)
        new = factories.control_plane(acme, planes["us"][0].name, geo="us")
        services["eu"].open()
        go_on_until(lambda: all_taken_down(acme, "eu"))

        assert services["eu"].taken_down == {each.pk: 1 for each in planes["eu"]}
        assert services["us"].taken_down == {each.pk: 1 for each in planes["us"]}
        left = set(ControlPlane.objects.active().filter(organization=acme).values_list("pk", flat=True))
        assert left == {new.pk, held_back.pk}


def under(kind):
    return {"zones": 2} if kind == "mesh_global" else {"nodes": 2}


def deactivate(organization, lead, *, after):
    lifecycle.deactivate_organizations(
        [organization.pk], reason=Reason.FRAUD, actor=lead, take_down_at=timezone.now() + after, **OTHERS
    )


def reactivate(organization, lead):
    lifecycle.reactivate_organization(organization.pk, actor=lead, **OTHERS)


def deactivated_beside(organization, lead) -> Organization:
    """Another organization, whose control plane is taken down at once: when it is, the workers have looked."""
    other = factories.organization("Initech")
    factories.control_plane(other, geo="us")
    deactivate(other, lead, after=timedelta())
    return other


def begun(organization, geo):
    return ControlPlane.objects.decommissioning().filter(organization=organization, geo=geo)


def all_taken_down(organization, geo):
    return states(organization, geo) == {"decommissioned"}


def move_time(organization, *, hours):
    for each in organization.control_planes.exclude(begins_at=None):
        begins_at = each.begins_at - timedelta(hours=hours)
        ControlPlane.objects.filter(pk=each.pk).update(begins_at=begins_at, next_attempt_at=begins_at)


def go_on_until(holds):
    """Time passes and beat looks, again and again, until it holds."""

    def next_minute():
        let_time_pass()
        find_decommissions()
        return holds()

    eventually(next_minute, within=120, every=0.6)
