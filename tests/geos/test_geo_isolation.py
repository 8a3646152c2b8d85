"""What lies in one geo cannot be seen, counted, changed or reached through another; what all share can (P11)."""

import pytest

from tests.accounts.identity_api.test_refusals import is_problem
from tests.accounts.identity_api.world import name_of
from tests.geos.test_control_planes_api import OPERATIONS, everything
from tests.geos.world import GEOS, HOSTS

pytestmark = pytest.mark.django_db

OF_ONE = [call[:3] for call in OPERATIONS if call[1]]
"""Every operation on something that is there, and the body it is asked with."""
NO_GEO = ["testserver", "localhost", "api.localhost", "global.api.localhost", "mars.api.localhost"]


def under(path: str, control_plane: str, service="service", consumer="consumer") -> str:
    """The same path under another control plane, with another service or consumer."""
    swaps = {"{plane}": f"{{{control_plane}}}", "{service}": f"{{{service}}}", "{consumer}": f"{{{consumer}}}"}
    for name, other in swaps.items():
        path = path.replace(name, other)
    return path


@pytest.mark.parametrize(("method", "path", "body"), OF_ONE, ids=name_of)
class TestEveryOperation:
    def test_finds_nothing_at_another_geo(self, world, method, path, body):
        before = everything()

        for geo in GEOS[1:]:
            assert is_problem(world.call(method, path, body, geo=geo), 404)
        europes = under(path, "europe", "europes_service", "europes_consumer")
        assert is_problem(world.call(method, europes, body, geo="us"), 404)
        assert everything() == before

    def test_and_at_its_own_finds_it(self, world, method, path, body):
        europes = under(path, "europe", "europes_service", "europes_consumer")

        assert world.call(method, europes, body, geo="eu").status_code in (200, 201, 204)

    def test_finds_nothing_of_another_organization(self, world, method, path, body):
        before = everything()

        assert is_problem(world.call(method, path, body, who="charlie"), 404)
        assert is_problem(world.call(method, under(path, "others", "others_service", "others_consumer"), body), 404)
        assert everything() == before

    def test_finds_nothing_that_is_being_taken_down(self, world, method, path, body):
        """P42"""
        before = everything()

        assert is_problem(world.call(method, under(path, "gone"), body), 404)
        assert everything() == before

    def test_is_not_there_where_the_host_names_no_geo(self, world, method, path, body):
        before = everything()

        for host in NO_GEO:
            assert is_problem(world.call(method, path, body, geo=host), 404)
        assert everything() == before


@pytest.mark.parametrize("foreign", ["europes_service", "others_service"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_service_is_reached_through_its_own_control_plane_only(world, method, foreign):
    body = {"path": "/v1"} if method == "PATCH" else None

    for geo, control_plane in (("us", "plane"), ("us", "second"), ("eu", "plane")):
        path = f"/{{{control_plane}}}/core-entities/services/{{{foreign}}}"
        assert is_problem(world.call(method, path, body, geo=geo), 404)


@pytest.mark.parametrize("foreign", ["europes_consumer", "others_consumer"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_so_is_a_consumer(world, method, foreign):
    body = {"custom_id": "7"} if method == "PATCH" else None

    for geo, control_plane in (("us", "plane"), ("us", "second"), ("eu", "plane")):
        path = f"/{{{control_plane}}}/core-entities/consumers/{{{foreign}}}"
        assert is_problem(world.call(method, path, body, geo=geo), 404)


@pytest.mark.parametrize(("geo", "total"), [("us", 4), ("eu", 1), ("au", 0), ("me", 0), ("in", 0), ("sg", 0)])
def test_a_geo_counts_its_own_control_planes(world, geo, total):
    assert world.call("GET", "", geo=geo).json()["meta"]["page"]["total"] == total


def test_asking_by_id_finds_nothing_of_another_geo(world):
    for query in ("filter[id]={europe}", "filter[id][oeq]={europe},{others}", "filter[id][eq]={others}"):
        assert world.call("GET", f"?{query}").json()["data"] == []


@pytest.mark.parametrize("path", ["/v3/organizations/me", "/v3/users/me", "/v3/teams", "/v3/users"])
def test_what_all_geos_share_is_answered_alike_by_each(world, path):
    ask = world.callers["alice"]
    answers = {ask("GET", path, host=host).text for host in [*HOSTS.values(), *NO_GEO[:3]]}

    assert len(answers) == 1
