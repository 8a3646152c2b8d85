"""Control planes and geos as their services make, change and end them (P10 to P12, P42, P43, P51)."""

from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Organization
from geos.errors import GeoRefusal
from geos.models import ControlPlane, DataPlaneNode, Geo
from geos.services import begin_decommission, restore_control_planes
from geos.services.control_planes import change_control_plane, create_control_plane, delete_control_plane
from geos.services.opening_geos import geos_to_open, open_geo, opened_geos
from tests import factories

pytestmark = pytest.mark.django_db


def create(organization, name="ours", geo="us", kind="gateway", **fields) -> ControlPlane:
    return create_control_plane(organization.pk, geo=geo, kind=kind, name=name, **fields)


def url(host="gateway.acme.example", port=443):
    return {"host": host, "port": port, "protocol": "https"}


def codes(geos) -> list[str]:
    return [geo.code for geo in geos]


class TestOpeningGeos:
    def test_an_organization_begins_with_its_home(self, acme):
        """P10"""
        assert codes(opened_geos(acme.pk)) == ["us"]
        assert codes(geos_to_open(acme.pk)) == ["eu", "au", "me", "in", "sg"]

    @pytest.mark.parametrize("code", ["eu", "sg"])
    def test_others_are_opened_later_and_home_stays(self, acme, globex, code):
        """P10"""
        assert open_geo(acme.pk, code)
        assert codes(opened_geos(acme.pk)) == ["us", code]
        assert acme.organization_geos.get(is_home=True).geo_id == "us"
        assert codes(opened_geos(globex.pk)) == ["eu"]

    def test_opening_one_twice_opens_it_once(self, acme):
        """P10"""
        assert open_geo(acme.pk, "eu")
        assert not open_geo(acme.pk, "eu")
        assert not open_geo(acme.pk, "us")

    def test_there_is_no_other_geo(self, acme):
        """P10"""
        with pytest.raises(Geo.DoesNotExist):
            open_geo(acme.pk, "mars")


class TestCreating:
    @pytest.mark.parametrize("kind", ["gateway", "kic", "mesh_global"])
    def test_every_kind_can_be_made(self, acme, kind):
        """P12"""
        made = create(acme, kind=kind, description="Ours", labels={"env": "test"})
        made.refresh_from_db()

        assert (made.kind, made.geo_id, made.state) == (kind, "us", "active")
        assert (made.description, made.labels, made.configuration_version) == ("Ours", {"env": "test"}, 1)

    def test_only_in_a_geo_that_the_organization_has_opened(self, acme):
        """P10"""
        with pytest.raises(GeoRefusal, match="Acme has not opened Europe") as refused:
            create(acme, geo="eu")
        assert (refused.value.field, refused.value.status) == ("geo", 400)

        open_geo(acme.pk, "eu")
        assert create(acme, geo="eu").geo_id == "eu"

    def test_a_name_is_one_control_planes_in_its_geo(self, acme, globex):
        """P11"""
        create(acme)
        open_geo(acme.pk, "eu")
        create(acme, geo="eu")
        create(globex, geo="eu")

        with pytest.raises(GeoRefusal, match="by this name in United States already") as refused:
            create(acme, kind="mesh_global")
        assert (refused.value.field, refused.value.status) == ("name", 409)

    def test_a_name_is_free_again_once_the_geo_has_confirmed(self, acme):
        """P42"""
        gone = create(acme)
        delete_control_plane(acme.pk, "us", gone.pk)
        with pytest.raises(GeoRefusal, match="still being taken down"):
            create(acme)

        ControlPlane.objects.update(state="decommissioned", decommissioned_at=timezone.now(), next_attempt_at=None)
        assert create(acme).pk != gone.pk

    def test_one_form_sent_twice_makes_one(self, acme, globex):
        id = uuid4()
        assert create(acme, id=id) == create(acme, id=id)
        with pytest.raises(GeoRefusal):
            create(acme, "another", id=id)
        with pytest.raises(GeoRefusal):
            create(globex, geo="eu", id=id)
        delete_control_plane(acme.pk, "us", id)
        with pytest.raises(GeoRefusal):
            create(acme, id=id)
        assert ControlPlane.objects.count() == 1

    def test_an_organization_has_only_so_many(self, acme, globex, settings):
        settings.CONTROL_PLANES_MAX = 2
        first = create(acme, "one")
        create(acme, "two")
        with pytest.raises(GeoRefusal, match="Acme has 2 control planes already") as refused:
            create(acme, "three")
        assert refused.value.field == "object"
        assert create(acme, "one", id=first.pk) == first

        delete_control_plane(acme.pk, "us", first.pk)
        create(acme, "three")
        create(globex, geo="eu")

    @pytest.mark.parametrize(
        ("kind", "fields", "field"),
        [
            ("gateway", {"name": "a"}, "name"),
            ("gateway", {"name": "  a "}, "name"),
            ("gateway", {"name": "a" * 257}, "name"),
            ("gateway", {"name": "a\x00b"}, "name"),
            ("mesh_global", {"name": ""}, "name"),
            ("mesh_global", {"name": "a" * 101}, "name"),
            ("kic", {"description": "a" * 2049}, "description"),
            ("mesh_global", {"description": "a" * 251}, "description"),
            ("gateway", {"description": "\x00"}, "description"),
            ("gateway", {"labels": {"kong": "a"}}, "labels.kong"),
            ("gateway", {"labels": {f"l{n}": "a" for n in range(51)}}, "labels"),
            ("gateway", {"proxy_urls": [url(f"h{n}") for n in range(6)]}, "proxy_urls"),
            ("gateway", {"proxy_urls": [url(), url()]}, "proxy_urls.1"),
            ("gateway", {"proxy_urls": [url("")]}, "proxy_urls.0.host"),
            ("gateway", {"proxy_urls": [url(port=0)]}, "proxy_urls.0.port"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_by_field(self, acme, kind, fields, field):
        with pytest.raises(GeoRefusal) as refused:
            create(acme, kind=kind, **fields)
        assert refused.value.field == field
        assert not ControlPlane.objects.exists()

    @pytest.mark.parametrize(("kind", "name"), [("gateway", "ab"), ("kic", "a" * 256), ("mesh_global", "a")])
    def test_names_are_as_long_as_konnects(self, acme, kind, name):
        assert create(acme, name, kind=kind).name == name

    def test_none_is_made_in_an_organization_that_is_not_active(self, acme):
        """P12"""
        unknown = Organization(pk=uuid4())
        with pytest.raises(Organization.DoesNotExist):
            create(unknown)


class TestChanging:
    def test_what_is_said_changes_and_the_rest_stays(self, acme):
        made = create(acme, description="Ours", labels={"env": "test"})
        change_control_plane(acme.pk, "us", made.pk, name="theirs", labels={})
        made.refresh_from_db()

        assert (made.name, made.description, made.labels) == ("theirs", "Ours", {})

    def test_a_name_that_is_taken_stays_the_others(self, acme):
        create(acme, "one")
        two = create(acme, "two")
        with pytest.raises(GeoRefusal, match="by this name"):
            change_control_plane(acme.pk, "us", two.pk, name="one")
        assert change_control_plane(acme.pk, "us", two.pk, name="two").name == "two"

    @pytest.mark.parametrize("act", [change_control_plane, delete_control_plane])
    def test_it_is_not_there_for_another_geo_or_organization(self, acme, globex, act):
        """P11"""
        made = create(acme)
        for organization_id, geo in ((acme.pk, "eu"), (globex.pk, "us")):
            with pytest.raises(ControlPlane.DoesNotExist):
                act(organization_id, geo, made.pk)
        made.refresh_from_db()
        assert made.state == "active"


class TestDeleting:
    def test_it_is_decommissioned_at_once_and_its_nodes_go_on(self, acme):
        """P42, P43"""
        made = factories.control_plane(acme, nodes=2)
        left = factories.control_plane(acme, "left")
        delete_control_plane(acme.pk, "us", made.pk)
        made.refresh_from_db()
        left.refresh_from_db()

        assert (made.state, left.state) == ("decommissioning", "active")
        assert DataPlaneNode.objects.filter(control_plane=made).count() == 2
        assert begin_decommission("us", at=timezone.now()) == made

    def test_the_worker_of_its_geo_is_asked_after_the_commit(self, acme, django_capture_on_commit_callbacks):
        """P48"""
        made = factories.control_plane(acme)
        with django_capture_on_commit_callbacks() as asked:
            delete_control_plane(acme.pk, "us", made.pk)

        assert len(asked) == 1

    def test_no_reactivation_brings_it_back(self, acme):
        """P51"""
        made = factories.control_plane(acme)
        delete_control_plane(acme.pk, "us", made.pk)

        assert restore_control_planes(acme.pk, at=timezone.now()) == []

    def test_what_is_being_taken_down_is_not_there_any_more(self, acme):
        """P42"""
        made = factories.control_plane(acme)
        delete_control_plane(acme.pk, "us", made.pk)
        before = ControlPlane.objects.values().get()

        with pytest.raises(ControlPlane.DoesNotExist):
            delete_control_plane(acme.pk, "us", made.pk)
        with pytest.raises(ControlPlane.DoesNotExist):
            change_control_plane(acme.pk, "us", made.pk, name="back")
        assert ControlPlane.objects.values().get() == before
