"""Lists under `/v2/control-planes`: pages, filters, order, and what each caller's roles let them see (P4, P11)."""

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.accounts.identity_api.test_refusals import UNKNOWN, found_in

pytestmark = pytest.mark.django_db

SERVICES, CONSUMERS = "/{plane}/core-entities/services", "/{plane}/core-entities/consumers"


def names(world, query="", **options) -> list[str]:
    response = world.call("GET", f"?{urlencode(query)}" if query else "", **options)
    assert response.status_code == 200, response.text
    return [row["name"] for row in response.json()["data"]]


class TestLists:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["default", "second", "ingress", "mesh"]),
            ({"filter[id]": "{plane}"}, ["default"]),
            ({"filter[id][oeq]": "{plane},{mesh},{europe},{others},{gone}"}, ["default", "mesh"]),
            ({"filter[name]": "default"}, ["default"]),
            ({"filter[name][eq]": "gone"}, []),
            ({"filter[name][neq]": "default"}, ["second", "ingress", "mesh"]),
            ({"filter[name][contains]": "ES"}, ["ingress", "mesh"]),
            ({"filter[cluster_type]": "CLUSTER_TYPE_CONTROL_PLANE"}, ["default", "second"]),
            ({"filter[cluster_type][eq]": "CLUSTER_TYPE_MESH_GLOBAL"}, ["mesh"]),
            ({"filter[cluster_type][eq]": "CLUSTER_TYPE_SERVERLESS"}, []),
            ({"filter[cluster_type][neq]": "CLUSTER_TYPE_CONTROL_PLANE"}, ["ingress", "mesh"]),
            (
                {"filter[cluster_type][oeq]": "CLUSTER_TYPE_K8S_INGRESS_CONTROLLER,CLUSTER_TYPE_MESH_GLOBAL"},
                ["ingress", "mesh"],
            ),
            ({"filter[cloud_gateway]": "true"}, []),
            ({"filter[cloud_gateway]": "false"}, ["default", "second", "ingress", "mesh"]),
            ({"labels": "env:test"}, ["default"]),
            ({"labels": "env"}, ["default", "second"]),
            ({"labels": "env,tier:one"}, ["default"]),
            ({"labels": "env:live,tier"}, []),
            ({"labels": ""}, ["default", "second", "ingress", "mesh"]),
            ({"sort": "created_at desc"}, ["mesh", "ingress", "second", "default"]),
            ({"page[size]": "2", "page[number]": "2"}, ["ingress", "mesh"]),
        ],
        ids=str,
    )
    def test_those_that_were_asked_for_are_listed(self, world, query, found):
        """P11"""
        assert names(world, {name: world.filled(value) for name, value in query.items()}) == found

    @pytest.mark.parametrize(
        ("name", "value", "field"),
        [
            ("filter[id][contains]", "a", "[filter][id][contains]"),
            ("filter[cluster_type][contains]", "a", "[filter][cluster_type][contains]"),
            ("filter[cloud_gateway]", "yes", "[filter][cloud_gateway][eq]"),
            ("filter[geo]", "eu", "[filter][geo]"),
            ("filter[organization_id]", UNKNOWN, "[filter][organization_id]"),
            ("labels", "a\x00", "labels"),
            ("sort", "name", "sort"),
            ("page[size]", "0", "page[size]"),
        ],
    )
    def test_what_cannot_be_asked_is_bad_input(self, world, name, value, field):
        assert found_in(world.call("GET", f"?{urlencode({name: value})}"))[0][0] == field

    @pytest.mark.parametrize(
        ("path", "query", "found"),
        [
            (SERVICES, {"filter[name]": "orders"}, 1),
            (SERVICES, {"filter[name][contains]": "pay"}, 0),
            (SERVICES, {"filter[id]": "{europes_service}"}, 0),
            (CONSUMERS, {"filter[username]": "shop"}, 1),
            (CONSUMERS, {"filter[custom_id]": "7"}, 0),
            (CONSUMERS, {"filter[id][oeq]": "{consumer},{others_consumer}"}, 1),
        ],
        ids=str,
    )
    def test_services_and_consumers_are_filtered(self, world, path, query, found):
        """P11"""
        query = {name: world.filled(value) for name, value in query.items()}

        assert world.call("GET", f"{path}?{urlencode(query)}").json()["meta"]["page"]["total"] == found

    @pytest.mark.parametrize("path", ["", SERVICES, CONSUMERS])
    @pytest.mark.parametrize("who", ["alice", "bob"])
    def test_a_list_costs_the_same_however_long_it_is(self, world, path, who):
        world.call("GET", path, who=who)
        costs = []
        for turn in range(2):
            with CaptureQueriesContext(connection) as asked:
                assert world.call("GET", path, who=who).status_code == 200
            costs.append(len(asked))
            for n in range(5):
                made = world.control_plane(f"more {turn} {n}")
                for each in (made, world.plane):
                    world.add_service(each, f"more {turn} {n}")
                    world.add_consumer(each, f"more {turn} {n}")

        assert costs[0] == costs[1] <= 6

    @pytest.mark.parametrize(
        ("who", "geo", "found"),
        [
            ("alice", "us", ["default", "second", "ingress", "mesh"]),
            ("alice", "eu", ["default"]),
            ("alice", "au", []),
            ("bob", "us", ["default", "second", "ingress"]),
            ("bob", "eu", []),
            ("carol", "us", ["default"]),
            ("carol", "eu", []),
            ("dave", "us", []),
            ("erin", "us", ["default", "second", "ingress"]),
            ("robot", "us", ["mesh"]),
            ("robot", "eu", []),
            ("charlie", "us", ["default"]),
        ],
    )
    def test_everybody_is_listed_what_their_roles_let_them_see(self, world, who, geo, found):
        """P4, P11"""
        assert names(world, who=who, geo=geo) == found
