"""What is added in a geo meets a deactivation, or itself, on PostgreSQL: nothing is born late, nothing twice."""

from collections import Counter

import pytest

from accounts.lifecycle import deactivate_organizations
from accounts.models import Organization
from accounts.words import Reason, Via
from geos.errors import GeoRefusal
from geos.models import Consumer, ControlPlane, GatewayService, OrganizationGeo
from geos.services.control_planes import create_control_plane, delete_control_plane
from geos.services.entities import create_consumer, create_service
from geos.services.opening_geos import open_geo
from tests import factories
from tests.accounts.identity_api.world import caller
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db(transaction=True)

ADDITIONS = {
    "control plane": lambda plane, n=0: create_control_plane(
        plane.organization_id, geo="us", kind=ControlPlane.Kind.GATEWAY, name=f"new-{n}"
    ),
    "service": lambda plane, n=0: create_service(
        plane.organization_id, "us", plane.pk, name=f"new-{n}", host="orders.acme.example"
    ),
    "consumer": lambda plane, n=0: create_consumer(plane.organization_id, "us", plane.pk, username=f"new-{n}"),
    "geo": lambda plane, n=0: open_geo(plane.organization_id, "sg"),
}
NAMED = ["control plane", "service", "consumer"]


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations(
        [acme.pk], reason=Reason.NON_PAYMENT, actor=lead, via=Via.ADMIN, ticket="T-1"
    )


def counts() -> list[int]:
    return [model.objects.count() for model in (ControlPlane, GatewayService, Consumer, OrganizationGeo)]


@pytest.mark.parametrize("what", ADDITIONS)
def test_nothing_is_added_once_the_organization_is_deactivated(plane, deactivate, what):
    """P12, P40"""
    before = counts()
    came = collide(deactivate, lambda: ADDITIONS[what](plane))

    assert isinstance(came, Organization.DoesNotExist)
    assert counts() == before


def test_a_call_let_in_before_a_deactivation_is_refused_with_the_reason_after_it(acme, alice, deactivate):
    """P12, P40"""
    call = caller(acme, user=alice)
    response = collide(
        deactivate, lambda: call("POST", "/v2/control-planes", {"name": "new"}, host="us.api.localhost")
    )

    assert response.status_code == 403
    assert "because its invoices were not paid" in response.json()["detail"]
    assert not ControlPlane.objects.exists()


@pytest.mark.parametrize("what", NAMED)
def test_one_name_twice_at_once_is_one(plane, what):
    """P11"""
    before = sum(counts())
    came = at_once(*[lambda: ADDITIONS[what](plane)] * 2)

    assert [each.status for each in came if isinstance(each, GeoRefusal)] == [409]
    assert sum(counts()) == before + 1


@pytest.mark.parametrize("what", NAMED)
def test_a_limit_asked_for_twice_at_once_holds(plane, settings, what):
    settings.CONTROL_PLANES_MAX = 2
    settings.SERVICES_MAX = settings.CONSUMERS_MAX = 1
    before = sum(counts())
    came = at_once(lambda: ADDITIONS[what](plane, 1), lambda: ADDITIONS[what](plane, 2))

    assert [each.field for each in came if isinstance(each, GeoRefusal)] == ["object"]
    assert sum(counts()) == before + 1


def test_one_control_plane_deleted_twice_at_once_is_deleted_once(acme, plane):
    """P42"""
    came = at_once(*[lambda: delete_control_plane(acme.pk, "us", plane.pk)] * 2)

    assert Counter(type(each) for each in came) == {type(None): 1, ControlPlane.DoesNotExist: 1}


def test_services_added_at_once_each_make_a_new_configuration(plane):
    """P13"""
    at_once(*(lambda n=n: ADDITIONS["service"](plane, n) for n in range(4)))
    plane.refresh_from_db()

    assert plane.configuration_version == 5
