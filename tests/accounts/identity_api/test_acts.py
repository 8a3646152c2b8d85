"""What calls of the identity API do, who may make them, and the event that each leaves (P1, P2, P4, P5, P7)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from ninja.operation import Operation

from accounts.access import open_by_token
from accounts.catalogue import IDENTITY
from accounts.models import AccessToken, Invitation, LifecycleEvent, Membership, RoleAssignment, SystemAccount, Team
from accounts.words import Act, Via
from billing.api.usage import GeoToken
from geos.api.check_ins import NodeCredential
from konnect_portal.foundation.api import BearerToken
from konnect_portal.foundation.problems import Problem
from tests import factories
from tests.accounts.identity_api.world import caller
from tests.routes import every_operation

pytestmark = pytest.mark.django_db

FOR_EVERY_HOLDER = {
    "GET /v2/control-planes",
    "GET /v3/organizations/me",
    "GET /v3/users/me",
    "GET /v3/roles",
    "PATCH /v3/users/<user_id>",
    "GET /v3/users/<user_id>/access-tokens",
    "POST /v3/users/<user_id>/access-tokens",
    "GET /v3/users/<user_id>/access-tokens/<token_id>",
    "PATCH /v3/users/<user_id>/access-tokens/<token_id>",
    "DELETE /v3/users/<user_id>/access-tokens/<token_id>",
    "PATCH /v3/users/<user_id>/access-tokens/<token_id>/revoke",
}
"""Operations that themselves tell one's own from others', or are for everybody."""


def operations() -> Iterator[tuple[str, Operation]]:
    """Those that take tokens of customers; nodes and geos have doors of their own."""
    for name, operation in every_operation():
        if not isinstance(operation.auth_callbacks[0], NodeCredential | GeoToken):
            yield name, operation


def last_event() -> LifecycleEvent:
    return LifecycleEvent.objects.filter(via=Via.API).latest("at")


class TestWhoMay:
    def test_every_operation_says_who_may_call_it(self):
        """P4: nobody may what no operation says"""
        for name, operation in operations():
            [door] = operation.auth_callbacks
            assert isinstance(door, BearerToken), name
            assert door.perm is None or (".view_" in door.perm) == name.startswith("GET"), name

    def test_only_those_for_everybody_ask_for_no_permission(self):
        asking_none = {name for name, operation in operations() if operation.auth_callbacks[0].perm is None}

        assert asking_none == FOR_EVERY_HOLDER

    def test_a_member_changes_and_reads_nothing_of_others(self, world):
        """P4"""
        paths = ["/users", "/teams", "/system-accounts", "/users/{alice}/access-tokens", "/users/{bob}/teams"]

        assert {world.call("GET", path, ask=world.ask_as_bob).status_code for path in paths} == {403}
        assert (
            world.call("POST", "/teams", {"name": "Ops"}, ask=world.ask_as_bob).json()["title"] == "Permission denied"
        )

    def test_whoever_may_not_is_told_nothing_of_what_is_wrong_with_the_body(self, world):
        assert world.call("POST", "/teams", {"x": 1}, ask=world.ask_as_bob).status_code == 403

    def test_a_reader_reads_and_changes_nothing(self, world):
        """P4"""
        factories.join(world.acme, "Organization Admin (Read Only)", user=world.carol)
        ask = caller(world.acme, user=world.carol)

        assert world.call("GET", "/users/{bob}/teams", ask=ask).status_code == 200
        assert world.call("POST", "/teams", {"name": "Ops"}, ask=ask).status_code == 403
        assert world.call("DELETE", "/users/{bob}", ask=ask).status_code == 403

    def test_an_identity_admin_manages_people_and_system_accounts(self, world):
        """P4"""
        factories.role(world.acme, "Admin", IDENTITY, user=world.carol)
        ask = caller(world.acme, user=world.carol)

        assert world.call("POST", "/teams", {"name": "Ops"}, ask=ask).status_code == 201
        assert world.call("DELETE", "/system-accounts/{idle}", ask=ask).status_code == 204

    @pytest.mark.parametrize("way", ["team", "role"])
    def test_so_does_a_system_account_but_it_is_no_person(self, world, way):
        """P4, P5"""
        assert world.call("POST", "/teams", {"name": "Ops"}, ask=world.ask_as_robot).status_code == 403
        if way == "team":
            factories.join(world.acme, "Organization Admin", system_account=world.idle)
        else:
            factories.role(world.acme, "Admin", IDENTITY, system_account=world.idle)

        assert world.call("POST", "/teams", {"name": "Ops"}, ask=world.ask_as_robot).status_code == 201
        assert last_event().actor_id == world.idle.pk
        assert world.call("GET", "/users/me", ask=world.ask_as_robot).status_code == 403
        body = {"name": "a", "ttl_seconds": 86400}
        assert world.call("POST", "/users/{bob}/access-tokens", body, ask=world.ask_as_robot).status_code == 403

    def test_a_role_taken_away_counts_from_the_next_call_on(self, world):
        """P4"""
        role = factories.role(world.acme, "Admin", IDENTITY, user=world.carol)
        ask = caller(world.acme, user=world.carol)
        assert world.call("GET", "/users", ask=ask).status_code == 200
        world.call("DELETE", f"/users/{{carol}}/assigned-roles/{role.pk}")

        assert world.call("GET", "/users", ask=ask).status_code == 403


class TestPeople:
    def test_ones_name_is_changed_by_oneself(self, world):
        """P1"""
        body = {"full_name": " Bob M. ", "preferred_name": ""}
        answer = world.call("PATCH", "/users/{bob}", body, ask=world.ask_as_bob).json()

        assert (answer["full_name"], answer["preferred_name"]) == ("Bob M.", "")
        assert world.call("GET", "/users/{bob}").json() == answer

    def test_and_by_nobody_else_with_the_reason(self, world):
        """P1"""
        response = world.call("PATCH", "/users/{bob}", {"full_name": "Bobby"})

        assert response.status_code == 403
        assert "all organizations of a person" in response.json()["detail"]
        assert world.call("GET", "/users/{bob}").json()["full_name"] == "Bob Member"

    def test_what_is_left_out_stays(self, world):
        assert world.call("PATCH", "/users/{alice}", {}).json()["full_name"] == "Alice Owner"

    def test_whoever_is_deleted_is_out_of_this_organization_alone(self, world):
        """P1"""
        factories.member(world.globex, world.bob)
        world.call("DELETE", "/users/{bob}")

        assert world.call("GET", "/users/{bob}").status_code == 404
        assert [each.organization for each in Membership.objects.filter(user=world.bob)] == [world.globex]
        assert world.ask_as_bob("GET", "/v3/users/me").status_code == 401
        assert (last_event().act, last_event().actor_id) == (Act.MEMBER_REMOVED, world.alice.pk)

    def test_whoever_is_invited_has_an_invitation(self, world):
        """P7"""
        world.call("POST", "/invites", {"email": " New@acme.example"})

        assert Invitation.objects.get().email == "new@acme.example"
        assert last_event().act == Act.PEOPLE_INVITED


class TestTeams:
    def test_a_team_is_as_it_was_asked_for(self, world):
        """P4"""
        asked = {"name": "Ops", "description": "Operates", "labels": {"env": "test", "tier": "1"}}
        made = world.call("POST", "/teams", asked).json()

        assert {**asked, "system_team": False}.items() <= made.items()
        assert world.call("GET", f"/teams/{made['id']}").json() == made
        assert last_event().act == Act.TEAM_CREATED

    def test_what_is_left_out_stays_and_a_label_that_is_null_goes(self, world):
        answer = world.call("PATCH", "/teams/{team}", {"labels": {"tier": None, "zone": "a", "none": None}}).json()

        assert (answer["name"], answer["description"]) == ("Platform", "Builds it")
        assert answer["labels"] == {"env": "test", "zone": "a"}
        assert last_event().act == Act.TEAM_CHANGED

    def test_a_description_that_is_null_goes(self, world):
        assert world.call("PATCH", "/teams/{team}", {"description": None}).json()["description"] is None

    def test_whoever_is_added_is_in_it_and_whoever_is_removed_is_not(self, world):
        """P4"""
        world.call("POST", "/teams/{team}/users", {"id": "{carol}"})
        assert last_event().act == Act.TEAM_JOINED
        world.call("DELETE", "/teams/{team}/users/{bob}")
        assert last_event().act == Act.TEAM_LEFT

        assert [row["full_name"] for row in world.call("GET", "/teams/{team}/users").json()["data"]] == ["Carol"]

    def test_a_team_that_is_deleted_is_gone_with_its_roles(self, world):
        world.call("DELETE", "/teams/{team}")

        assert not Team.objects.filter(pk=world.team.pk).exists()
        assert not RoleAssignment.objects.filter(team=world.team).exists()
        assert last_event().act == Act.TEAM_DELETED


class TestRoles:
    @pytest.mark.parametrize("holder", ["/users/{carol}", "/teams/{team}", "/system-accounts/{idle}"])
    def test_a_role_is_given_for_one_entity_and_taken_away(self, world, holder):
        """P4"""
        asked = {
            "role_name": "Viewer",
            "entity_type_name": "Control Planes",
            "entity_id": str(world.plane.pk),
            "entity_region": "us",
        }
        made = world.call("POST", f"{holder}/assigned-roles", asked).json()
        assert asked.items() <= made.items()
        assert last_event().act == Act.ROLE_ASSIGNED
        assert made in world.call("GET", f"{holder}/assigned-roles").json()["data"]

        world.call("DELETE", f"{holder}/assigned-roles/{made['id']}")
        assert last_event().act == Act.ROLE_REMOVED
        assert made not in world.call("GET", f"{holder}/assigned-roles").json()["data"]

    def test_without_limits_it_is_for_everything_everywhere(self, world):
        body = {"role_name": "Admin", "entity_type_name": "Portals"}
        made = world.call("POST", "/users/{carol}/assigned-roles", body).json()

        assert (made["entity_id"], made["entity_region"]) == ("*", "*")

    def test_a_role_that_nobody_has_is_not_found(self, world):
        path = f"/users/{{bob}}/assigned-roles/{world.robots_role.pk}"

        assert world.call("DELETE", path).json()["detail"] == "The requested role assignment was not found"

    def test_roles_are_described_by_name(self, world):
        described = world.call("GET", "/roles", ask=world.ask_as_bob).json()

        assert described["control_planes"]["roles"]["gateway_service_admin"]["name"] == "Gateway Service Admin"
        assert described["mesh_control_planes"]["name"] == "Mesh Control Planes"


class TestSystemAccounts:
    def test_one_is_made_changed_and_deleted(self, world):
        """P5"""
        made = world.call("POST", "/system-accounts", {"name": "deployer", "description": "Deploys"}).json()
        assert made["konnect_managed"] is False
        path = f"/system-accounts/{made['id']}"
        assert world.call("PATCH", path, {"description": "Releases"}).json()["name"] == "deployer"
        assert world.call("GET", path).json()["description"] == "Releases"
        world.call("DELETE", path)

        assert not SystemAccount.objects.filter(pk=made["id"]).exists()
        assert last_event().act == Act.SYSTEM_ACCOUNT_DELETED

    def test_its_token_opens_the_door_until_it_is_deleted(self, world):
        """P5"""
        soon = (timezone.now() + timedelta(days=2)).isoformat()
        path = "/system-accounts/{robot}/access-tokens"
        made = world.call("POST", path, {"name": "new", "expires_at": soon}).json()
        secret = made.pop("token")
        assert open_by_token(secret).holder == world.robot
        shown = world.call("GET", f"{path}/{made['id']}")
        assert shown.json().keys() == made.keys()
        assert secret not in shown.text
        world.call("DELETE", f"{path}/{made['id']}")

        with pytest.raises(Problem):
            open_by_token(secret)
        assert last_event().act == Act.TOKEN_DELETED


class TestPersonalTokens:
    PATH = "/users/{alice}/access-tokens"

    def test_one_lives_as_long_as_asked(self, world):
        """P5"""
        made = world.call("POST", self.PATH, {"name": "new", "ttl_seconds": 86400}).json()
        token = AccessToken.objects.get(pk=made["id"])

        assert token.expires_at - token.created_at == pytest.approx(timedelta(days=1), abs=timedelta(seconds=5))
        assert open_by_token(made["konnect_token"]).user == world.alice
        assert (made["state"], made["user_id"]) == ("ACTIVE", str(world.alice.pk))

    def test_or_until_the_moment_asked(self, world):
        day = (timezone.now() + timedelta(days=9)).date().isoformat()
        made = world.call("POST", self.PATH, {"name": "new", "expires_at": f"{day}T03:04:05+01:00"}).json()

        assert made["expires_at"] == f"{day}T02:04:05.000Z"

    def test_nobody_makes_renames_or_deletes_anothers(self, world):
        """P5"""
        path = "/users/{bob}/access-tokens"
        answers = [
            world.call("POST", path, {"name": "new", "ttl_seconds": 86400}),
            world.call("PATCH", path + "/{bobs_token}", {"name": "new"}),
            world.call("DELETE", path + "/{bobs_token}"),
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 403]
        assert "by the person alone" in answers[0].json()["detail"]

    def test_whoever_manages_people_revokes_anothers(self, world):
        """P5"""
        path = "/users/{bob}/access-tokens/{bobs_token}"
        revoked = world.call("PATCH", path + "/revoke").json()

        assert (revoked["state"], revoked["revoked_by"]) == ("REVOKED", str(world.alice.pk))
        assert revoked["updated_at"] == revoked["revoked_at"]
        assert last_event().act == Act.TOKEN_REVOKED
        assert world.call("PATCH", path + "/revoke").json() == revoked

    def test_one_revokes_ones_own_without_any_permission(self, world):
        path = "/users/{bob}/access-tokens/{bobs_token}"

        assert world.call("PATCH", path + "/revoke", ask=world.ask_as_bob).json()["state"] == "REVOKED"

    def test_one_that_has_expired_says_so(self, world):
        AccessToken.objects.filter(pk=world.alices_token.pk).update(
            created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now()
        )

        assert world.call("GET", self.PATH + "/{alices_token}").json()["state"] == "EXPIRED"

    def test_a_new_name_is_kept(self, world):
        world.call("PATCH", self.PATH + "/{alices_token}", {"name": "desk"})

        assert world.call("GET", self.PATH + "/{alices_token}").json()["name"] == "desk"
        assert last_event().act == Act.TOKEN_CHANGED

    def test_one_that_is_deleted_is_gone(self, world):
        world.call("DELETE", self.PATH + "/{alices_token}")

        assert world.call("GET", self.PATH + "/{alices_token}").status_code == 404
