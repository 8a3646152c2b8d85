"""Lists of the identity API: pages, filters, order, and what they cost (docs/konnect-shapes.md)."""

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import SystemAccount, Team, User
from tests import factories
from tests.accounts.identity_api.test_refusals import UNKNOWN, found_in
from tests.accounts.identity_api.world import token

pytestmark = pytest.mark.django_db


def ask(world, path, **query):
    return world.call("GET", f"{path}?{urlencode(query)}" if query else path)


def names(world, path, **query) -> list[str]:
    response = world.call("GET", f"{path}?{urlencode(query)}")
    assert response.status_code == 200, response.text
    return [row.get("full_name") or row.get("name") or row["role_name"] for row in response.json()["data"]]


def unsupported(operation) -> str:
    return f"[{operation}] is not a supported filter operation"


class TestPages:
    @pytest.fixture(autouse=True)
    def many(self, world):
        Team.objects.bulk_create(Team(organization=world.acme, name=f"Team {n:02}") for n in range(16))

    def test_ten_rows_and_the_number_of_all_are_on_a_page(self, world):
        body = ask(world, "/teams").json()

        assert body["meta"] == {"page": {"number": 1, "size": 10, "total": 25}}
        assert len(body["data"]) == 10

    @pytest.mark.parametrize(("number", "rows"), [(1, 10), (2, 10), (3, 5), (4, 0), (10**17, 0)])
    def test_every_page_has_its_rows(self, world, number, rows):
        body = ask(world, "/teams", **{"page[number]": number}).json()

        assert (body["meta"]["page"]["number"], len(body["data"])) == (number, rows)

    def test_pages_together_have_every_row_once(self, world):
        pages = [ask(world, "/teams", **{"page[size]": 7, "page[number]": n}).json()["data"] for n in (1, 2, 3, 4)]

        assert len({row["id"] for page in pages for row in page}) == 25

    def test_a_page_holds_up_to_a_thousand(self, world):
        assert len(ask(world, "/teams", **{"page[size]": 1000}).json()["data"]) == 25

    def test_left_empty_the_page_is_the_usual_one(self, world):
        body = ask(world, "/teams", **{"page[size]": "", "page[number]": ""}).json()

        assert body["meta"]["page"] == {"number": 1, "size": 10, "total": 25}

    @pytest.mark.parametrize(
        ("name", "value", "rule", "limit"),
        [
            ("page[size]", "0", "min", {"minimum": 1}),
            ("page[size]", "-1", "min", {"minimum": 1}),
            ("page[size]", "1001", "max", {"maximum": 1000}),
            ("page[size]", "ten", "is_integer", {}),
            ("page[size]", "1.5", "is_integer", {}),
            ("page[size]", "9" * 5000, "is_integer", {}),
            ("page[size]", "１", "is_integer", {}),
            ("page[number]", "0", "min", {"minimum": 1}),
            ("page[number]", "x\x00", "is_integer", {}),
        ],
    )
    @pytest.mark.parametrize("path", ["/teams", "/users/{alice}/access-tokens"])
    def test_a_page_that_cannot_be_is_bad_input(self, world, path, name, value, rule, limit):
        response = ask(world, path, **{name: value})

        assert found_in(response) == [(name, rule)]
        [parameter] = response.json()["invalid_parameters"]
        assert parameter["source"] == "query"
        assert limit.items() <= parameter.items()


class TestFilters:
    @pytest.mark.parametrize(
        ("path", "query", "found"),
        [
            ("/users", {"filter[email]": "BOB@acme.example "}, ["Bob Member"]),
            ("/users", {"filter[email][eq]": "bob@acme.example"}, ["Bob Member"]),
            ("/users", {"filter[email][eq]": "bob"}, []),
            ("/users", {"filter[email][contains]": "BOB@"}, ["Bob Member"]),
            ("/users", {"filter[full_name][neq]": "Bob Member"}, ["Alice Owner", "Carol"]),
            ("/users", {"filter[full_name][contains]": "%"}, []),
            ("/users", {"filter[id]": "{bob}"}, ["Bob Member"]),
            ("/users", {"filter[id][oeq]": "{bob},{alice},{charlie}"}, ["Alice Owner", "Bob Member"]),
            ("/users", {"filter[active]": "true"}, ["Alice Owner", "Bob Member", "Carol"]),
            ("/users", {"filter[active]": "false"}, []),
            ("/users", {"filter[email][contains]": "globex"}, []),
            ("/teams/{team}/users", {"filter[full_name]": "Bob Member"}, ["Bob Member"]),
            ("/teams/{team}/users", {"filter[full_name]": "Alice Owner"}, []),
            ("/teams", {"filter[name]": "Platform"}, ["Platform"]),
            ("/teams", {"filter[name][contains]": "READ only"}, ["Organization Admin (Read Only)"]),
            ("/teams", {"filter[labels.env]": "test"}, ["Platform"]),
            ("/teams", {"filter[labels.env][eq]": "live"}, []),
            ("/teams", {"filter[labels.env][contains]": "ES"}, ["Platform"]),
            ("/teams", {"filter[labels.tier][exists]": "true"}, ["Platform"]),
            ("/teams", {"filter[labels.nothing][exists]": "true"}, []),
            ("/teams", {"filter[labels.tier][exists]": "false", "filter[name][contains]": "plat"}, []),
            ("/teams", {"filter[labels.env__x']": "test"}, []),
            ("/users/{bob}/teams", {"filter[name]": "Platform"}, ["Platform"]),
            ("/system-accounts/{robot}/teams", {}, ["Analytics Viewer", "Platform"]),
            ("/system-accounts", {"filter[name][contains]": "obo"}, ["robot"]),
            ("/system-accounts", {"filter[konnect_managed]": "true"}, ["zone"]),
            ("/system-accounts", {"filter[description]": ""}, ["robot", "idle", "zone"]),
            ("/teams/{team}/system-accounts", {"filter[name]": "idle"}, []),
            ("/users/{bob}/assigned-roles", {"filter[role_name]": "Viewer"}, ["Viewer"]),
            ("/users/{bob}/assigned-roles", {"filter[entity_type_name][eq]": "Portals"}, []),
            ("/teams/{team}/assigned-roles", {"filter[entity_id]": "{plane}"}, ["Deployer"]),
            ("/system-accounts/{robot}/access-tokens", {"filter[name]": "deploy"}, ["deploy"]),
            ("/users/{bob}/access-tokens", {"filter[name][contains]": "BOB"}, ["bobs"]),
        ],
        ids=str,
    )  # fmt: skip
    def test_those_that_were_asked_for_are_listed(self, world, path, query, found):
        query = {name: value.format_map(world.ids) for name, value in query.items()}

        assert sorted(names(world, path, **query)) == sorted(found)

    @pytest.mark.parametrize(
        ("path", "name", "value", "field", "reason"),
        [
            ("/users", "filter[id][contains]", "a", "[filter][id][contains]", unsupported("contains")),
            ("/users", "filter[active][neq]", "a", "[filter][active][neq]", unsupported("neq")),
            ("/teams", "filter[labels.env][neq]", "a", "[filter][labels.env][neq]", unsupported("neq")),
            ("/teams", "filter[color]", "red", "[filter][color]", "[color] is not a supported filter field"),
            ("/teams", "filter[labels]", "red", "[filter][labels]", "[labels] is not a supported filter field"),
            ("/teams", "filter[name.x]", "red", "[filter][name.x]", "[name.x] is not a supported filter field"),
            ("/users", "filter[id]", "x", "[filter][id][eq]", "invalid ID format"),
            ("/users", "filter[id]", f"{UNKNOWN},{UNKNOWN}", "[filter][id][eq]", "invalid ID format"),
            ("/users", "filter[id][oeq]", f"{UNKNOWN},", "[filter][id][oeq]", "invalid ID format"),
            ("/users", "filter[active]", "yes", "[filter][active][eq]", "must be true or false"),
            ("/users", "filter[email]", "a\x00", "filter", "request format is invalid"),
            ("/teams", "filter[labels.a\x00][exists]", "true", "filter", "request format is invalid"),
            ("/users", "filter", "a", "filter", "request format is invalid"),
            ("/users", "filter[email", "a", "filter", "request format is invalid"),
            ("/users", "filter[email][eq][eq]", "a", "filter", "request format is invalid"),
            ("/users", "sort", "password", "sort", "is no field to sort by"),
            ("/users", "sort", "created_at up", "sort", "is no order to sort in"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_asked_is_bad_input(self, world, path, name, value, field, reason):
        response = ask(world, path, **{name: value})
        [parameter] = response.json()["invalid_parameters"]

        assert response.status_code == 400
        assert (parameter["field"], parameter["reason"], parameter["source"]) == (field, reason, "query")


class TestOrder:
    def test_the_oldest_come_first(self, world):
        assert names(world, "/system-accounts") == ["robot", "idle", "zone"]

    def test_or_the_newest_where_asked_so(self, world):
        assert names(world, "/system-accounts", sort="created_at desc") == ["zone", "idle", "robot"]
        assert names(world, "/system-accounts", sort="created_at asc") == ["robot", "idle", "zone"]


class TestTokens:
    def test_ones_own_for_this_organization_are_listed_with_flat_numbers(self, world):
        """P5"""
        body = ask(world, "/users/{alice}/access-tokens").json()

        assert body["meta"] == {"number": 1, "size": 10, "total": 2}
        assert {row["name"] for row in body["data"]} == {"laptop", "caller"}


LISTS = [
    "/users",
    "/teams",
    "/system-accounts",
    "/teams/{team}/users",
    "/teams/{team}/system-accounts",
    "/teams/{team}/assigned-roles",
    "/users/{bob}/teams",
    "/users/{bob}/assigned-roles",
    "/users/{bob}/access-tokens",
    "/system-accounts/{robot}/teams",
    "/system-accounts/{robot}/assigned-roles",
    "/system-accounts/{robot}/access-tokens",
]


@pytest.mark.parametrize("path", LISTS)
def test_it_takes_as_many_queries_for_many_rows_as_for_one(world, path):
    with CaptureQueriesContext(connection) as few:
        before = len(ask(world, path, **{"page[size]": 100}).json()["data"])
    grow(world)
    with CaptureQueriesContext(connection) as many:
        after = len(ask(world, path, **{"page[size]": 100}).json()["data"])

    assert after >= before + 5
    assert len(many) == len(few)


def grow(world) -> None:
    """Five more of everything that can be listed."""
    for n in range(5):
        factories.member(world.acme, User.objects.create(email=f"more{n}@acme.example"), "Platform")
        account = SystemAccount.objects.create(organization=world.acme, name=f"more{n}")
        team = Team.objects.create(organization=world.acme, name=f"More {n}")
        factories.join(world.acme, "Platform", system_account=account)
        for holder in ({"user": world.bob}, {"system_account": world.robot}):
            factories.join(world.acme, team.name, **holder)
            factories.role(world.acme, ["Admin", "Creator", "Deployer", "Key Admin", "Vault Admin"][n], **holder)
            token(world.acme, f"more{n}", **holder)
        factories.role(world.acme, ["Admin", "Creator", "Viewer", "Key Admin", "Vault Admin"][n], team=world.team)
