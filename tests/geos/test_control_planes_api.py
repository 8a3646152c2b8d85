"""Every operation under `/v2/control-planes`: what it answers with, what it refuses, who may (P4, P11, P12).

The tables are written from the vendor's description, in docs/konnect-shapes.md, not from the code.
"""

import re

import pytest

from accounts.lifecycle import deactivate_organizations
from accounts.words import Reason, Via
from geos.models import Consumer, ControlPlane, GatewayService
from konnect_portal.foundation.api import BearerToken
from tests.accounts.identity_api.test_refusals import UNKNOWN, found_in, is_problem
from tests.accounts.identity_api.test_shapes import is_id, is_labels, is_moment, is_number, is_text, may_be_none
from tests.accounts.identity_api.world import name_of
from tests.routes import every_operation

pytestmark = pytest.mark.django_db

SERVICES, CONSUMERS = "/{plane}/core-entities/services", "/{plane}/core-entities/consumers"
SERVICE, CONSUMER = SERVICES + "/{service}", CONSUMERS + "/{consumer}"
NAMED = re.compile(r"<\w+>|\{\w+\}")
ORDERS = {"name": "payments", "host": "payments.acme.example"}


def is_endpoint(door):
    return lambda value: bool(re.fullmatch(rf"https://[0-9a-f]{{10}}\.us\.{door}\.localhost", value))


def is_one_of(*values):
    return lambda value: value in values


def has(shape):
    return lambda value: value.keys() == shape.keys() and all(check(value[key]) for key, check in shape.items())


def is_page_of(shape):
    page = {"number": is_number, "size": is_number, "total": is_number}
    return has({"meta": has({"page": has(page)}), "data": lambda rows: bool(rows) and all(map(has(shape), rows))})


PROXY_URL = {"host": is_text, "port": is_number, "protocol": is_text}
CONFIG = {
    "control_plane_endpoint": is_endpoint("cp"),
    "telemetry_endpoint": is_endpoint("tp0"),
    "cluster_type": is_one_of(
        "CLUSTER_TYPE_CONTROL_PLANE", "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER", "CLUSTER_TYPE_MESH_GLOBAL"
    ),
    "auth_type": is_one_of("pinned_client_certs", "pki_client_certs"),
    "cloud_gateway": is_one_of(False),
    "proxy_urls": lambda urls: all(map(has(PROXY_URL), urls)),
}
CONTROL_PLANE = {
    "id": is_id,
    "name": is_text,
    "description": is_text,
    "labels": is_labels,
    "config": has(CONFIG),
    "created_at": is_moment,
    "updated_at": is_moment,
}
ENTITY = {"id": is_id, "created_at": is_number, "updated_at": is_number}
A_SERVICE = {
    **ENTITY,
    "name": is_text,
    "protocol": is_text,
    "host": is_text,
    "port": is_number,
    "path": may_be_none(is_text),
}
A_CONSUMER = {**ENTITY, "username": is_text, "custom_id": may_be_none(is_text)}

OPERATIONS = [
    ("GET", "", None, 200, is_page_of(CONTROL_PLANE)),
    ("POST", "", {"name": "new"}, 201, has(CONTROL_PLANE)),
    ("GET", "/{plane}", None, 200, has(CONTROL_PLANE)),
    ("PATCH", "/{plane}", {"name": "renamed"}, 200, has(CONTROL_PLANE)),
    ("DELETE", "/{plane}", None, 204, None),
    ("GET", SERVICES, None, 200, is_page_of(A_SERVICE)),
    ("POST", SERVICES, ORDERS, 201, has(A_SERVICE)),
    ("GET", SERVICE, None, 200, has(A_SERVICE)),
    ("PATCH", SERVICE, {"path": "/v1"}, 200, has(A_SERVICE)),
    ("DELETE", SERVICE, None, 204, None),
    ("GET", CONSUMERS, None, 200, is_page_of(A_CONSUMER)),
    ("POST", CONSUMERS, {"username": "mobile"}, 201, has(A_CONSUMER)),
    ("GET", CONSUMER, None, 200, has(A_CONSUMER)),
    ("PATCH", CONSUMER, {"custom_id": "42"}, 200, has(A_CONSUMER)),
    ("DELETE", CONSUMER, None, 204, None),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "shape"), OPERATIONS, ids=name_of)
def test_an_operation_answers_in_konnects_shape(world, method, path, body, status, shape):
    """P12"""
    response = world.call(method, path, body)

    assert response.status_code == status, response.text
    assert response.text == "" if shape is None else shape(response.json())


def test_every_operation_for_tokens_is_in_the_table():
    doors = {name: operation.auth_callbacks[0] for name, operation in every_operation()}
    ours = [name for name, door in doors.items() if isinstance(door, BearerToken) and " /v2/control-planes" in name]

    assert {NAMED.sub("{}", name) for name in ours} == {
        NAMED.sub("{}", f"{method} /v2/control-planes{path}") for method, path, *_ in OPERATIONS
    }


class TestMaking:
    @pytest.mark.parametrize(
        ("cluster_type", "kind"),
        [
            ("CLUSTER_TYPE_CONTROL_PLANE", "gateway"),
            ("CLUSTER_TYPE_K8S_INGRESS_CONTROLLER", "kic"),
            ("CLUSTER_TYPE_MESH_GLOBAL", "mesh_global"),
        ],
    )
    def test_every_kind_can_be_made_with_all_that_is_said_of_it(self, world, cluster_type, kind):
        """P12"""
        said = {
            "name": " new ",
            "description": "Ours",
            "labels": {"env": "test"},
            "cluster_type": cluster_type,
            "auth_type": "pki_client_certs",
            "cloud_gateway": False,
            "proxy_urls": [{"protocol": "https", "host": "gateway.acme.example", "port": 443}],
        }
        answer = world.call("POST", "", said).json()
        made = ControlPlane.objects.get(pk=answer["id"])

        assert (made.kind, made.geo_id, made.organization) == (kind, "us", world.acme)
        assert (answer["name"], answer["description"], answer["labels"]) == ("new", "Ours", {"env": "test"})
        assert {key: answer["config"][key] for key in ("cluster_type", "auth_type", "proxy_urls")} == {
            key: said[key] for key in ("cluster_type", "auth_type", "proxy_urls")
        }
        assert answer == world.call("GET", f"/{made.pk}").json()

    def test_a_gateway_is_what_is_made_where_nothing_else_is_said(self, world):
        config = world.call("POST", "", {"name": "new"}).json()["config"]

        assert (config["cluster_type"], config["auth_type"]) == ("CLUSTER_TYPE_CONTROL_PLANE", "pinned_client_certs")

    def test_the_endpoints_are_its_own_and_its_geos(self, world, settings):
        """P11"""
        settings.NODE_HOST = "konghq.com"
        config = world.call("GET", "/{europe}", geo="eu").json()["config"]

        assert config["control_plane_endpoint"] == f"https://{world.europe.pk.hex[:10]}.eu.cp.konghq.com"
        assert config["telemetry_endpoint"] == f"https://{world.europe.pk.hex[:10]}.eu.tp0.konghq.com"

    def test_services_and_consumers_are_made_with_all_that_is_said_of_them(self, world):
        said = {"name": "pay", "host": "10.0.0.1", "protocol": "https", "port": 8443, "path": "/v1"}
        service = world.call("POST", SERVICES, said).json()
        consumer = world.call("POST", CONSUMERS, {"username": "mobile", "custom_id": "7"}).json()

        assert said.items() <= service.items()
        assert {"username": "mobile", "custom_id": "7"}.items() <= consumer.items()

    def test_a_service_is_plain_http_where_nothing_else_is_said(self, world):
        service = world.call("POST", SERVICES, ORDERS).json()

        assert (service["protocol"], service["port"], service["path"]) == ("http", 80, None)


class TestChanging:
    def test_what_is_left_out_stays_and_a_label_that_is_null_goes(self, world):
        answer = world.call("PATCH", "/{plane}", {"labels": {"tier": None, "team": "ops"}}).json()

        assert (answer["name"], answer["description"]) == ("default", "First")
        assert answer["labels"] == {"env": "test", "team": "ops"}

    def test_a_text_can_be_emptied(self, world):
        world.call("PATCH", SERVICE, {"path": "/v1"})

        assert world.call("PATCH", "/{plane}", {"description": ""}).json()["description"] == ""
        assert world.call("PATCH", SERVICE, {"path": None}).json()["path"] is None

    def test_every_change_under_it_is_a_new_configuration(self, world):
        """P13"""
        changes = [call for call in OPERATIONS if call[0] != "GET" and "core-entities" in call[1]]
        for method, path, body, *_ in changes:
            world.call(method, path, body)
        world.plane.refresh_from_db()

        assert world.plane.configuration_version == 1 + len(changes)

    def test_deleting_takes_it_down_and_it_is_not_there_any_more(self, world):
        """P42"""
        assert world.call("DELETE", "/{plane}").status_code == 204
        assert is_problem(world.call("DELETE", "/{plane}"), 404)
        assert is_problem(world.call("GET", "/{plane}"), 404)
        assert ControlPlane.objects.get(pk=world.plane.pk).state == "decommissioning"


HUGE = "x" * 10_000
URL = {"protocol": "https", "host": "gateway.acme.example", "port": 443}
BODIES = [
    ("POST", "", {}, ("name", "required")),
    ("POST", "", {"name": None}, ("name", "is_string")),
    ("POST", "", {"name": ["a"]}, ("name", "is_string")),
    ("POST", "", {"name": " a "}, ("name", "invalid")),
    ("POST", "", {"name": HUGE}, ("name", "invalid")),
    ("POST", "", {"name": "a\x00b"}, ("name", "invalid")),
    ("POST", "", {"name": "a\ud800"}, ("name", "invalid")),
    ("POST", "", {"name": "new", "id": UNKNOWN}, ("id", "unknown_property")),
    ("POST", "", {"name": "new", "geo": "eu"}, ("geo", "unknown_property")),
    ("POST", "", {"name": "new", "description": HUGE}, ("description", "invalid")),
    ("POST", "", {"name": "new", "labels": ["env"]}, ("labels", "is_object")),
    ("POST", "", {"name": "new", "labels": {"env": None}}, ("labels.env", "is_string")),
    ("POST", "", {"name": "new", "labels": {"kong-env": "a"}}, ("labels.kong-env", "is_label")),
    ("POST", "", {"name": "new", "labels": {f"l{n}": "a" for n in range(51)}}, ("labels", "invalid")),
    ("POST", "", {"name": "new", "cluster_type": "CLUSTER_TYPE_SERVERLESS"}, ("cluster_type", "enum")),
    ("POST", "", {"name": "new", "auth_type": "none"}, ("auth_type", "enum")),
    ("POST", "", {"name": "new", "cloud_gateway": True}, ("cloud_gateway", "enum")),
    ("POST", "", {"name": "new", "proxy_urls": URL}, ("proxy_urls", "is_array")),
    ("POST", "", {"name": "new", "proxy_urls": ["a"]}, ("proxy_urls.0", "is_object")),
    ("POST", "", {"name": "new", "proxy_urls": [URL, URL]}, ("proxy_urls.1", "invalid")),
    ("POST", "", {"name": "new", "proxy_urls": [URL | {"port": "443"}]}, ("proxy_urls.0.port", "is_integer")),
    ("POST", "", {"name": "new", "proxy_urls": [URL | {"port": 65536}]}, ("proxy_urls.0.port", "invalid")),
    ("POST", "", {"name": "new", "proxy_urls": [URL | {"host": "a b"}]}, ("proxy_urls.0.host", "invalid")),
    ("POST", "", {"name": "new", "proxy_urls": [URL | {"protocol": "ftp"}]}, ("proxy_urls.0.protocol", "invalid")),
    ("POST", "", {"name": "new", "proxy_urls": [URL | {"port": n} for n in range(6)]}, ("proxy_urls", "invalid")),
    ("PATCH", "/{plane}", {"name": None}, ("name", "is_string")),
    ("PATCH", "/{plane}", {"name": ""}, ("name", "invalid")),
    ("PATCH", "/{mesh}", {"name": "a" * 101}, ("name", "invalid")),
    ("PATCH", "/{plane}", {"cluster_type": "CLUSTER_TYPE_MESH_GLOBAL"}, ("cluster_type", "unknown_property")),
    ("PATCH", "/{plane}", {"labels": {"mesh": "a"}}, ("labels.mesh", "is_label")),
    ("POST", SERVICES, {"name": "pay"}, ("host", "required")),
    ("POST", SERVICES, {**ORDERS, "name": ""}, ("name", "invalid")),
    ("POST", SERVICES, {**ORDERS, "name": HUGE}, ("name", "invalid")),
    ("POST", SERVICES, {**ORDERS, "host": "http://a"}, ("host", "invalid")),
    ("POST", SERVICES, {**ORDERS, "host": "a\x00"}, ("host", "invalid")),
    ("POST", SERVICES, {**ORDERS, "protocol": "gopher"}, ("protocol", "invalid")),
    ("POST", SERVICES, {**ORDERS, "port": 0}, ("port", "invalid")),
    ("POST", SERVICES, {**ORDERS, "port": 10**30}, ("port", "invalid")),
    ("POST", SERVICES, {**ORDERS, "port": True}, ("port", "is_integer")),
    ("POST", SERVICES, {**ORDERS, "path": "v1"}, ("path", "invalid")),
    ("POST", SERVICES, {**ORDERS, "path": "/\x00"}, ("path", "invalid")),
    ("POST", SERVICES, {**ORDERS, "protocol": "tcp", "path": "/v1"}, ("path", "invalid")),
    ("POST", SERVICES, {**ORDERS, "control_plane_id": UNKNOWN}, ("control_plane_id", "unknown_property")),
    ("POST", "/{ingress}/core-entities/services", ORDERS, ("control_plane_id", "invalid")),
    ("POST", "/{mesh}/core-entities/consumers", {"username": "a"}, ("control_plane_id", "invalid")),
    ("PATCH", SERVICE, {"name": None}, ("name", "is_string")),
    ("PATCH", SERVICE, {"protocol": "tls", "path": "/v1"}, ("path", "invalid")),
    ("POST", CONSUMERS, {}, ("username", "required")),
    ("POST", CONSUMERS, {"username": " "}, ("username", "invalid")),
    ("POST", CONSUMERS, {"username": "a\x00"}, ("username", "invalid")),
    ("PATCH", CONSUMER, {"username": HUGE}, ("username", "invalid")),
    ("PATCH", CONSUMER, {"custom_id": HUGE}, ("custom_id", "invalid")),
]  # fmt: skip


def everything() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (ControlPlane, GatewayService, Consumer)]


class TestRefusals:
    @pytest.mark.parametrize(("method", "path", "body", "wrong"), BODIES, ids=name_of)
    def test_a_wrong_property_is_named_with_its_rule_and_nothing_changes(self, world, method, path, body, wrong):
        before = everything()

        assert found_in(world.call(method, path, body)) == [wrong]
        assert everything() == before

    @pytest.mark.parametrize("body", ["", "{", "[]", "null", b"\xff"])
    def test_a_body_that_is_no_object_is_bad_input(self, world, body):
        assert found_in(world.call("POST", "", body))

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("/x", "control_plane_id"),
            ("/%00", "control_plane_id"),
            ("/x/core-entities/services", "control_plane_id"),
            (SERVICES + "/x", "service_id"),
            (CONSUMERS + "/x", "consumer_id"),
        ],
    )
    def test_an_id_that_is_none_is_bad_input(self, world, path, field):
        response = world.call("GET", path)

        assert found_in(response) == [(field, "is_uuid")]
        assert response.json()["invalid_parameters"][0]["source"] == "path"

    @pytest.mark.parametrize(
        ("method", "path", "body", "detail"),
        [
            ("POST", "", {"name": "default"}, "Control Plane with provided name already exists."),
            ("POST", "", {"name": "gone"}, "Control Plane with provided name already exists."),
            ("PATCH", "/{plane}", {"name": "second"}, "Control Plane with provided name already exists."),
            ("POST", SERVICES, {**ORDERS, "name": "orders"}, "Service with provided name already exists."),
            ("POST", CONSUMERS, {"username": "shop"}, "Consumer with provided username already exists."),
        ],
    )
    def test_a_name_that_is_taken_is_a_conflict(self, world, method, path, body, detail):
        """P11"""
        response = world.call(method, path, body)

        assert is_problem(response, 409)
        assert response.json()["detail"] == detail

    @pytest.mark.parametrize(
        ("limit", "path", "body", "noun"),
        [
            ("CONTROL_PLANES_MAX", "", {"name": "new"}, "control plane"),
            ("SERVICES_MAX", SERVICES, ORDERS, "service"),
            ("CONSUMERS_MAX", CONSUMERS, {"username": "mobile"}, "consumer"),
        ],
    )
    def test_a_limit_that_is_reached_is_told_in_konnects_words(self, world, settings, limit, path, body, noun):
        setattr(settings, limit, 1)
        response = world.call("POST", path, body)
        answer = response.json()

        assert is_problem(response, 400)
        assert answer["detail"] == f"Cannot create an additional {noun} because usage limits have been reached."
        assert answer["invalid_parameters"] == [{"field": "object", "reason": "usage limits reached"}]

    def test_none_is_made_in_a_geo_that_the_organization_has_not_opened(self, world):
        """P10"""
        response = world.call("POST", "", {"name": "new"}, geo="au")
        [told] = response.json()["invalid_parameters"]

        assert is_problem(response, 400)
        assert (told["field"], told["source"]) == ("geo", "host")
        assert told["reason"].startswith("Acme has not opened Australia.")

    def test_a_deactivated_organization_is_told_the_reason(self, world, lead, settings):
        """P12, P40"""
        deactivate_organizations([world.acme.pk], reason=Reason.NON_PAYMENT, actor=lead, via=Via.ADMIN, ticket="T-1")
        response = world.call("POST", "", {"name": "new"})

        assert is_problem(response, 403)
        assert "its invoices were not paid" in response.json()["detail"]


class TestWhoMay:
    @pytest.mark.parametrize(
        ("who", "method", "path", "body", "status"),
        [
            ("bob", "GET", "/{plane}", None, 200),
            ("bob", "GET", SERVICE, None, 200),
            ("bob", "PATCH", "/{plane}", {"name": "x"}, 403),
            ("bob", "DELETE", "/{plane}", None, 403),
            ("bob", "POST", SERVICES, ORDERS, 403),
            ("bob", "DELETE", CONSUMER, None, 403),
            ("bob", "POST", "", {"name": "new"}, 403),
            ("bob", "GET", "/{mesh}", None, 404),
            ("carol", "PATCH", "/{plane}", {"name": "renamed"}, 200),
            ("carol", "POST", SERVICES, ORDERS, 201),
            ("carol", "GET", "/{second}", None, 404),
            ("carol", "DELETE", "/{second}", None, 404),
            ("carol", "POST", "/{second}/core-entities/services", ORDERS, 404),
            ("carol", "POST", "", {"name": "new"}, 403),
            ("dave", "GET", "/{plane}", None, 404),
            ("dave", "DELETE", "/{plane}", None, 404),
            ("dave", "GET", SERVICES, None, 404),
            ("dave", "POST", "", {"name": "new"}, 403),
            ("erin", "POST", CONSUMERS, {"username": "mobile"}, 201),
            ("erin", "GET", SERVICES, None, 403),
            ("erin", "GET", SERVICES + f"/{UNKNOWN}", None, 403),
            ("erin", "POST", SERVICES, ORDERS, 403),
            ("robot", "POST", "", {"name": "new", "cluster_type": "CLUSTER_TYPE_MESH_GLOBAL"}, 201),
            ("robot", "POST", "", {"name": "new"}, 403),
            ("robot", "DELETE", "/{mesh}", None, 204),
            ("robot", "GET", "/{plane}", None, 404),
        ],
    )  # fmt: skip
    def test_what_they_may_not_see_is_not_found_and_what_they_see_may_be_refused(
        self, world, who, method, path, body, status
    ):
        """P4"""
        assert world.call(method, path, body, who=who).status_code == status

    def test_a_creator_of_one_geo_creates_there(self, world):
        """P4, P11"""
        assert world.call("POST", "", {"name": "new"}, who="robot", geo="eu").status_code == 201

    def test_whoever_may_not_is_told_nothing_of_what_is_wrong_with_the_body(self, world):
        assert world.call("POST", "", {"x": 1}, who="dave").status_code == 403
        assert world.call("PATCH", "/{plane}", {"x": 1}, who="bob").status_code == 403

    def test_without_a_token_nobody_is_told_anything(self, client, world):
        for path in ("", f"/{world.plane.pk}", "/x"):
            response = client.get(f"/v2/control-planes{path}", headers={"Host": "us.api.localhost"})
            assert is_problem(response, 401)
