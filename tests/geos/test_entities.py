"""Services and consumers of a gateway control plane as their services make, change and end them (P11 to P13)."""

from functools import partial
from uuid import uuid4

import pytest

from geos.errors import GeoRefusal
from geos.models import Consumer, ControlPlane
from geos.services.control_planes import delete_control_plane
from geos.services.entities import (
    change_consumer,
    change_service,
    create_consumer,
    create_service,
    delete_consumer,
    delete_service,
)
from tests import factories

pytestmark = pytest.mark.django_db

ADDITIONS = {
    "service": partial(create_service, name="orders", host="orders.acme.example"),
    "consumer": partial(create_consumer, username="shop"),
}
ENDS = {"service": (change_service, delete_service), "consumer": (change_consumer, delete_consumer)}


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme)


@pytest.fixture(params=ADDITIONS)
def acts(request):
    """Adding, changing and ending a service or a consumer of a control plane."""
    change, delete = ENDS[request.param]
    return (
        lambda plane, **fields: ADDITIONS[request.param](*place(plane), **fields),
        lambda plane, made, **changes: change(*place(plane), made.pk, **changes),
        lambda plane, made: delete(*place(plane), made.pk),
    )


@pytest.fixture
def add(acts):
    return acts[0]


def place(plane) -> tuple:
    return plane.organization_id, plane.geo_id, plane.pk


def key(made) -> str:
    return "username" if isinstance(made, Consumer) else "name"


def version(plane) -> int:
    return ControlPlane.objects.get(pk=plane.pk).configuration_version


def test_adding_changing_and_ending_each_make_a_new_configuration(plane, acts):
    """P13"""
    add, change, delete = acts
    made = add(plane)
    assert version(plane) == 2
    change(plane, made, **{key(made): "other"})
    made.refresh_from_db()
    assert (str(made), version(plane)) == ("other", 3)
    delete(plane, made)
    assert version(plane) == 4
    assert not type(made).objects.exists()


def test_changing_nothing_changes_nothing(plane):
    """P13"""
    made = ADDITIONS["service"](*place(plane))
    change_service(*place(plane), made.pk, host=made.host)

    assert version(plane) == 2


def test_one_form_sent_twice_adds_one(plane, add):
    id = uuid4()
    assert add(plane, id=id) == add(plane, id=id)
    assert version(plane) == 2


def test_a_name_is_one_things_of_its_control_plane(acme, plane, add):
    """P11"""
    made = add(plane)
    second = add(factories.control_plane(acme, "second"))

    for taken in ({}, {"id": second.pk}):
        with pytest.raises(GeoRefusal, match="default has one by this") as refused:
            add(plane, **taken)
        assert (refused.value.field, refused.value.status) == (key(made), 409)
    with pytest.raises(GeoRefusal):
        add(plane, **{key(made): "other", "id": second.pk})


def test_a_control_plane_has_only_so_many(acme, plane, add, settings):
    settings.SERVICES_MAX = settings.CONSUMERS_MAX = 1
    first = add(plane)
    with pytest.raises(GeoRefusal, match="default has 1 of them already") as refused:
        add(plane, **{key(first): "second"})
    assert refused.value.field == "object"
    add(factories.control_plane(acme, "second"))


@pytest.mark.parametrize("kind", ["kic", "mesh_global"])
def test_only_gateways_have_them(acme, add, kind):
    """P12"""
    with pytest.raises(GeoRefusal, match="is no gateway"):
        add(factories.control_plane(acme, kind=kind))


def test_there_is_none_for_another_geo_or_organization(acme, globex, plane, acts):
    """P11"""
    add, change, delete = acts
    made = add(plane)
    for organization, geo in ((acme, "eu"), (globex, "us")):
        wrong = ControlPlane(pk=plane.pk, organization=organization, geo_id=geo)
        for act in (add, lambda wrong: change(wrong, made), lambda wrong: delete(wrong, made)):
            with pytest.raises(ControlPlane.DoesNotExist):
                act(wrong)
    with pytest.raises(type(made).DoesNotExist):
        delete(factories.control_plane(acme, "second"), made)
    assert version(plane) == 2


def test_what_is_being_taken_down_takes_none(acme, plane, add):
    """P42"""
    delete_control_plane(*place(plane))

    with pytest.raises(ControlPlane.DoesNotExist):
        add(plane)
