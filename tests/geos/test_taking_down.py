from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from geos import client
from geos.models import ControlPlane, EmbeddedTakeDown
from geos.services import (
    begin_decommission,
    finish_decommission,
    hasten_take_down,
    put_off,
    request_decommission,
    restore_control_planes,
    take_down_next,
)
from geos.services.taking_down import pause_after
from tests import factories

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def request(organization, begins_in=timedelta(0), *, ago=timedelta(0)):
    at = timezone.now() - ago
    request_decommission([organization.pk], at=at, begins_at=at + begins_in)


def claim(geo="us"):
    claimed = begin_decommission(geo, at=timezone.now())
    assert claimed
    return claimed


def put_on_hold(organization, **until):
    organization.hold_until = timezone.now() + timedelta(**until)
    organization.hold_reason, organization.hold_ticket = "Court order", "T-9"
    organization.save()


def states(organization):
    rows = ControlPlane.objects.filter(organization=organization).order_by("name")
    return dict(rows.values_list("name", "state"))


@pytest.fixture
def geo_that_refuses():
    """The embedded geo's own table raises, as a geo that is down would."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION refuse_take_down() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'closed for maintenance'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON geos_embeddedtakedown
            FOR EACH ROW EXECUTE FUNCTION refuse_take_down()
            """
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse_take_down() CASCADE")


@pytest.mark.parametrize("kind", ControlPlane.Kind.values)
def test_a_control_plane_of_each_kind_is_taken_down_in_its_geo(acme, kind):
    """P42"""
    control_plane = factories.control_plane(acme, geo="au", kind=kind)
    request(acme)

    assert take_down_next("au")

    control_plane.refresh_from_db()
    assert control_plane.state == "decommissioned"
    assert control_plane.begun_at
    assert control_plane.decommissioned_at
    assert control_plane.begun_at <= control_plane.decommissioned_at
    assert control_plane.next_attempt_at is None
    assert EmbeddedTakeDown.objects.get().geo == "au"
    assert not take_down_next("au")


def test_nodes_and_zones_are_left_running(acme):
    """P43"""
    factories.control_plane(acme, "gateway", nodes=3)
    factories.control_plane(acme, "mesh", kind="mesh_global", zones=2)
    request(acme)

    while take_down_next("us"):
        pass

    assert set(states(acme).values()) == {"decommissioned"}
    assert sum(plane.nodes.count() + plane.zones.count() for plane in acme.control_planes.all()) == 5


def test_another_organization_and_another_geo_are_left_alone(acme, globex):
    """P42"""
    factories.control_plane(acme, "here")
    factories.control_plane(acme, "there", geo="eu")
    factories.control_plane(globex, "theirs")
    request(acme)

    while take_down_next("us"):
        pass

    assert states(acme) == {"here": "decommissioned", "there": "decommissioning"}
    assert states(globex) == {"theirs": "active"}


def test_nothing_begins_before_its_time(acme):
    """P42: taking down begins 72 hours after the commit, so that it can come back until then (P51)"""
    factories.control_plane(acme)
    request(acme, begins_in=72 * HOUR)

    now = timezone.now()
    assert begin_decommission("us", at=now) is None
    assert begin_decommission("us", at=now + 72 * HOUR - timedelta(seconds=1)) is None
    assert begin_decommission("us", at=now + 72 * HOUR + timedelta(seconds=1))


def test_what_is_on_hold_is_not_taken_down_until_the_hold_ends(acme):
    """P58"""
    factories.control_plane(acme)
    request(acme)
    put_on_hold(acme, days=2)

    now = timezone.now()
    assert begin_decommission("us", at=now) is None
    assert begin_decommission("us", at=now + 2 * DAY)


def test_what_has_been_restored_is_not_taken_down(acme):
    """P51"""
    factories.control_plane(acme)
    request(acme)
    restore_control_planes(acme.pk, at=timezone.now())

    assert not take_down_next("us")
    assert not EmbeddedTakeDown.objects.exists()


def test_what_has_begun_does_not_come_back(acme):
    """P51"""
    control_plane = factories.control_plane(acme)
    request(acme)
    begin_decommission("us", at=timezone.now())

    assert restore_control_planes(acme.pk, at=timezone.now()) == []
    assert states(acme) == {control_plane.name: "decommissioning"}


def test_a_worker_that_dies_after_the_geo_confirmed_leaves_it_to_the_next(acme):
    """P48: asked twice, taken down once, and the moment it began stays the first one"""
    factories.control_plane(acme)
    request(acme)
    claimed = claim()
    client.take_down(claimed)
    assert not take_down_next("us"), "claimed: nobody else's for a while"

    ControlPlane.objects.update(next_attempt_at=timezone.now())
    assert take_down_next("us")

    control_plane = ControlPlane.objects.get()
    assert (control_plane.state, control_plane.attempts) == ("decommissioned", 2)
    assert control_plane.begun_at == claimed.begun_at
    assert EmbeddedTakeDown.objects.get().requests == 2


def test_confirming_twice_changes_nothing(acme):
    """P48"""
    factories.control_plane(acme)
    request(acme)
    claimed = claim()
    first = timezone.now()

    assert finish_decommission(claimed, at=first)
    assert not finish_decommission(claimed, at=first + HOUR)
    assert ControlPlane.objects.get().decommissioned_at == first


def test_what_has_not_begun_cannot_be_confirmed(acme):
    """P51"""
    control_plane = factories.control_plane(acme)
    request(acme, begins_in=HOUR)

    assert not finish_decommission(control_plane, at=timezone.now())
    assert states(acme) == {control_plane.name: "decommissioning"}


def test_a_failure_is_kept_for_support_and_tried_again(acme, geo_that_refuses):
    """P42"""
    factories.control_plane(acme)
    request(acme)

    assert take_down_next("us")

    control_plane = ControlPlane.objects.get()
    assert control_plane.state == "decommissioning"
    assert "closed for maintenance" in control_plane.last_error
    assert control_plane.attempts == 1
    assert ControlPlane.objects.filter(next_attempt_at__gt=timezone.now()).exists()


def test_one_that_fails_does_not_hold_up_the_next(acme, globex, geo_that_refuses):
    """P42"""
    factories.control_plane(acme)
    factories.control_plane(globex)
    request(acme)
    request(globex)

    assert take_down_next("us")
    assert take_down_next("us")
    assert not take_down_next("us")
    assert set(ControlPlane.objects.values_list("attempts", flat=True)) == {1}


def test_an_error_is_gone_when_the_geo_has_confirmed(acme):
    """P42"""
    factories.control_plane(acme)
    request(acme)
    claimed = claim()
    put_off(claimed, client.GeoError("busy"), at=timezone.now())
    ControlPlane.objects.update(next_attempt_at=timezone.now())

    assert take_down_next("us")
    assert ControlPlane.objects.get().last_error == ""


@pytest.mark.parametrize(
    ("asked_for", "waits_at_least"), [(6 * HOUR, 6 * HOUR), (timedelta(seconds=1), timedelta(seconds=30))]
)
def test_a_geo_may_ask_for_later_but_not_for_sooner(acme, asked_for, waits_at_least):
    """P42: at most an hour apart, later only where the geo asks for it"""
    factories.control_plane(acme)
    request(acme)
    now = timezone.now()

    put_off(claim(), client.GeoError("busy", retry_after=asked_for), at=now)

    next_attempt_at = ControlPlane.objects.get().next_attempt_at
    assert next_attempt_at
    assert now + waits_at_least <= next_attempt_at <= timezone.now() + max(asked_for, HOUR)


def test_attempts_lie_further_and_further_apart_but_never_more_than_an_hour():
    """P42: with the minute that beat takes to find them, without end"""
    pauses = [pause_after(attempts) for attempts in range(1, 2000)]

    assert timedelta(seconds=30) <= pauses[0] <= timedelta(minutes=1)
    assert timedelta(minutes=29) <= min(pauses[10:])
    assert max(pauses) <= timedelta(minutes=59)
    assert len(set(pauses[10:])) > 1000, "not all at the same moment"


def test_hastening_lets_begin_and_try_again_at_once(acme, globex):
    """P42"""
    waiting = factories.control_plane(acme, "waiting")
    begun = factories.control_plane(acme, "begun", geo="eu")
    factories.control_plane(acme, "active", geo="au")
    factories.control_plane(globex)
    request(acme)
    begin_decommission("eu", at=timezone.now())
    later = timezone.now() + DAY
    ControlPlane.objects.filter(pk=waiting.pk).update(begins_at=later, next_attempt_at=later)
    restored = ControlPlane.objects.filter(name="active")
    restored.update(state="active", decommission_requested_at=None, begins_at=None, next_attempt_at=None)

    hastened = hasten_take_down([acme.pk], at=timezone.now())

    assert set(hastened[acme.pk]) == {waiting.pk, begun.pk}
    assert list(hastened) == [acme.pk]
    assert take_down_next("us")
    assert take_down_next("eu")
    assert states(acme) == {"active": "active", "begun": "decommissioned", "waiting": "decommissioned"}


def test_what_is_not_confirmed_after_24_hours_is_stuck(acme, globex):
    """P42, P58: not what is on hold"""
    factories.control_plane(acme)
    factories.control_plane(globex, geo="eu")
    request(acme, ago=DAY - timedelta(minutes=1))
    request(globex, ago=2 * DAY)
    put_on_hold(globex, days=1)

    assert not ControlPlane.objects.stuck(timezone.now()).exists()

    request_moved = ControlPlane.objects.filter(organization=acme)
    request_moved.update(begins_at=timezone.now() - DAY)
    assert list(ControlPlane.objects.stuck(timezone.now())) == list(request_moved)
