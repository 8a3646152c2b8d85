"""Nodes, associations and zones check in with the control plane of their geo (P13, P21, P42, P43)."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services.tokens import create_token
from geos.models import ControlPlane, DataPlaneNode, MeshZone
from geos.services import request_decommission, revoke_credential
from licensing.models import License, LicenseDelivery
from licensing.services import license_to_deliver
from licensing.services.licenses import issue_licenses
from tests import factories
from tests.geos import fleet
from tests.geos.fleet import check_in, node, zone

pytestmark = pytest.mark.django_db


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme, configuration_version=7)


@pytest.fixture
def mesh(acme):
    return factories.control_plane(acme, "mesh", kind="mesh_global")


@pytest.fixture
def raw(plane):
    return fleet.credential(plane)


def let_a_minute_pass():
    DataPlaneNode.objects.update(last_check_in_at=timezone.now() - timedelta(minutes=1))


def registered(plane, raw, **said):
    """One that is known and has all that it can have."""
    id = uuid4()
    license = license_to_deliver(plane.organization_id, plane.kind)
    said = node(configuration_version=plane.configuration_version, license_id=str(license.pk), **said)
    assert check_in(plane, raw, said, id=id).status_code == 200
    return DataPlaneNode.objects.get(pk=id), said


class TestAnswer:
    def test_a_new_node_is_registered_and_receives_configuration_and_license(self, acme, plane, raw):
        """P13, P21"""
        service = plane.services.create(name="orders", host="orders.internal", port=8080, path="/v1")
        consumer = plane.consumers.create(username="bob")
        id = uuid4()

        answer = check_in(plane, raw, id=id).json()

        assert answer["configuration_version"] == 7
        assert answer["configuration"] == {
            "services": [
                {
                    "id": str(service.pk),
                    "name": "orders",
                    "protocol": "https",
                    "host": "orders.internal",
                    "port": 8080,
                    "path": "/v1",
                }
            ],
            "consumers": [{"id": str(consumer.pk), "username": "bob", "custom_id": ""}],
        }
        license = License.objects.get(organization=acme, product="gateway")
        assert answer["license"] == {"id": str(license.pk), "payload": license.document}
        assert LicenseDelivery.objects.get().receiver_id == id

    @pytest.mark.parametrize(("kind", "product"), [("kic", "kic"), ("mesh_global", "mesh")])
    def test_associations_and_zones_receive_the_license_for_their_product(self, acme, kind, product):
        """P21"""
        plane = factories.control_plane(acme, kind=kind)

        answer = check_in(plane, fleet.credential(plane)).json()

        assert answer["license"]["id"] == str(License.objects.get(organization=acme, product=product).pk)

    def test_a_zone_receives_what_there_is_of_the_mesh(self, mesh):
        """P13"""
        id = uuid4()

        answer = check_in(mesh, fleet.credential(mesh), zone(), id=id).json()

        assert answer["configuration"] == {"mesh": {"id": str(mesh.pk), "name": "mesh", "labels": {}}}
        made = MeshZone.objects.get()
        assert (made.pk, made.name, made.data_planes, made.version) == (id, "zone-1", 2, fleet.VERSION)

    @pytest.mark.parametrize(("held", "is_given"), [(7, False), (6, True), (8, True), (None, True)])
    def test_configuration_is_given_where_another_version_is_reported(self, plane, raw, held, is_given):
        """P13: also to one that lies about its version"""
        answer = check_in(plane, raw, node(configuration_version=held)).json()

        assert ("configuration" in answer) == is_given
        assert answer["configuration_version"] == 7

    def test_a_license_is_given_where_another_one_is_reported(self, acme, plane, raw):
        """P13, P22"""
        known, said = registered(plane, raw)
        assert "license" not in check_in(plane, raw, said, id=known.pk).json()

        License.objects.filter(pk=said["license_id"]).update(replaced_at=timezone.now())
        [renewed] = issue_licenses([(acme.pk, "gateway")], at=timezone.now())

        assert check_in(plane, raw, said, id=known.pk).json()["license"]["id"] == str(renewed.pk)

    def test_without_a_live_license_none_is_given(self, acme, plane, raw):
        """P46"""
        acme.licenses.update(lapsed_at=timezone.now())

        answer = check_in(plane, raw).json()

        assert set(answer) == {"configuration_version", "configuration"}
        assert not LicenseDelivery.objects.exists()


class TestRecord:
    def test_what_a_node_says_is_kept_as_it_said_it(self, plane, raw):
        """P13"""
        id, license_id = uuid4(), uuid4()
        check_in(plane, raw, node(configuration_version=2**63 - 1, license_id=str(license_id)), id=id)

        kept = DataPlaneNode.objects.get()
        assert (kept.pk, kept.control_plane, kept.hostname) == (id, plane, "node-1")
        assert (kept.version, kept.configuration_version) == (fleet.VERSION, 2**63 - 1)
        assert kept.license_id == license_id
        assert kept.clock_offset_seconds == 0
        assert kept.last_check_in_at

    @pytest.mark.parametrize(
        ("reported_at", "seconds"),
        [
            (lambda now: now + timedelta(minutes=6), 360),
            (lambda now: now - timedelta(hours=1), -3600),
            (lambda now: now.replace(year=9999), 2**31 - 1),
            (lambda now: now.replace(year=1000), 1 - 2**31),
        ],
    )
    def test_a_clock_that_is_off_is_noted(self, plane, raw, reported_at, seconds):
        """P13"""
        assert check_in(plane, raw, node(reported_at=reported_at(timezone.now()).isoformat())).status_code == 200

        assert abs(DataPlaneNode.objects.get().clock_offset_seconds - seconds) <= 1

    def test_within_a_minute_nothing_is_written(self, plane, raw):
        """P13: to the minute"""
        known, said = registered(plane, raw)

        check_in(plane, raw, {**said, "version": "3.12"}, id=known.pk)
        assert DataPlaneNode.objects.get().version == fleet.VERSION

        let_a_minute_pass()
        check_in(plane, raw, {**said, "version": "3.12"}, id=known.pk)
        assert DataPlaneNode.objects.get().version == "3.12"

    def test_one_read_and_in_a_new_minute_one_write(self, plane, raw):
        """P13"""
        known, said = registered(plane, raw)
        for statements in (1, 2):
            with CaptureQueriesContext(connection) as asked:
                check_in(plane, raw, said, id=known.pk)
            assert len(asked) == statements, [each["sql"] for each in asked]
            let_a_minute_pass()

    def test_an_imported_node_that_never_checked_in_is_known(self, acme):
        """P13"""
        plane = factories.control_plane(acme, nodes=1)
        imported = plane.nodes.get()

        assert check_in(plane, fleet.credential(plane), id=imported.pk).status_code == 200

        assert plane.nodes.get().last_check_in_at
        assert plane.nodes.get().hostname == "node-1"

    def test_a_zone_keeps_the_name_it_registered_with(self, mesh):
        """P12: names are unique under a control plane"""
        raw, id = fleet.credential(mesh), uuid4()
        check_in(mesh, raw, zone(), id=id)
        MeshZone.objects.update(last_check_in_at=None)

        assert check_in(mesh, raw, {**zone(), "name": "another", "data_planes": 9}, id=id).status_code == 200

        assert (MeshZone.objects.get().name, MeshZone.objects.get().data_planes) == ("zone-1", 9)


class TestDoor:
    @pytest.mark.parametrize("raw", ["", "kcp_", "kcp_" + "a" * 50, "kcp_" + "a" * 10_000, "kcp_" + "ä" * 50])
    def test_what_is_no_credential_opens_nothing(self, plane, raw):
        """P13"""
        answer = check_in(plane, raw)

        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert not DataPlaneNode.objects.exists()

    def test_a_token_of_the_owner_is_no_credential(self, acme, alice, plane):
        """P13"""
        expires_at = timezone.now() + timedelta(days=1)
        _token, raw = create_token(acme.pk, name="laptop", user=alice, expires_at=expires_at)

        assert check_in(plane, raw).status_code == 401

    def test_a_revoked_credential_is_none_and_another_one_stays_good(self, acme, plane, raw):
        """P13"""
        known, said = registered(plane, raw)
        other = fleet.credential(plane)
        [first, _second] = plane.credentials.order_by("created_at")
        revoke_credential(acme.pk, plane.pk, first.pk)

        assert check_in(plane, raw, said, id=known.pk).status_code == 401
        assert check_in(plane, other, said, id=known.pk).status_code == 200

    def test_a_foreign_control_plane_answers_as_one_that_does_not_exist(self, globex, plane, raw):
        """P11"""
        theirs = factories.control_plane(globex, geo="us")
        nobodys = ControlPlane(pk=uuid4(), geo_id="us")

        answers = [check_in(each, raw) for each in (theirs, nobodys)]

        for answer in answers:
            assert answer.status_code == 404
            assert answer.json()["detail"] == "The requested control plane was not found"
        assert not DataPlaneNode.objects.exists()

    @pytest.mark.parametrize("geo", ["eu", "xx"])
    def test_another_geo_knows_nothing_of_it(self, plane, raw, geo):
        """P11"""
        assert check_in(plane, raw, geo=geo).status_code == 404
        assert not DataPlaneNode.objects.exists()

    def test_a_mesh_has_no_nodes_and_a_gateway_no_zones(self, plane, mesh, raw):
        """P12"""
        assert check_in(plane, raw, kind="zones").status_code == 404
        assert check_in(mesh, fleet.credential(mesh), kind="nodes").status_code == 404

    def test_the_id_of_a_node_of_another_control_plane_is_not_taken_over(self, acme, globex, plane, raw):
        """P11"""
        theirs = factories.control_plane(globex, nodes=1).nodes.get()

        assert check_in(plane, raw, id=theirs.pk).status_code == 409

        theirs.refresh_from_db()
        assert (theirs.control_plane.organization, theirs.last_check_in_at) == (globex, None)

    def test_a_control_plane_has_as_many_nodes_as_the_setting_says(self, plane, raw, settings):
        """P13"""
        settings.NODES_MAX = 1
        known, said = registered(plane, raw)

        answer = check_in(plane, raw)

        assert answer.status_code == 409
        assert answer.json()["detail"] == "This control plane has 1 nodes already."
        assert check_in(plane, raw, said, id=known.pk).status_code == 200

    def test_a_zone_with_a_name_that_is_taken_is_told_so(self, mesh):
        """P12"""
        raw = fleet.credential(mesh)
        check_in(mesh, raw, zone())

        answer = check_in(mesh, raw, zone())

        assert (answer.status_code, answer.json()["detail"]) == (409, "There is a zone called zone-1 already.")
        assert MeshZone.objects.count() == 1


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "field", "reason"),
        [
            ({"version": None}, "version", "valid string"),
            ({"version": " "}, "version", "should match pattern"),
            ({"version": "3" * 51}, "version", "at most 50 characters"),
            ({"version": "3\x00"}, "version", "should match pattern"),
            ({"hostname": "a\x00"}, "hostname", "null characters"),
            ({"hostname": " "}, "hostname", "cannot be blank"),
            ({"hostname": "a" * 10_000}, "hostname", "at most 250 characters"),
            ({"hostname": 7}, "hostname", "valid string"),
            ({"configuration_version": "7"}, "configuration_version", "valid integer"),
            ({"configuration_version": True}, "configuration_version", "valid integer"),
            ({"configuration_version": -1}, "configuration_version", "greater than or equal to 0"),
            ({"configuration_version": 2**63}, "configuration_version", "less than or equal to"),
            ({"license_id": "mine"}, "license_id", "invalid ID format"),
            ({"reported_at": 1}, "reported_at", "must be a moment"),
            ({"reported_at": "2026-11-24T08:30:00"}, "reported_at", "must be a moment"),
            ({"memory": 7}, "memory", "property memory should not exist"),
        ],
    )
    def test_what_a_node_cannot_say_is_refused_with_the_reason(self, plane, raw, changes, field, reason):
        """P13"""
        answer = check_in(plane, raw, node(**changes))

        assert answer.status_code == 400
        [parameter] = answer.json()["invalid_parameters"]
        assert parameter["field"] == field
        assert reason in parameter["reason"]
        assert not DataPlaneNode.objects.exists()

    @pytest.mark.parametrize("data_planes", [-1, 2**31, "2", 1.5])
    def test_a_zone_says_how_many_data_planes_in_whole_numbers(self, mesh, data_planes):
        """P13"""
        answer = check_in(mesh, fleet.credential(mesh), {**zone(), "data_planes": data_planes})

        assert (answer.status_code, answer.json()["invalid_parameters"][0]["field"]) == (400, "data_planes")

    @pytest.mark.parametrize(
        ("content", "content_type", "status"),
        [
            ("version=3.11", "application/x-www-form-urlencoded", 415),
            ("not JSON", "application/json", 400),
            ("", "application/json", 400),
            ("[]", "application/json", 400),
            ("null", "application/json", 400),
            ("[" * 100_000, "application/json", 400),
            (b"\xff\xfe", "application/json", 400),
            ('{"version": "3", "hostname": "\\ud800"}', "application/json", 400),
            (
                '{"version": "3", "hostname": "a", "configuration_version": ' + "9" * 10_000 + "}",
                "application/json",
                400,
            ),
            (json.dumps({"hostname": "a" * 3_000_000}), "application/json", 413),
        ],
        ids=["form", "text", "empty", "list", "null", "deep", "bytes", "surrogate", "digits", "huge"],
    )
    def test_a_body_that_is_none_is_refused(self, plane, raw, content, content_type, status):
        """P13"""
        answer = check_in(plane, raw, content=content, content_type=content_type)

        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert not DataPlaneNode.objects.exists()

    def test_an_id_that_is_none_is_refused(self, plane, raw):
        """P13"""
        answer = check_in(plane, raw, id="node-1")

        assert answer.status_code == 400
        assert answer.json()["invalid_parameters"][0]["reason"] == "invalid ID format"


class TestAfterDeactivation:
    @pytest.fixture(params=["organization", "taken down", "control plane alone"])
    def stopped(self, request, acme, lead, plane, raw):
        """The control plane no longer serves; what it had before is known."""
        known, said = registered(plane, raw)
        if request.param == "control plane alone":
            request_decommission([acme.pk], at=timezone.now(), begins_at=timezone.now())
        else:
            fleet.deactivate(acme, lead, take_down_at=timezone.now())
        if request.param == "taken down":
            now = timezone.now()
            acme.control_planes.update(
                state="decommissioned", begun_at=now, decommissioned_at=now, next_attempt_at=None
            )
        let_a_minute_pass()
        return known, said

    def test_known_nodes_are_recorded_and_answered_without_configuration_and_license(self, stopped, plane, raw):
        """P42, P43"""
        known, said = stopped

        answer = check_in(plane, raw, {**said, "configuration_version": 1, "license_id": None}, id=known.pk)

        assert (answer.status_code, answer.json()) == (200, {"configuration_version": 7})
        known.refresh_from_db()
        assert known.last_check_in_at > timezone.now() - timedelta(seconds=30)
        assert known.configuration_version == 1

    def test_new_ones_are_told_that_it_is_gone(self, stopped, plane, raw):
        """P43"""
        answer = check_in(plane, raw)

        assert (answer.status_code, answer["Content-Type"]) == (410, "application/problem+json")
        assert "takes no new ones any more" in answer.json()["detail"]
        assert plane.nodes.count() == 1

    def test_an_organization_that_is_not_active_serves_nothing(self, acme, lead, plane, raw):
        """P42: whatever its control planes say"""
        known, said = registered(plane, raw)
        fleet.deactivate(acme, lead)
        acme.control_planes.update(
            state="active", decommission_requested_at=None, begins_at=None, next_attempt_at=None
        )
        acme.licenses.update(lapsed_at=None)

        said = {**said, "configuration_version": 1, "license_id": None}
        assert check_in(plane, raw, said, id=known.pk).json() == {"configuration_version": 7}
        assert check_in(plane, raw).status_code == 410


def test_a_reactivated_organizations_old_control_planes_stay_refused(acme, lead, plane, raw):
    """P43, P51"""
    known, said = registered(plane, raw)
    fleet.deactivate(acme, lead, take_down_at=timezone.now())
    now = timezone.now()
    acme.control_planes.update(state="decommissioned", begun_at=now, decommissioned_at=now, next_attempt_at=None)
    fleet.reactivate(acme, lead)
    fresh = factories.control_plane(acme, "fresh")

    assert check_in(plane, raw).status_code == 410
    assert check_in(plane, raw, {**said, "configuration_version": 1}, id=known.pk).json() == {
        "configuration_version": 7
    }
    assert {"configuration", "license"} <= set(check_in(fresh, fleet.credential(fresh)).json())
