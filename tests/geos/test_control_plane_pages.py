"""The pages of control planes: who sees which, how they are made and ended, what lies under them (P10 to P13)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations
from accounts.words import Reason, Via
from geos.models import Consumer, ControlPlane, DataPlaneNode, GatewayService, MeshZone, OrganizationGeo
from konnect_portal.foundation.paging import PAGE_SIZE
from tests import factories
from tests.customers import entered, words
from tests.races import collide

pytestmark = pytest.mark.django_db

PAGE = "/control-planes/"
NEW = f"{PAGE}new/"


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def as_bob(bob, acme):
    return entered(bob, acme)


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme)


@pytest.fixture
def europe(acme):
    OrganizationGeo.objects.create(organization=acme, geo_id="eu")
    return factories.control_plane(acme, "europe", "eu")


def url(plane, end="") -> str:
    return f"{PAGE}{plane.pk}/{end}"


def form(**changes) -> dict:
    return {"id": str(uuid4()), "kind": "gateway", "geo": "us", "name": "shop", **changes}


def service(**changes) -> dict:
    return {
        "id": str(uuid4()),
        "name": "orders",
        "protocol": "https",
        "host": "orders.example",
        "port": "443",
        **changes,
    }


def consumer(**changes) -> dict:
    return {"id": str(uuid4()), "username": "shop", **changes}


def take_down(plane, *, done=False) -> None:
    now = timezone.now()
    moments = {"decommission_requested_at": now, "begins_at": now, "begun_at": now}
    if done:
        moments |= {"state": "decommissioned", "decommissioned_at": now}
    else:
        moments |= {"state": "decommissioning", "next_attempt_at": now}
    ControlPlane.objects.filter(pk=plane.pk).update(**moments)


def listed(client, query="") -> list[str]:
    return [row.name for row, _ in client.get(PAGE + query).context["rows"]]


def cost(client, path) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


class TestList:
    def test_it_shows_kind_geo_configuration_and_how_nodes_are(self, as_alice, acme, europe):
        """P12, P13"""
        now = timezone.now()
        for minutes, version in ((1, 1), (2, 1), (3, None), (6, 1)):
            DataPlaneNode.objects.create(
                control_plane=europe,
                hostname="node",
                configuration_version=version,
                last_check_in_at=now - timedelta(minutes=minutes),
            )
        DataPlaneNode.objects.create(control_plane=europe, hostname="never")
        mesh = factories.control_plane(acme, "mesh", kind="mesh_global")
        MeshZone.objects.create(control_plane=mesh, name="z", configuration_version=1, last_check_in_at=now)
        factories.control_plane(acme, "quiet", kind="kic")
        shown = words(as_alice.get(PAGE))

        for text in ("2 running", "1 out of sync", "2 not seen", "1 running", "None yet", "Europe", "Mesh global"):
            assert text in shown

    def test_geo_by_geo_and_by_name_and_narrowed_to_one_geo(self, as_alice, acme, plane, europe):
        """P11"""
        factories.control_plane(acme, "another")
        factories.control_plane(acme, "another", "eu")

        assert listed(as_alice) == ["another", "default", "another", "europe"]
        assert listed(as_alice, "?geo=eu") == ["another", "europe"]
        assert listed(as_alice, "?geo=au") == listed(as_alice, "?geo=%00") == listed(as_alice)

    def test_those_being_taken_down_say_so_and_those_gone_are_not_there(self, as_alice, acme, plane):
        """P42"""
        gone = factories.control_plane(acme, "gone")
        take_down(plane)
        take_down(gone, done=True)

        assert listed(as_alice) == ["default"]
        assert "Being taken down" in as_alice.get(PAGE).text

    def test_a_long_one_comes_a_page_at_a_time_and_is_searched(self, as_alice, acme):
        for n in range(PAGE_SIZE + 2):
            factories.control_plane(acme, f"plane-{n:02}")
        first = as_alice.get(PAGE)

        assert len(first.context["rows"]) == PAGE_SIZE
        assert listed(as_alice, f"?after={first.context['page'].after}") == ["plane-25", "plane-26"]
        assert listed(as_alice, "?q=PLANE-2") == [f"plane-{n}" for n in range(20, 27)]
        assert "has “nowhere” in its name" in words(as_alice.get(f"{PAGE}?q=nowhere"))

    def test_many_cost_the_same_as_few(self, as_alice, as_bob, acme, bob, plane):
        factories.role(acme, "Viewer", user=bob, entity_region="us")
        factories.control_plane(acme, "mesh", kind="mesh_global")
        few = cost(as_alice, PAGE), cost(as_bob, PAGE)
        for n in range(20):
            factories.control_plane(acme, f"p-{n}", kind=["gateway", "mesh_global"][n % 2], nodes=2, zones=2)

        assert (cost(as_alice, PAGE), cost(as_bob, PAGE)) == few
        assert max(few) <= 20

    def test_without_any_it_shows_the_three_first_steps(self, as_alice):
        shown = words(as_alice.get(PAGE))

        assert "Three steps to a first request" in shown
        assert f'href="{NEW}">Make a control plane' in shown

    def test_home_leads_there(self, as_alice, acme):
        assert f'<a href="{PAGE}">See control planes</a>' in words(as_alice.get("/"))
        factories.control_plane(acme)
        assert f'<dt><a href="{PAGE}">Nodes running</a></dt>' in words(as_alice.get("/"))


class TestWhoSeesWhat:
    def test_without_a_role_nobody_sees_any_and_reads_whom_to_ask(self, as_bob, plane):
        """P4"""
        shown = words(as_bob.get(PAGE))

        assert "No control plane that you may see" in shown
        assert "Organization Admin can give you a role" in shown
        assert NEW not in shown
        assert as_bob.get(url(plane)).status_code == 404

    def test_a_role_for_one_geo_or_one_control_plane_shows_these_and_no_others(self, as_bob, acme, bob, plane, europe):
        """P4, P11"""
        role = factories.role(acme, "Viewer", user=bob, entity_region="eu")
        assert listed(as_bob) == ["europe"]
        assert as_bob.get(url(plane)).status_code == 404

        role.delete()
        factories.role(acme, "Viewer", user=bob, entity_id=plane.pk)
        assert listed(as_bob) == ["default"]
        assert as_bob.get(url(europe)).status_code == 404

    def test_another_organizations_is_not_there(self, as_alice, globex):
        """P40"""
        others = factories.control_plane(globex, geo="eu")
        made = GatewayService.objects.create(control_plane=others, name="orders")

        for end in ("", "edit/", "delete/", "services/new/", f"services/{made.pk}/edit/", "credentials/new/"):
            assert as_alice.get(url(others, end)).status_code == 404
        assert as_alice.post(url(others, f"services/{made.pk}/delete/")).status_code == 404
        assert GatewayService.objects.exists()

    def test_a_service_is_found_under_its_own_control_plane_only(self, as_alice, plane, europe):
        """P11"""
        made = GatewayService.objects.create(control_plane=europe, name="orders")

        assert as_alice.get(url(plane, f"services/{made.pk}/edit/")).status_code == 404

    def test_a_viewer_reads_and_is_offered_nothing(self, as_bob, acme, bob, plane):
        """P4"""
        made = GatewayService.objects.create(control_plane=plane, name="orders")
        factories.role(acme, "Viewer", user=bob)
        shown = words(as_bob.get(url(plane)))

        assert "orders" in shown
        assert "Credentials" not in shown
        for end in ("edit/", "delete/", "services/new/", f"services/{made.pk}/delete/", "credentials/new/"):
            assert url(plane, end) not in shown
            assert as_bob.post(url(plane, end)).status_code == 403
        assert as_bob.get(NEW).status_code == 403

    def test_a_consumer_admin_changes_consumers_and_sees_neither_services_nor_nodes(self, as_bob, acme, bob, plane):
        """P4"""
        DataPlaneNode.objects.create(control_plane=plane, hostname="secret-host")
        factories.role(acme, "Consumer Admin", user=bob)
        shown = words(as_bob.get(url(plane)))

        assert "Add a consumer" in shown
        assert "Gateway services" not in shown
        assert "secret-host" not in shown
        assert "not seen" not in as_bob.get(PAGE).text
        assert as_bob.post(url(plane, "consumers/new/"), consumer()).status_code == 302
        assert as_bob.post(url(plane, "services/new/"), service()).status_code == 403


class TestMaking:
    def test_one_is_made_and_shown(self, as_alice, acme):
        """P12"""
        sent = form(kind="kic", description="Shop", labels="env: test\nteam: shop")
        shown = as_alice.post(NEW, sent, follow=True)
        made = ControlPlane.objects.get()

        assert (made.organization, made.geo_id, made.kind) == (acme, "us", "kic")
        assert (made.description, made.labels) == ("Shop", {"env": "test", "team": "shop"})
        assert "shop was made" in words(shown)
        assert shown.redirect_chain == [(url(made), 302)]

    def test_sent_twice_it_makes_one(self, as_alice):
        sent = form()
        assert as_alice.post(NEW, sent).url == as_alice.post(NEW, sent).url
        assert ControlPlane.objects.count() == 1

    def test_it_offers_the_geos_that_are_open_by_name_with_the_home_first(self, alice, globex):
        """P10"""
        OrganizationGeo.objects.create(organization=globex, geo_id="us")
        shown = entered(globex.owner, globex).get(NEW)

        assert [label for _, label in shown.context["form"].fields["geo"].choices] == ["Europe", "United States"]
        assert "Australia" not in shown.text

    def test_it_offers_what_a_role_allows_and_refuses_the_rest(self, as_bob, acme, bob, europe):
        """P4, P11"""
        factories.role(acme, "Creator", user=bob, entity_region="us")
        factories.role(acme, "Creator", "Mesh Control Planes", user=bob, entity_region="eu")

        assert "You may not make a control plane of this kind there" in as_bob.post(NEW, form(geo="eu")).text
        made = as_bob.post(NEW, form(), follow=True)
        assert "You have no role to see it" in words(made)
        assert [made.name for made in ControlPlane.objects.filter(geo="us")] == ["shop"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "give the control plane a name"),
            ({"name": "x"}, "2 to 256 characters"),
            ({"name": "x" * 10_000}, "at most 256 characters"),
            ({"name": "a\x00b"}, "Null characters"),
            ({"name": "default"}, "There is a control plane by this name in United States already"),
            ({"kind": "mesh_global", "description": "x" * 251}, "250 characters at most"),
            ({"description": "x" * 10_000}, "at most 2048 characters"),
            ({"kind": "serverless"}, "choose one of these kinds"),
            ({"kind": ""}, "choose one of these kinds"),
            ({"geo": "au"}, "choose one of these geos"),
            ({"geo": "\x00"}, "choose one of these geos"),
            ({"labels": "env"}, "no colon"),
            ({"labels": "konnect: x"}, "does not start with kong"),
            ({"id": "x"}, "valid UUID"),
        ],
    )
    def test_bad_input_is_told_and_loses_nothing(self, as_alice, plane, changes, said):
        response = as_alice.post(NEW, form(**{"name": "typed before", **changes}))

        assert response.status_code == 200
        assert said in words(response)
        assert ("name" in changes) or 'value="typed before"' in response.text
        assert ControlPlane.objects.count() == 1

    def test_no_more_than_the_limit(self, as_alice, plane, settings):
        """P12"""
        settings.CONTROL_PLANES_MAX = 1
        assert "Acme has 1 control planes already" in words(as_alice.post(NEW, form()))
        assert ControlPlane.objects.count() == 1


class TestOne:
    def test_nodes_are_told_in_words(self, as_alice, plane):
        """P13"""
        now = timezone.now()
        told = [
            ("runs", {"configuration_version": 1, "version": "3.11.0.0"}),
            ("behind", {"configuration_version": 0}),
            ("new", {}),
            ("early", {"configuration_version": 1, "clock_offset_seconds": 900}),
            ("late", {"configuration_version": 1, "clock_offset_seconds": -7200}),
        ]
        for name, fields in told:
            DataPlaneNode.objects.create(control_plane=plane, hostname=name, last_check_in_at=now, **fields)
        DataPlaneNode.objects.create(control_plane=plane, hostname="never")
        shown = words(as_alice.get(url(plane)))

        for text in (
            "Version 3.11.0.0",
            "Running, out of sync",
            "It has no configuration yet.",
            "Its clock is 15 minutes ahead.",
            "Its clock is 2 hours behind.",
            "Never",
        ):
            assert text in shown

    def test_a_mesh_has_zones_and_nothing_to_configure_here(self, as_alice, acme):
        """P12"""
        mesh = factories.control_plane(acme, "mesh", kind="mesh_global", zones=1)
        MeshZone.objects.update(data_planes=1234)
        shown = words(as_alice.get(url(mesh)))

        assert "mesh-zone-0" in shown
        assert "1,234" in shown
        assert "Gateway services" not in shown
        assert "Data plane nodes" not in shown

    def test_its_lists_page_and_are_searched_at_once_and_cost_the_same(self, as_alice, plane):
        few = cost(as_alice, url(plane))
        for n in range(PAGE_SIZE + 1):
            GatewayService.objects.create(control_plane=plane, name=f"s-{n:02}")
            Consumer.objects.create(control_plane=plane, username=f"c-{n:02}")
            DataPlaneNode.objects.create(control_plane=plane, hostname=f"n-{n:02}")
        shown = as_alice.get(url(plane))
        following = shown.context["services"].after
        found = as_alice.get(url(plane, "?q=25"))

        assert cost(as_alice, url(plane)) == few
        assert [row.name for row in as_alice.get(url(plane, f"?services={following}")).context["services"].rows] == [
            "s-25"
        ]
        assert [str(found.context[name].rows[0]) for name in ("services", "consumers", "nodes")] == [
            "s-25",
            "c-25",
            "n-25",
        ]

    def test_changes_are_kept_and_a_taken_name_is_told(self, as_alice, acme, plane):
        factories.control_plane(acme, "taken")
        refused = as_alice.post(url(plane, "edit/"), {"name": "taken", "description": "typed"})
        assert "by this name" in words(refused)
        assert "typed" in refused.text

        as_alice.post(url(plane, "edit/"), {"name": "renamed", "labels": "env: live"})
        plane.refresh_from_db()
        assert (plane.name, plane.labels) == ("renamed", {"env": "live"})


class TestDeleting:
    def test_it_says_what_goes_on_running_and_asks_for_the_name(self, as_alice, plane):
        """P43"""
        DataPlaneNode.objects.create(
            control_plane=plane, hostname="n", configuration_version=1, last_check_in_at=timezone.now()
        )
        shown = words(as_alice.get(url(plane, "delete/")))

        assert "nodes and zones go on as they were last configured, until you stop them" in shown
        assert "1 running" in shown
        assert "This is not “default”" in words(as_alice.post(url(plane, "delete/"), {"name": "defualt"}))
        assert ControlPlane.objects.active().exists()

    def test_with_the_name_it_is_taken_down_and_offers_nothing_any_more(self, as_alice, plane):
        """P42"""
        made = GatewayService.objects.create(control_plane=plane, name="orders")
        node = DataPlaneNode.objects.create(control_plane=plane, hostname="left", last_check_in_at=timezone.now())
        as_alice.post(url(plane, "delete/"), {"name": "default"})
        plane.refresh_from_db()
        shown = words(as_alice.get(url(plane)))

        assert plane.state == "decommissioning"
        assert "Being taken down" in shown
        assert node.hostname in shown
        assert "Still running" in shown
        for end in ("edit/", "delete/", "services/new/", f"services/{made.pk}/delete/", "credentials/new/"):
            assert url(plane, end) not in shown
            assert as_alice.post(url(plane, end), service()).url == url(plane)
        assert GatewayService.objects.get() == made

    def test_one_that_is_gone_still_says_so(self, as_alice, plane):
        """P42"""
        take_down(plane, done=True)
        assert "It is gone from United States since" in words(as_alice.get(url(plane)))


class TestServicesAndConsumers:
    def test_a_service_is_added_changed_and_deleted_each_a_new_configuration(self, as_alice, plane):
        """P12, P13"""
        sent = service()
        for _ in range(2):
            assert as_alice.post(url(plane, "services/new/"), sent).url == url(plane)
        made = GatewayService.objects.get()
        assert f'value="{made.host}"' in as_alice.get(url(plane, f"services/{made.pk}/edit/")).text
        as_alice.post(url(plane, f"services/{made.pk}/edit/"), service(port="8443", path="/v1"))
        made.refresh_from_db()
        assert (made.port, made.path) == (8443, "/v1")
        as_alice.post(url(plane, f"services/{made.pk}/delete/"))
        plane.refresh_from_db()

        assert not GatewayService.objects.exists()
        assert plane.configuration_version == 4

    def test_a_consumer_is_added_changed_and_deleted(self, as_alice, plane):
        """P12"""
        sent = consumer()
        for _ in range(2):
            assert as_alice.post(url(plane, "consumers/new/"), sent).url == url(plane)
        made = Consumer.objects.get()
        as_alice.post(url(plane, f"consumers/{made.pk}/edit/"), consumer(custom_id="c-1"))
        made.refresh_from_db()
        assert made.custom_id == "c-1"
        as_alice.post(url(plane, f"consumers/{made.pk}/delete/"))

        assert not Consumer.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "give the service a name"),
            ({"name": "taken"}, "one by this name already"),
            ({"name": "x" * 10_000}, "at most 256"),
            ({"host": "a b"}, "The host is a name or an IP address"),
            ({"host": "a\x00b"}, "Null characters"),
            ({"port": "0"}, "choose a port from 1 to 65535"),
            ({"port": "9" * 5000}, "choose a port from 1 to 65535"),
            ({"protocol": "gopher"}, "Select a valid choice"),
            ({"path": "v1"}, "begins with a slash"),
            ({"protocol": "tcp", "path": "/v1"}, "has no path"),
        ],
    )
    def test_bad_input_is_told_and_loses_nothing(self, as_alice, plane, changes, said):
        GatewayService.objects.create(control_plane=plane, name="taken")
        response = as_alice.post(url(plane, "services/new/"), service(**{"path": "/typed", **changes}))

        assert said in words(response)
        assert ("path" in changes) or 'value="/typed"' in response.text
        assert GatewayService.objects.count() == 1

    def test_no_more_than_the_limits(self, as_alice, plane, settings):
        """P12"""
        settings.SERVICES_MAX = settings.CONSUMERS_MAX = 0

        assert "cannot have more" in words(as_alice.post(url(plane, "services/new/"), service()))
        assert "cannot have more" in words(as_alice.post(url(plane, "consumers/new/"), consumer()))

    def test_only_gateways_have_them(self, as_alice, acme):
        """P12"""
        ingress = factories.control_plane(acme, kind="kic")
        assert "is no gateway" in words(as_alice.post(url(ingress, "services/new/"), service()))


@pytest.mark.django_db(transaction=True)
class TestDeactivated:
    @pytest.mark.parametrize(
        ("end", "sent"), [("new/", form()), ("{}/services/new/", service()), ("{}/delete/", {"name": "default"})]
    )
    def test_what_was_asked_for_meanwhile_is_refused_with_the_reason(self, as_alice, acme, plane, lead, end, sent):
        """P12, P40"""
        came = collide(
            lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1"),
            lambda: as_alice.post(PAGE + end.format(plane.pk), sent),
        )

        assert came.status_code == 403
        assert "did not agree with our terms of service" in words(came)
        assert ControlPlane.objects.count() == 1
        assert not GatewayService.objects.exists()
