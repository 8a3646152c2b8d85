from datetime import timedelta

import pytest
from django.utils import timezone

from geos.models import ControlPlane
from geos.services import geos_of
from tests import factories

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def taken_down(control_plane, at):
    ControlPlane.objects.filter(pk=control_plane.pk).update(
        state="decommissioned", decommission_requested_at=at, begins_at=at, begun_at=at, decommissioned_at=at
    )


def test_an_organization_is_where_it_has_or_had_a_control_plane(acme, globex, django_assert_num_queries):
    """P63"""
    now = timezone.now()
    factories.control_plane(acme, geo="us")
    taken_down(factories.control_plane(acme, geo="eu"), now - DAY)
    taken_down(factories.control_plane(acme, geo="au"), now - 3 * DAY)
    taken_down(factories.control_plane(globex, geo="au"), now - 3 * DAY)

    with django_assert_num_queries(1):
        geos = geos_of({acme.pk: now - 2 * DAY, globex.pk: now - 4 * DAY})

    assert geos == {acme.pk: {"us", "eu"}, globex.pk: {"au"}}


def test_without_control_planes_it_is_nowhere(acme):
    """P63"""
    assert geos_of({acme.pk: timezone.now()}) == {}
