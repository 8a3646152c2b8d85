"""Support sees each attempt to take a control plane down, and who may has it tried or begun now (P42, P43, P70)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent
from accounts.words import Act, Reason, Via
from geos.models import ControlPlane, DataPlaneNode, GeoBreaker, MeshZone, TakeDownAttempt
from geos.services import take_down_next
from tests import factories
from tests.accounts.test_admin_acts import case_of, confirm, said
from tests.desk import signed_in

pytestmark = pytest.mark.django_db

TIERS = ("viewer", "agent", "lead", "administrator")
MINUTE = timedelta(minutes=1)


def by_tier(*answers):
    return list(zip(TIERS, answers, strict=True))


def page_of(control_plane, part="change"):
    return reverse(f"admin:geos_controlplane_{part}", args=[control_plane.pk])


@pytest.fixture
def shop(acme, lead):
    """A control plane of Acme that waits to be taken down."""
    shop = factories.control_plane(acme, "shop", geo="eu")
    later = timezone.now() + timedelta(hours=73)
    why = {"reason": Reason.SPAM, "actor": lead, "via": Via.COMMAND, "ticket": "T-0"}
    deactivate_organizations([acme.pk], take_down_at=later, **why)
    shop.refresh_from_db()
    return shop


@pytest.fixture
def begun(shop):
    """The same after a first attempt that failed."""
    hour_ago, now = timezone.now() - timedelta(hours=1), timezone.now()
    begun = {
        "begins_at": hour_ago,
        "begun_at": hour_ago,
        "attempts": 1,
        "next_attempt_at": now + timedelta(minutes=30),
    }
    ControlPlane.objects.filter(pk=shop.pk).update(last_error="Europe answered 500", **begun)
    attempt(shop, error="Europe answered 500", status=500)
    shop.refresh_from_db()
    return shop


def attempt(control_plane, **fields):
    return TakeDownAttempt.objects.create(control_plane=control_plane, outcome="failed", milliseconds=17, **fields)


# Reading


@pytest.mark.parametrize("tier", TIERS)
def test_everybody_reads_what_the_geo_said(request, begun, tier):
    """P42, P70"""
    page = said(signed_in(request.getfixturevalue(tier)).get(page_of(begun)))

    for words in ("Being taken down", "It cannot come back", "Europe answered 500", "<td>500</td>", "17 ms"):
        assert words in page


def test_it_reads_being_taken_down_until_the_geo_confirms(viewer, begun):
    """P42"""
    client = signed_in(viewer)
    assert "Being taken down" in said(client.get(page_of(begun, "progress")))

    ControlPlane.objects.update(next_attempt_at=timezone.now())
    take_down_next("eu")

    page = said(client.get(page_of(begun, "progress")))
    assert "Europe has confirmed that it is gone" in page
    assert "data-refresh" not in page


def test_one_that_waits_says_until_when_it_can_come_back(viewer, shop):
    """P51"""
    page = said(signed_in(viewer).get(page_of(shop)))

    assert "Until then it can come back" in page
    assert "None has ended yet" in page


def test_a_geo_that_is_left_alone_is_said_to_be(viewer, begun, settings):
    """P42"""
    settings.GEO_SERVICES = {"eu": {"url": "http://127.0.0.1:1", "token": "t"}}
    client = signed_in(viewer)
    assert "Asked whenever something is due" in said(client.get(page_of(begun)))

    GeoBreaker.objects.create(geo_id="eu", failures=7, open_until=timezone.now() + MINUTE)
    assert "Left alone after 7 failures in a row" in said(client.get(page_of(begun)))


def test_many_attempts_are_read_page_by_page_at_the_same_cost(viewer, begun):
    client = signed_in(viewer)

    def queries(url):
        with CaptureQueriesContext(connection) as captured:
            page = said(client.get(url))
        return len(captured), page

    few, _ = queries(page_of(begun))
    for number in range(60):
        attempt(begun, error=f"error {number}.")
    many, page = queries(page_of(begun))
    assert many == few
    assert "error 59." in page
    assert "error 34." not in page

    earlier = client.get(page_of(begun)).context["story"].earlier
    _, second = queries(f"{page_of(begun)}?before={earlier}")
    assert "error 34." in second
    assert "error 59." not in second
    assert "data-refresh" not in second


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "²", "%00", "1.5"])
def test_what_is_no_key_gives_the_newest(viewer, begun, before):
    assert "17 ms" in said(signed_in(viewer).get(f"{page_of(begun)}?before={before}"))


def test_what_a_geo_says_runs_nothing(viewer, begun):
    attempt(begun, error="<script>alert(1)</script>")

    assert "<script>alert(1)" not in said(signed_in(viewer).get(page_of(begun)))


# Retry now


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 302, 302, 302))
def test_who_may_have_it_tried_again(request, begun, tier, status):
    """P70: an agent may, since it only comes sooner"""
    client = signed_in(request.getfixturevalue(tier))
    shown = page_of(begun, "retry") in said(client.get(page_of(begun)))

    assert client.post(page_of(begun, "retry")).status_code == status
    assert shown == (status == 302)
    assert ControlPlane.objects.filter(next_attempt_at__lte=timezone.now()).exists() == (status == 302)


def test_what_is_tried_again_comes_next_though_its_geo_is_left_alone(agent, acme, begun):
    """P42"""
    other = factories.control_plane(acme, "other", geo="eu")
    begun_state = {field: getattr(begun, field) for field in ("state", "decommission_requested_at", "begun_at")}
    before = timezone.now() - MINUTE
    ControlPlane.objects.filter(pk=other.pk).update(begins_at=before, next_attempt_at=before, **begun_state)
    GeoBreaker.objects.create(geo_id="eu", failures=7, open_until=timezone.now() + MINUTE)
    assert not take_down_next("eu")

    signed_in(agent).post(page_of(begun, "retry"))

    assert take_down_next("eu")
    begun.refresh_from_db()
    assert begun.state == "decommissioned"


def test_what_waits_is_not_tried_before_its_time(agent, shop):
    """P51: until then it can come back"""
    client = signed_in(agent)
    assert page_of(shop, "retry") not in said(client.get(page_of(shop)))

    answer = client.post(page_of(shop, "retry"), follow=True)

    assert "nothing was changed" in said(answer)
    assert not take_down_next("eu")


def test_a_retry_is_a_post(lead, begun):
    assert signed_in(lead).get(page_of(begun, "retry")).status_code == 405


def test_what_is_on_hold_is_neither_retried_nor_hastened(lead, acme, begun):
    """P58"""
    acme.refresh_from_db()
    acme.hold_until, acme.hold_reason, acme.hold_ticket = timezone.now() + timedelta(days=3), "Court order", "T-9"
    acme.save()
    client = signed_in(lead)

    assert "Court order" in said(client.get(page_of(begun)))
    assert "Court order" in said(client.post(page_of(begun, "retry"), follow=True))
    assert ControlPlane.objects.filter(next_attempt_at__gt=timezone.now()).exists()


# Take down now


@pytest.mark.parametrize(("tier", "status"), by_tier(403, 403, 200, 200))
def test_who_may_have_one_taken_down_now(request, shop, tier, status):
    """P42, P70"""
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of(shop, "take-down")).status_code == status
    assert (page_of(shop, "take-down") in said(client.get(page_of(shop)))) == (status == 200)


def test_one_is_taken_down_now_and_the_others_wait(lead, acme, shop):
    """P42, P47"""
    other = factories.control_plane(acme, "other", geo="eu")
    waiting = ("state", "decommission_requested_at", "begins_at", "next_attempt_at")
    ControlPlane.objects.filter(pk=other.pk).update(**{field: getattr(shop, field) for field in waiting})

    answer = confirm(signed_in(lead), page_of(shop, "take-down"))

    assert answer["Location"] == page_of(shop)
    assert take_down_next("eu")
    assert not take_down_next("eu")
    shop.refresh_from_db()
    assert shop.state == "decommissioned"
    event = LifecycleEvent.objects.get(act=Act.TAKE_DOWN_HASTENED)
    assert (event.organization_id, event.ticket) == (acme.pk, "T-1")
    assert event.details["control_planes"] == [str(shop.pk)]


def test_what_has_begun_meanwhile_is_not_begun_again(lead, shop):
    """Habit 4"""
    client = signed_in(lead)
    page = client.get(page_of(shop, "take-down"))
    ControlPlane.objects.update(begins_at=timezone.now(), next_attempt_at=timezone.now())
    take_down_next("eu")

    answer = client.post(page_of(shop, "take-down"), {"digest": page.context["shown"].digest}, follow=True)

    assert "nothing was changed" in said(answer)
    assert not LifecycleEvent.objects.filter(act=Act.TAKE_DOWN_HASTENED).exists()


# Who still runs


def check_in(control_plane, names, model=DataPlaneNode, *, ago, version="3.9"):
    field = "hostname" if model is DataPlaneNode else "name"
    at = timezone.now() - ago
    model.objects.bulk_create(
        model(control_plane=control_plane, last_check_in_at=at, version=version, **{field: name}) for name in names
    )


def test_after_a_deactivation_the_case_names_who_still_runs_and_who_alone_can_stop_it(viewer, acme, shop):
    """P43"""
    acme_since = timezone.now() - timedelta(hours=2)
    type(acme).objects.filter(pk=acme.pk).update(deactivated_at=acme_since)
    check_in(shop, ["gw-1"], ago=MINUTE)
    check_in(shop, ["gw-late"], ago=timedelta(hours=1))
    check_in(shop, ["gw-gone"], ago=timedelta(hours=3))
    check_in(shop, ["zone-1"], MeshZone, ago=2 * MINUTE, version="")

    page = said(signed_in(viewer).get(case_of(acme)))

    left = page[page.index("Seen since the deactivation") :]
    assert "Only the operator can stop it" in left
    assert "no longer proxies for Acme" in left
    assert "shop in Europe" in left
    assert left.index("gw-1") < left.index("gw-late") < left.index("zone-1")
    assert left.count(">Running<") == 2
    assert "last seen <time" in left
    assert "version unknown" in left
    assert "gw-gone" not in left


def test_many_that_still_run_are_counted_and_the_latest_named(viewer, acme, shop):
    """P43"""
    check_in(shop, [f"gw-{number}" for number in range(30)], ago=MINUTE)
    page = said(signed_in(viewer).get(case_of(acme)))

    assert "And 22 more." in page
    assert 'Seen since the deactivation <span class="desk-count">30</span>' in page


def test_where_nobody_checks_in_any_more_the_case_says_so(viewer, acme, shop):
    """P43"""
    assert "No node or zone has checked in since" in said(signed_in(viewer).get(case_of(acme)))


def test_the_case_costs_the_same_however_many_still_run(viewer, acme, shop):
    client = signed_in(viewer)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(case_of(acme))
        return len(captured)

    check_in(shop, ["gw"], ago=MINUTE)
    check_in(shop, ["zone"], MeshZone, ago=MINUTE)
    one = queries()
    check_in(shop, [f"gw-{number}" for number in range(30)], ago=MINUTE)
    check_in(shop, [f"zone-{number}" for number in range(30)], MeshZone, ago=MINUTE)
    assert queries() == one


def test_an_active_control_plane_says_nothing_of_the_kind(viewer, acme):
    active = factories.control_plane(acme, "shop")
    check_in(active, ["gw-1"], ago=MINUTE)

    page = said(signed_in(viewer).get(page_of(active)))
    assert "It hands out configuration" in page
    assert "Seen since" not in page
    assert "Seen since" not in said(signed_in(viewer).get(case_of(acme)))
