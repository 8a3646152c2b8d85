"""Registrations, credentials and what nodes are handed out, against a deactivation that comes at the same moment."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from geos.models import ControlPlaneCredential, DataPlaneNode, MeshZone
from geos.services import NODES, check_in, create_credential, find_standing, revoke_credential
from tests import factories
from tests.geos import fleet
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme)


@pytest.fixture
def raw(plane):
    return fleet.credential(plane)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: fleet.deactivate(acme, lead)


class TestRegistration:
    def test_a_node_that_meets_a_deactivation_is_told_that_it_is_gone(self, plane, raw, deactivate):
        """P43"""
        answer = collide(deactivate, lambda: fleet.check_in(plane, raw))

        assert answer.status_code == 410
        assert not DataPlaneNode.objects.exists()

    def test_a_zone_that_meets_a_deactivation_is_told_so_too(self, acme, deactivate):
        """P43"""
        mesh = factories.control_plane(acme, "mesh", kind="mesh_global")
        raw = fleet.credential(mesh)

        assert collide(deactivate, lambda: fleet.check_in(mesh, raw)).status_code == 410
        assert not MeshZone.objects.exists()

    def test_a_node_registered_just_before_is_counted_by_the_deactivation(self, plane, raw, deactivate):
        """P43, P47"""
        id, said, now = uuid4(), fleet.node(), timezone.now()
        said = {key: said[key] for key in ("version", "hostname", "configuration_version", "license_id")}
        standing = find_standing(raw, NODES, id)

        [event] = collide(lambda: check_in(standing, NODES, id, said, at=now), deactivate)

        assert event.details["counts"]["nodes_left_running"] == 1
        assert DataPlaneNode.objects.get().pk == id

    def test_a_node_that_registers_twice_at_once_is_one(self, plane, raw):
        """P13"""
        id = uuid4()

        answers = at_once(*[lambda: fleet.check_in(plane, raw, id=id)] * 4)

        assert [answer.status_code for answer in answers] == [200] * 4
        assert DataPlaneNode.objects.get().pk == id

    def test_one_id_for_two_control_planes_at_once_is_one_of_them(self, globex, plane, raw):
        """P11"""
        theirs, id = factories.control_plane(globex, geo="us"), uuid4()
        other = fleet.credential(theirs)

        answers = at_once(
            lambda: fleet.check_in(plane, raw, id=id),
            lambda: fleet.check_in(theirs, other, id=id),
        )

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert DataPlaneNode.objects.count() == 1


class TestConfiguration:
    def test_it_stops_at_the_commit(self, acme, lead, plane, raw):
        """P42: one that came through the door before and asks after it gets nothing"""
        id = uuid4()
        fleet.check_in(plane, raw, id=id)
        early = find_standing(raw, NODES, id)
        assert early.is_serving

        fleet.deactivate(acme, lead)

        said = {"configuration_version": None, "license_id": None}
        answer = check_in(early, NODES, id, said, at=timezone.now())
        assert (answer.configuration, answer.license) == (None, None)
        assert set(fleet.check_in(plane, raw, id=id).json()) == {"configuration_version"}

    def test_until_the_commit_it_is_handed_out_and_nobody_waits(self, acme, plane, raw):
        """P42, P13: a check-in takes no lock that a deactivation holds"""
        id = uuid4()
        fleet.check_in(plane, raw, id=id)

        with transaction.atomic():
            Organization.objects.hold_all([acme.pk])
            acme.control_planes.select_for_update().get()
            [answer] = at_once(lambda: fleet.check_in(plane, raw, id=id))

        assert "configuration" in answer.json()


class TestCredentials:
    def test_one_that_meets_a_deactivation_is_not_made(self, acme, plane, deactivate):
        """Habit 1, P12"""
        outcome = collide(deactivate, lambda: create_credential(acme.pk, plane.pk, title="late"))

        assert isinstance(outcome, Organization.DoesNotExist)
        assert not ControlPlaneCredential.objects.exists()

    def test_one_made_just_before_goes_on_letting_known_nodes_in(self, acme, plane, deactivate):
        """P43: nodes check in after the deactivation too"""
        node = factories.control_plane(acme, "other", nodes=1).nodes.get()
        made = []

        collide(
            lambda: made.append(create_credential(acme.pk, node.control_plane_id, title="early")[1]),
            deactivate,
        )

        assert fleet.check_in(node.control_plane, made[0], id=node.pk).status_code == 200

    def test_revoking_meets_a_deactivation_and_leaves_it(self, acme, plane, deactivate):
        """Habit 1"""
        credential, _raw = create_credential(acme.pk, plane.pk, title="early")

        outcome = collide(deactivate, lambda: revoke_credential(acme.pk, plane.pk, credential.pk))

        assert isinstance(outcome, Organization.DoesNotExist)
        assert ControlPlaneCredential.objects.live().exists()

    def test_the_last_free_place_is_taken_once(self, acme, plane, monkeypatch):
        """P13"""
        monkeypatch.setattr("geos.services.credentials.LIVE_AT_MOST", 1)

        at_once(*[lambda: create_credential(acme.pk, plane.pk, title="last")] * 3)

        assert plane.credentials.count() == 1


def test_two_check_ins_in_a_new_minute_write_once(plane, raw):
    """P13: at most one write a minute, the later one finds it recorded"""
    id = uuid4()
    fleet.check_in(plane, raw, id=id)
    DataPlaneNode.objects.update(last_check_in_at=timezone.now() - timedelta(minutes=2))
    early = find_standing(raw, NODES, id)
    said = {"version": "1", "configuration_version": 1, "license_id": None}

    for version in ("1", "2"):
        check_in(early, NODES, id, {**said, "version": version}, at=timezone.now())

    assert DataPlaneNode.objects.get().version == "1"
