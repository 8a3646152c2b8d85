"""What the identity API says no to, by problem+json with field and reason, and nothing changed (P1, P2, P4, P7)."""

from uuid import UUID

import pytest

from accounts.models import Invitation, LifecycleEvent
from accounts.services.invitations import invite_people
from accounts.words import Via
from konnect_portal.foundation.problems import CONTENT_TYPE
from tests.accounts.identity_api.world import name_of, token

pytestmark = pytest.mark.django_db

UNKNOWN = str(UUID(int=1, version=4))
LONG = "x" * 251
HUGE = "x" * 10_000
ROLE = {"role_name": "Viewer", "entity_type_name": "Control Planes"}
MACHINE = {"name": "deployer", "description": "Deploys"}
TEAMS, USERS, ACCOUNTS = "/teams", "/users/{bob}", "/system-accounts"
ROLES, TOKENS = f"{USERS}/assigned-roles", "/users/{alice}/access-tokens"
SECRETS = "/system-accounts/{robot}/access-tokens"
ME = "/users/{alice}"


def is_problem(response, status: int) -> bool:
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response["Content-Type"] == CONTENT_TYPE
        and bool(body["title"])
        and bool(body["detail"])
        and body["instance"].removeprefix("konnect:trace:").isdigit()
        and body.keys() - {"invalid_parameters"} == {"status", "title", "detail", "instance"}
    )


def found_in(response) -> list[tuple]:
    """Field and rule of each wrong parameter, told by a problem of the right shape."""
    assert is_problem(response, 400), response.text
    parameters = response.json()["invalid_parameters"]
    assert all(parameter["reason"] for parameter in parameters)
    return [(parameter["field"], parameter.get("rule")) for parameter in parameters]


BODIES = [
    ("POST", TEAMS, {}, ("name", "required")),
    ("POST", TEAMS, {"name": None}, ("name", "is_string")),
    ("POST", TEAMS, {"name": 1}, ("name", "is_string")),
    ("POST", TEAMS, {"name": ["Ops"]}, ("name", "is_string")),
    ("POST", TEAMS, {"name": " "}, ("name", "min_length")),
    ("POST", TEAMS, {"name": LONG}, ("name", "max_length")),
    ("POST", TEAMS, {"name": HUGE}, ("name", "max_length")),
    ("POST", TEAMS, {"name": "a\x00b"}, ("name", "invalid")),
    ("POST", TEAMS, {"name": "\ud800"}, ("name", "invalid")),
    ("POST", TEAMS, {"name": "Platform"}, ("name", "invalid")),
    ("POST", TEAMS, {"name": "Organization Admin"}, ("name", "invalid")),
    ("POST", TEAMS, {"name": "Ops", "id": UNKNOWN}, ("id", "unknown_property")),
    ("POST", TEAMS, {"name": "Ops", "system_team": True}, ("system_team", "unknown_property")),
    ("POST", TEAMS, {"name": "Ops", "description": LONG}, ("description", "max_length")),
    ("POST", TEAMS, {"name": "Ops", "labels": ["env"]}, ("labels", "is_object")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"env": 1}}, ("labels.env", "is_string")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"env": None}}, ("labels.env", "is_string")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"kong-env": "a"}}, ("labels.kong-env", "is_label")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"env": "-"}}, ("labels.env", "is_label")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"": "a"}}, ("labels.", "is_label")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"a\x00": "a"}}, ("labels.a\x00", "is_label")),
    ("POST", TEAMS, {"name": "Ops", "labels": {"a\ud800": "a"}}, ("labels.a\ud800", "is_label")),
    ("POST", TEAMS, {"name": "Ops", "labels": {f"l{n}": "a" for n in range(51)}}, ("labels", "max_items")),
    ("PATCH", "/teams/{team}", {"name": None}, ("name", "is_string")),
    ("PATCH", "/teams/{team}", {"name": "Analytics Viewer"}, ("name", "invalid")),
    ("PATCH", "/teams/{team}", {"labels": {"mesh": "a"}}, ("labels.mesh", "is_label")),
    ("POST", "/teams/{team}/users", {}, ("id", "required")),
    ("POST", "/teams/{team}/users", {"id": "x"}, ("id", "is_uuid")),
    ("POST", "/teams/{team}/users", {"id": 7}, ("id", "is_uuid")),
    ("POST", "/teams/{team}/system-accounts", {"id": None}, ("id", "is_uuid")),
    ("PATCH", ME, {"full_name": ""}, ("full_name", "min_length")),
    ("PATCH", ME, {"full_name": LONG}, ("full_name", "max_length")),
    ("PATCH", ME, {"preferred_name": "a\x00"}, ("preferred_name", "invalid")),
    ("PATCH", ME, {"email": "other@acme.example"}, ("email", "unknown_property")),
    ("POST", "/invites", {}, ("email", "required")),
    ("POST", "/invites", {"email": "nobody"}, ("email", "invalid")),
    ("POST", "/invites", {"email": "a\x00@acme.example"}, ("email", "invalid")),
    ("POST", "/invites", {"email": ["new@acme.example"]}, ("email", "is_string")),
    ("POST", "/invites", {"emails": ["new@acme.example"], "email": "a@b.example"}, ("emails", "unknown_property")),
    ("POST", ROLES, {"role_name": "Viewer"}, ("entity_type_name", "required")),
    ("POST", ROLES, {**ROLE, "role_name": "King"}, ("role_name", "invalid")),
    ("POST", ROLES, {**ROLE, "entity_type_name": "Castles"}, ("entity_type_name", "invalid")),
    ("POST", ROLES, {**ROLE, "entity_id": "x"}, ("entity_id", "is_uuid")),
    ("POST", ROLES, {**ROLE, "entity_id": UNKNOWN}, ("entity_id", "invalid")),
    ("POST", ROLES, {**ROLE, "entity_id": "{plane}", "entity_region": "eu"}, ("entity_region", "invalid")),
    ("POST", ROLES, {**ROLE, "entity_region": "mars"}, ("entity_region", "invalid")),
    ("POST", ROLES, {**ROLE, "entity_region": "a\x00"}, ("entity_region", "invalid")),
    ("POST", ACCOUNTS, {"name": "deployer"}, ("description", "required")),
    ("POST", ACCOUNTS, {**MACHINE, "name": LONG}, ("name", "max_length")),
    ("POST", ACCOUNTS, {**MACHINE, "description": " "}, ("description", "min_length")),
    ("POST", ACCOUNTS, {**MACHINE, "konnect_managed": True}, ("konnect_managed", "unknown_property")),
    ("PATCH", "/system-accounts/{robot}", {"name": ""}, ("name", "min_length")),
    ("PATCH", "/system-accounts/{managed}", {"name": "mine"}, ("id", "invalid")),
    ("DELETE", "/system-accounts/{managed}", None, ("id", "invalid")),
    ("POST", TOKENS, {"name": "new"}, ("ttl_seconds", "required")),
    ("POST", TOKENS, {"name": "new", "ttl_seconds": 86400, "expires_at": "{soon}"}, ("ttl_seconds", "required")),
    ("POST", TOKENS, {"name": "new", "ttl_seconds": 86399}, ("ttl_seconds", "min")),
    ("POST", TOKENS, {"name": "new", "ttl_seconds": 31536001}, ("ttl_seconds", "max")),
    ("POST", TOKENS, {"name": "new", "ttl_seconds": "86400"}, ("ttl_seconds", "is_integer")),
    ("POST", TOKENS, {"name": "new", "ttl_seconds": True}, ("ttl_seconds", "is_integer")),
    ("POST", TOKENS, {"name": "<new>", "ttl_seconds": 86400}, ("name", "invalid")),
    ("POST", TOKENS, {"name": HUGE, "ttl_seconds": 86400}, ("name", "invalid")),
    ("PATCH", TOKENS + "/{alices_token}", {"name": "a\x00"}, ("name", "invalid")),
    ("POST", SECRETS, {"name": "new"}, ("expires_at", "required")),
    ("POST", SECRETS, {"name": "new", "expires_at": "tomorrow"}, ("expires_at", "is_date_time")),
    ("POST", SECRETS, {"name": "new", "expires_at": 1900000000}, ("expires_at", "is_date_time")),
    ("POST", SECRETS, {"name": "new", "expires_at": "2027-01-01T00:00:00"}, ("expires_at", "is_date_time")),
    ("POST", SECRETS, {"name": "new", "expires_at": "2027-13-01T00:00:00Z"}, ("expires_at", "is_date_time")),
    ("POST", SECRETS, {"name": "new", "expires_at": "9999-12-31T23:59:59-14:00"}, ("expires_at", "invalid")),
    ("POST", SECRETS, {"name": "new", "expires_at": "{past}"}, ("expires_at", "invalid")),
    ("POST", SECRETS, {"name": "new", "expires_at": "{late}"}, ("expires_at", "invalid")),
]


@pytest.mark.parametrize(("method", "path", "body", "wrong"), BODIES, ids=name_of)
def test_a_wrong_property_is_named_with_its_rule(world, method, path, body, wrong):
    assert found_in(world.call(method, path, body)) == [wrong]
    assert not LifecycleEvent.objects.filter(via=Via.API).exists()


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/users/x", "user_id"),
        ("GET", "/users/%00", "user_id"),
        ("GET", "/teams/x/users", "team_id"),
        ("GET", "/teams/x/assigned-roles", "holder_id"),
        ("DELETE", "/teams/{team}/users/x", "member_id"),
        ("GET", "/system-accounts/{robot}/access-tokens/x", "token_id"),
    ],
)
def test_an_id_that_is_none_is_bad_input(world, method, path, field):
    response = world.call(method, path)

    assert found_in(response) == [(field, "is_uuid")]
    assert response.json()["invalid_parameters"][0]["reason"] == "invalid ID format"


def test_several_faults_are_told_together(world):
    assert found_in(world.call("POST", ACCOUNTS, {"name": 1, "x": 1})) == [
        ("name", "is_string"),
        ("description", "required"),
        ("x", "unknown_property"),
    ]


def test_a_limit_that_was_not_kept_is_told(world):
    [long] = world.call("POST", TEAMS, {"name": LONG}).json()["invalid_parameters"]
    [blank] = world.call("POST", TEAMS, {"name": ""}).json()["invalid_parameters"]
    [brief] = world.call("POST", TOKENS, {"name": "a", "ttl_seconds": 1}).json()["invalid_parameters"]

    assert (long["maximum"], blank["minimum"], brief["minimum"]) == (250, 1, 86400)
    assert blank["reason"] == "cannot be blank"


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"name"', b"\xff", "[" * 100_000, "1" * 5000])
def test_a_body_that_is_no_object_is_bad_input(world, body):
    assert found_in(world.call("POST", TEAMS, body))


def test_the_request_format_is_told_in_the_vendors_words(world):
    [told] = world.call("POST", TEAMS, "{").json()["invalid_parameters"]

    assert (told["field"], told["reason"]) == ("body", "request format is invalid")


def test_a_body_of_another_type_is_refused(world):
    response = world.call("POST", TEAMS, {"name": "Ops"}, content_type="text/plain")

    assert is_problem(response, 415)


def test_a_huge_body_is_refused(world):
    assert is_problem(world.call("POST", TEAMS, {"name": "x" * 3_000_000}), 413)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users/{charlie}", None),
        ("DELETE", "/users/{charlie}", None),
        ("PATCH", "/users/{charlie}", {"full_name": "X"}),
        ("GET", "/users/{charlie}/teams", None),
        ("GET", "/users/{charlie}/assigned-roles", None),
        ("GET", "/users/{charlie}/access-tokens", None),
        ("POST", "/users/{charlie}/assigned-roles", ROLE),
        ("POST", "/teams/{team}/users", {"id": "{charlie}"}),
        ("DELETE", "/teams/{team}/users/{charlie}", None),
        ("GET", "/teams/{globex_team}", None),
        ("PATCH", "/teams/{globex_team}", {"name": "X"}),
        ("DELETE", "/teams/{globex_team}", None),
        ("GET", "/teams/{globex_team}/users", None),
        ("POST", "/teams/{globex_team}/users", {"id": "{bob}"}),
        ("POST", "/teams/{globex_team}/assigned-roles", ROLE),
        ("GET", "/system-accounts/{globex_robot}", None),
        ("PATCH", "/system-accounts/{globex_robot}", {"name": "X"}),
        ("DELETE", "/system-accounts/{globex_robot}", None),
        ("GET", "/system-accounts/{globex_robot}/access-tokens", None),
        ("POST", "/system-accounts/{globex_robot}/access-tokens", {"name": "x", "expires_at": "{soon}"}),
        ("POST", "/teams/{team}/system-accounts", {"id": "{globex_robot}"}),
        ("DELETE", "/users/{carol}/assigned-roles/{bobs_role}", None),
        ("GET", "/users/{carol}/assigned-roles/{bobs_role}", None),
        ("GET", "/users/{alice}/access-tokens/{bobs_token}", None),
        ("DELETE", "/users/{alice}/access-tokens/{bobs_token}", None),
        ("PATCH", "/users/{carol}/access-tokens/{bobs_token}/revoke", None),
        ("GET", "/users/{alice}/access-tokens/{alices_globex_token}", None),
        ("GET", "/system-accounts/{idle}/access-tokens/{robots_token}", None),
        ("DELETE", "/teams/{team}/users/{carol}", None),
        ("DELETE", "/teams/{team}/system-accounts/{idle}", None),
        ("GET", f"/teams/{UNKNOWN}", None),
    ],
)
def test_what_is_anothers_is_not_found(world, method, path, body):
    """P4, P5"""
    assert is_problem(world.call(method, path, body), 404)
    assert not LifecycleEvent.objects.filter(via=Via.API).exists()


def test_what_was_not_found_is_named(world):
    assert world.call("GET", f"/teams/{UNKNOWN}").json()["detail"] == "The requested team was not found"


class TestPredefined:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "/teams/{system}", {"name": "Mine"}),
            ("PATCH", "/teams/{system}", {"labels": {"env": "test"}}),
            ("DELETE", "/teams/{system}", None),
            ("POST", "/teams/{system}/assigned-roles", ROLE),
        ],
    )
    def test_a_predefined_team_stays_as_it_is(self, world, method, path, body):
        """P4"""
        response = world.call(method, path, body)

        assert is_problem(response, 400)
        assert response.json()["invalid_parameters"] == [
            {"field": "teamID", "reason": "system teams cannot be modified"}
        ]


class TestOwner:
    def test_the_owner_is_removed_by_nobody(self, world):
        """P2"""
        assert found_in(world.call("DELETE", "/users/{alice}")) == [("user", "invalid")]
        assert world.call("GET", "/users/{alice}").status_code == 200

    def test_the_owner_stays_in_organization_admin(self, world):
        """P2"""
        assert found_in(world.call("DELETE", "/teams/{admins}/users/{alice}")) == [("user_id", "invalid")]
        assert world.call("GET", "/teams/{admins}/users").json()["meta"]["page"]["total"] == 1


class TestConflicts:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/teams/{team}/users", {"id": "{bob}"}),
            ("POST", "/teams/{team}/system-accounts", {"id": "{robot}"}),
            ("POST", ROLES, ROLE),
            ("POST", ROLES, {**ROLE, "entity_id": "*", "entity_region": "*"}),
            ("POST", ACCOUNTS, {**MACHINE, "name": "robot"}),
            ("PATCH", "/system-accounts/{robot}", {"name": "idle"}),
        ],
    )
    def test_what_is_there_already_is_a_conflict(self, world, method, path, body):
        response = world.call(method, path, body)

        assert is_problem(response, 409)
        assert response.json()["title"] == "Conflict"

    def test_a_member_is_invited_by_nobody(self, world):
        """P7"""
        response = world.call("POST", "/invites", {"email": " BOB@acme.example"})

        assert is_problem(response, 409)
        assert response.json()["detail"] == "User is already active"

    def test_an_eleventh_token_is_refused_with_the_reason(self, world):
        for n in range(9 - world.bob.access_tokens.count() + 1):
            token(world.acme, f"t{n}", user=world.bob)
        response = world.call(
            "POST", "/users/{bob}/access-tokens", {"name": "new", "ttl_seconds": 86400}, ask=world.ask_as_bob
        )

        assert is_problem(response, 409)
        assert "10 tokens already" in response.json()["detail"]


class TestRates:
    def test_too_many_invitations_at_once_are_put_off(self, world, settings):
        """P7"""
        settings.ACCOUNT_RATE_LIMITS = {"invite": "1/m/key"}
        first = world.call("POST", "/invites", {"email": "one@acme.example"})
        second = world.call("POST", "/invites", {"email": "two@acme.example"})

        assert first.status_code == 201
        assert is_problem(second, 429)
        assert second.json()["title"] == "Rate Limited"
        assert Invitation.objects.count() == 1

    def test_a_new_invitation_voids_the_old(self, world):
        """P7"""
        [old] = invite_people(world.acme.pk, ["new@acme.example"], actor=world.alice, via=Via.PAGES)
        world.call("POST", "/invites", {"email": "new@acme.example"})
        old.refresh_from_db()

        assert old.revoked_at is not None
        assert Invitation.objects.waiting().count() == 1
