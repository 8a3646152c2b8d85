"""Which nodes and zones run, which are out of sync, whose clock is off (P13)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from geos.models import DataPlaneNode, MeshZone
from geos.services import nodes_of, zones_of
from tests import factories

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def node(plane, hostname, **fields):
    return DataPlaneNode.objects.create(control_plane=plane, hostname=hostname, **fields)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, (False, False, False)),
        ({"last_check_in_at": NOW, "configuration_version": 3}, (True, False, False)),
        ({"last_check_in_at": NOW - timedelta(seconds=299), "configuration_version": 3}, (True, False, False)),
        ({"last_check_in_at": NOW - timedelta(seconds=300), "configuration_version": 3}, (False, False, False)),
        ({"last_check_in_at": NOW, "configuration_version": 2}, (True, True, False)),
        ({"last_check_in_at": NOW, "configuration_version": 4}, (True, True, False)),
        ({"last_check_in_at": NOW, "configuration_version": None}, (True, True, False)),
        ({"last_check_in_at": NOW, "configuration_version": 3, "clock_offset_seconds": 300}, (True, False, False)),
        ({"last_check_in_at": NOW, "configuration_version": 3, "clock_offset_seconds": 301}, (True, False, True)),
        ({"last_check_in_at": NOW, "configuration_version": 3, "clock_offset_seconds": -301}, (True, False, True)),
    ],
)
def test_what_is_told_of_a_node_and_of_a_zone(acme, said, told):
    """P13"""
    plane = factories.control_plane(acme, configuration_version=3)
    node(plane, "a", **said)
    MeshZone.objects.create(control_plane=plane, name="a", **said)

    for row in (nodes_of([plane.pk], NOW).get(), zones_of([plane.pk], NOW).get()):
        assert (row.is_running, row.is_out_of_sync, row.is_clock_off) == told


def test_those_of_other_control_planes_are_not_among_them(acme, globex, django_assert_num_queries):
    """P11"""
    ours, theirs = factories.control_plane(acme, nodes=3), factories.control_plane(globex, nodes=2)

    with django_assert_num_queries(1):
        found = [row.control_plane for row in nodes_of([ours.pk], NOW)]

    assert found == [ours] * 3
    assert nodes_of([theirs.pk], NOW).filter(is_running=False).count() == 2
