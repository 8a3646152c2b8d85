"""Simulated nodes over real HTTP: what a deactivation and a reactivation mean for what runs (P13, P42, P43, P51)."""

import json
import signal
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from geos.models import ControlPlane, DataPlaneNode, MeshZone
from geos.services.simulated import TITLE, simulated_nodes
from geos.simulating import Fleet
from licensing.models import License, LicenseDelivery
from licensing.signing import verify
from tests import factories
from tests.geos import fleet as acts

pytestmark = pytest.mark.django_db(transaction=True)


def prove(document):
    return verify(document, at=timezone.now())


@pytest.fixture
def simulate(live_server):
    """Nodes of these control planes, that check in at a running portal."""

    def start(*planes, count=3, url=None):
        nodes = simulated_nodes(count, [plane.pk for plane in planes])
        return Fleet(nodes, url=url or live_server.url, api_host="api.localhost", prove=prove, concurrency=2)

    return start


def counts(running=0, configuration=0, license=0, refused=0, failed=0):
    return {
        "running": running,
        "got_configuration": configuration,
        "got_license": license,
        "refused": refused,
        "failed": failed,
    }


def let_a_minute_pass():
    for model in (DataPlaneNode, MeshZone):
        model.objects.update(last_check_in_at=timezone.now() - timedelta(minutes=1))


def take_down():
    """What the workers do, all at once."""
    now = timezone.now()
    ControlPlane.objects.decommissioning().update(
        state="decommissioned", begun_at=now, decommissioned_at=now, next_attempt_at=None
    )


def test_a_deactivation_stops_configuration_and_leaves_nodes_running(acme, globex, lead, simulate):
    """P13, P42, P43, P46, P51: the whole story, with control planes of all kinds in three geos"""
    planes = [
        factories.control_plane(acme, geo="us"),
        factories.control_plane(acme, geo="eu", kind="kic"),
        factories.control_plane(acme, geo="au", kind="mesh_global"),
    ]
    ours, theirs = simulate(*planes, count=6), simulate(factories.control_plane(globex, geo="us"), count=2)
    assert ours.check_in().counts() == counts(running=6, configuration=6, license=6)
    assert ours.check_in().counts() == counts(running=6), "it has what it needs"
    assert theirs.check_in().counts() == counts(running=2, configuration=2, license=2)

    acts.deactivate(acme, lead, take_down_at=timezone.now())
    ControlPlane.objects.update(configuration_version=2)
    let_a_minute_pass()

    assert ours.check_in().counts() == counts(running=6), "recorded, and nothing handed out"
    assert {node.configuration_version for node in ours.nodes} == {1}
    assert DataPlaneNode.objects.filter(last_check_in_at__gt=timezone.now() - timedelta(seconds=50)).exists()
    assert [prove(node.license) for node in ours.nodes], "what it has received is neither recalled nor shortened"
    assert not License.objects.live().filter(organization=acme).exists()
    assert theirs.check_in().counts() == counts(running=2, configuration=2)
    for node in ours.nodes:
        node.id = uuid4()
    assert ours.check_in().counts() == counts(refused=6), "nothing new"

    take_down()
    acts.reactivate(acme, lead)
    fresh = simulate(factories.control_plane(acme, "fresh"))

    assert fresh.check_in().counts() == counts(running=3, configuration=3, license=3)
    assert ours.check_in().counts() == counts(refused=6), "those taken down stay gone"
    assert LicenseDelivery.objects.filter(license__organization=acme).count() == 9


def test_simulated_nodes_play_those_that_are_there_and_new_ones(acme, simulate):
    """P13"""
    plane = factories.control_plane(acme, nodes=2)
    there = {node.pk for node in plane.nodes.all()}

    fleet = simulate(plane, count=3)
    fleet.check_in()

    assert there < {node.id for node in fleet.nodes}
    assert plane.nodes.filter(last_check_in_at__isnull=False).count() == 3


def test_a_new_simulation_takes_the_place_of_the_old_one(acme, simulate):
    """P13"""
    plane = factories.control_plane(acme)
    first, second = simulate(plane), simulate(plane)

    assert first.check_in().counts() == counts(refused=3)
    assert second.check_in().counts()["running"] == 3
    assert plane.credentials.live().get().title == TITLE


def test_nodes_that_reach_nobody_keep_what_they_have(acme, simulate):
    """P43"""
    plane = factories.control_plane(acme)
    fleet = simulate(plane)
    fleet.check_in()
    had = [(node.configuration_version, node.license) for node in fleet.nodes]

    fleet.url = fleet.url._replace(netloc="127.0.0.1:1")

    assert fleet.check_in().counts() == counts(failed=3)
    assert [(node.configuration_version, node.license) for node in fleet.nodes] == had


class TestCommand:
    def run(self, capsys, live_server, *arguments):
        call_command("simulate_nodes", "--url", live_server.url, "--interval", "0", *arguments)
        return capsys.readouterr().out

    def test_each_round_is_told_in_json(self, acme, live_server, capsys):
        """P13"""
        plane = factories.control_plane(acme)
        arguments = ("--nodes", "2", "--rounds", "2", "--json", "--control-planes", str(plane.pk))

        first, second = map(json.loads, self.run(capsys, live_server, *arguments).splitlines())

        assert first.items() >= {"round": 1, **counts(running=2, configuration=2, license=2)}.items()
        assert second.items() >= {"round": 2, **counts(running=2)}.items()
        assert 0 < second["p50_ms"] <= second["p99_ms"]

    def test_control_planes_that_serve_are_found_where_none_is_named(self, acme, globex, live_server, capsys):
        """P13"""
        factories.control_plane(acme)
        factories.control_plane(globex, geo="eu")

        told = self.run(capsys, live_server, "--nodes", "4", "--rounds", "1")

        assert "Round 1: 4 running, 4 got configuration, 4 got a license, 0 refused, 0 failed." in told
        assert [plane.nodes.count() for plane in ControlPlane.objects.all()] == [2, 2]

    def test_it_ends_when_asked_to(self, acme, live_server, capsys, monkeypatch):
        factories.control_plane(acme)
        check_in = Fleet.check_in

        def interrupted(fleet, over):
            signal.raise_signal(signal.SIGTERM)
            return check_in(fleet, over)

        monkeypatch.setattr(Fleet, "check_in", interrupted)
        before = signal.getsignal(signal.SIGTERM)

        assert self.run(capsys, live_server, "--nodes", "4") == ""
        assert signal.getsignal(signal.SIGTERM) is before

    def test_without_a_control_plane_it_says_what_is_missing(self, acme, live_server, capsys):
        with pytest.raises(CommandError, match="There is no such control plane"):
            self.run(capsys, live_server, "--control-planes", str(uuid4()))

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--nodes", "0"),
            ("--rounds", "x"),
            ("--interval", "-1"),
            ("--url", "portal"),
            ("--control-planes", "default"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments):
        with pytest.raises(CommandError, match=arguments[0]):
            call_command("simulate_nodes", *arguments)
