"""Teams: made, changed, deleted and read, by act and by page (P4)."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent, RoleAssignment, Team
from accounts.services.teams import (
    PredefinedTeam,
    TeamError,
    change_team,
    create_team,
    delete_team,
)
from accounts.words import ORGANIZATION_ADMIN, PREDEFINED_TEAMS, Act, Reason, Via
from tests import factories
from tests.customers import entered, words
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

TEAMS = "/organization/teams/"


@pytest.fixture
def team(acme):
    return factories.team(acme, description="Runs the gateways.")


@pytest.fixture
def robot(acme):
    return factories.system_account(acme)


@pytest.fixture
def by_alice(alice):
    return {"actor": alice, "via": Via.PAGES, "address": "192.0.2.1"}


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def admins_of(organization) -> Team:
    return organization.teams.get(name=ORGANIZATION_ADMIN)


def told(act) -> LifecycleEvent:
    return LifecycleEvent.objects.get(act=act)


def form(**changes) -> dict:
    return {"id": str(uuid4()), "name": "Platform", "description": "", "labels": "", **changes}


class TestMaking:
    def test_a_team_begins_empty_and_is_told_of(self, acme, alice, by_alice):
        """P4, P47"""
        made = create_team(acme.pk, name="Platform", description="Runs it", labels={"unit": "eu-1"}, **by_alice)
        made.refresh_from_db()

        assert (made.name, made.description, made.labels, made.is_predefined) == (
            "Platform",
            "Runs it",
            {"unit": "eu-1"},
            False,
        )
        event = told(Act.TEAM_CREATED)
        assert (event.organization_id, event.actor_id, event.details) == (acme.pk, alice.pk, {"team": str(made.pk)})
        assert {(row.part, row.name) for row in event.subjects.all()} == {
            ("actor", "Alice Owner"),
            ("team", "Platform"),
        }

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "  "}, "name"),
            ({"name": "x" * 251}, "name"),
            ({"name": "a\x00"}, "name"),
            ({"name": ORGANIZATION_ADMIN}, "name"),
            ({"description": "x" * 251}, "description"),
            ({"description": "\x00"}, "description"),
            ({"labels": {"kong-x": "y"}}, "labels.kong-x"),
        ],
    )
    def test_what_is_wrong_is_said_by_field_and_nothing_made(self, acme, by_alice, wrong, field):
        with pytest.raises(TeamError) as refused:
            create_team(acme.pk, **{"name": "Platform", **wrong}, **by_alice)

        assert refused.value.field == field
        assert acme.teams.count() == len(PREDEFINED_TEAMS)
        assert not LifecycleEvent.objects.exists()

    def test_the_longest_name_does(self, acme, by_alice):
        assert create_team(acme.pk, name="ü" * 250, **by_alice).name == "ü" * 250

    def test_two_organizations_can_have_teams_of_one_name(self, acme, globex, by_alice):
        made = [create_team(organization.pk, name="Platform", **by_alice) for organization in (acme, globex)]

        assert len({each.pk for each in made}) == 2

    def test_sent_twice_it_makes_one(self, as_alice, acme):
        data = form()
        answers = [as_alice.post(f"{TEAMS}new/", data) for _ in range(2)]

        [made] = acme.teams.filter(is_predefined=False)
        assert {answer["Location"] for answer in answers} == {f"{TEAMS}{made.pk}/"}
        assert LifecycleEvent.objects.filter(act=Act.TEAM_CREATED).count() == 1

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "give the team a name"),
            ({"name": "x" * 251}, "at most 250"),
            ({"name": "x" * 10_000}, "at most 250"),
            ({"name": "a\x00"}, "Null characters"),
            ({"name": "Portal Admin"}, "by this name already"),
            ({"description": "x" * 251}, "at most 250"),
            ({"labels": "unit"}, "Line 1 has no colon"),
            ({"labels": "a: 1\n\na: 2"}, "Line 3 says “a” once more"),
            ({"labels": "mesh-x: 1"}, "does not start with kong"),
            ({"labels": "a: -"}, "letter or digit at either end"),
            ({"labels": "a\x00: 1"}, "Null characters"),
            ({"id": "x"}, "valid UUID"),
        ],
    )
    def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(self, as_alice, acme, changes, said):
        response = as_alice.post(f"{TEAMS}new/", form(**{"description": "kept as typed", **changes}))

        assert response.status_code == 200
        assert said in words(response)
        assert "description" in changes or "kept as typed" in response.text
        assert acme.teams.count() == len(PREDEFINED_TEAMS)

    def test_an_id_of_another_organizations_team_makes_nothing(self, as_alice, globex):
        other = factories.team(globex, "Theirs")
        as_alice.post(f"{TEAMS}new/", form(id=str(other.pk), name="Ours"))

        assert not Team.objects.filter(name="Ours").exists()


class TestChanging:
    def test_only_what_is_given_changes(self, acme, team, by_alice):
        change_team(acme.pk, team.pk, name="Gateways", **by_alice)
        team.refresh_from_db()

        assert (team.name, team.description) == ("Gateways", "Runs the gateways.")
        assert told(Act.TEAM_CHANGED).details == {"team": str(team.pk), "changed": ["name"]}

    def test_nothing_new_is_no_event(self, acme, team, by_alice):
        change_team(acme.pk, team.pk, name=team.name, labels={}, **by_alice)

        assert not LifecycleEvent.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "field"),
        [({"name": "Analytics Viewer"}, "name"), ({"name": ""}, "name"), ({"labels": {"a": ""}}, "labels.a")],
    )
    def test_what_is_wrong_changes_nothing(self, acme, team, by_alice, changes, field):
        with pytest.raises(TeamError) as refused:
            change_team(acme.pk, team.pk, **changes, **by_alice)
        team.refresh_from_db()

        assert (refused.value.field, team.name) == (field, "Platform")

    def test_predefined_teams_are_neither_changed_nor_deleted(self, acme, as_alice, by_alice):
        """P4"""
        for team in acme.teams.all():
            with pytest.raises(PredefinedTeam):
                change_team(acme.pk, team.pk, description="mine now", **by_alice)
            with pytest.raises(PredefinedTeam):
                delete_team(acme.pk, team.pk, **by_alice)
            for act in ("edit", "delete", "roles/new"):
                assert as_alice.post(f"{TEAMS}{team.pk}/{act}/", form()).status_code == 404
        page = as_alice.get(f"{TEAMS}{admins_of(acme).pk}/").text
        assert "/edit/" not in page
        assert "/delete/" not in page
        assert acme.teams.count() == len(PREDEFINED_TEAMS)

    def test_another_organizations_is_unknown(self, globex, team, by_alice):
        for act in (change_team, delete_team):
            with pytest.raises(Team.DoesNotExist):
                act(globex.pk, team.pk, **by_alice)

    def test_the_page_starts_with_what_is_and_saves_what_was_typed(self, as_alice, acme, team):
        team.labels = {"a:b": "c"}
        team.save()
        url = f"{TEAMS}{team.pk}/edit/"
        page = as_alice.get(url).text
        assert "Runs the gateways." in page
        assert "a:b: c" in page
        response = as_alice.post(url, {"name": " Gateways ", "description": "", "labels": "a:b: c\nunit: eu-1"})
        team.refresh_from_db()

        assert response["Location"] == f"{TEAMS}{team.pk}/"
        assert (team.name, team.description, team.labels) == ("Gateways", "", {"a:b": "c", "unit": "eu-1"})

    def test_a_name_that_is_taken_is_said(self, as_alice, acme, team):
        response = as_alice.post(f"{TEAMS}{team.pk}/edit/", {"name": ORGANIZATION_ADMIN})

        assert "by this name already" in response.text


class TestDeleting:
    def test_its_memberships_and_roles_go_and_nothing_else(self, as_alice, acme, team, bob, robot):
        """P47"""
        factories.join(acme, team.name, user=bob)
        factories.join(acme, team.name, system_account=robot)
        factories.role(acme, team=team)
        own = factories.role(acme, user=bob)
        url = f"{TEAMS}{team.pk}/delete/"
        asked = words(as_alice.get(url))
        assert "1 person, 1 system account" in asked
        assert "1 role" in asked
        assert Team.objects.filter(pk=team.pk).exists()
        response = as_alice.post(url, follow=True)

        assert "Platform was deleted" in response.text
        assert told(Act.TEAM_DELETED).details["counts"] == {"team_memberships": 2, "role_assignments": 1}
        assert list(RoleAssignment.objects.all()) == [own]
        assert [row.team.name for row in bob.team_memberships.all()] == ["Analytics Viewer"]
        assert as_alice.post(url).status_code == 404

    def test_whoever_loses_by_it_what_the_page_asks_for_is_led_home(self, acme, bob, team):
        factories.role(acme, "Admin", "Identity", team=team)
        factories.join(acme, team.name, user=bob)

        assert entered(bob, acme).post(f"{TEAMS}{team.pk}/delete/")["Location"] == "/"


class TestReading:
    def test_teams_are_listed_with_their_sizes_and_found_by_name(self, as_alice, acme, team, bob, robot):
        factories.join(acme, team.name, user=bob)
        factories.join(acme, team.name, system_account=robot)
        rows = {row[0].name: row[1:] for row in as_alice.get(TEAMS).context["rows"]}

        assert rows.keys() == {*PREDEFINED_TEAMS, "Platform"}
        assert rows["Platform"] == (1, 1)
        assert rows[ORGANIZATION_ADMIN] == (1, 0)
        assert [row[0] for row in as_alice.get(TEAMS, {"q": "platf"}).context["rows"]] == [team]
        assert "No team has “zz” in its name" in as_alice.get(TEAMS, {"q": "zz\x00"}).text

    def test_of_another_organization_nothing_is_seen(self, as_alice, acme, globex, team, charlie):
        theirs, robot = factories.team(globex, "Theirs"), factories.system_account(globex)
        assert "Theirs" not in as_alice.get(TEAMS).text
        pages = [
            *(f"teams/{theirs.pk}/{act}" for act in ("", "edit/", "delete/", "add/", "roles/new/")),
            *(f"users/{charlie.pk}/{act}" for act in ("", "teams/join/", "roles/new/")),
            *(f"tokens/{robot.pk}/{act}" for act in ("", "teams/join/", "roles/new/")),
            f"teams/{team.pk}/people/{charlie.pk}/remove/",
            f"teams/{team.pk}/system-accounts/{robot.pk}/remove/",
            f"teams/{uuid4()}/",
        ]
        for page in pages:
            assert as_alice.get(f"/organization/{page}").status_code == 404, page

    def test_admins_who_read_only_see_all_of_it_and_no_act(self, acme, team, bob, robot):
        """P4"""
        factories.join(acme, team.name, user=bob)
        factories.role(acme, user=bob)
        client = entered(factories.member(acme, None, "Organization Admin (Read Only)"), acme)
        for path in (
            TEAMS,
            f"{TEAMS}{team.pk}/",
            f"/organization/users/{bob.pk}/",
            f"/organization/tokens/{robot.pk}/",
        ):
            page = client.get(path)
            assert page.status_code == 200
            for act in ("/new/", "/edit/", "/delete/", "/add/", "/join/", "/remove/"):
                assert act not in page.text, path
        assert client.post(f"{TEAMS}{team.pk}/add/", {"user_id": str(bob.pk)}).status_code == 403

    def test_a_person_is_shown_with_teams_and_roles_of_this_organization_only(self, as_alice, acme, globex, alice):
        factories.role(globex, "Viewer", "Portals", user=alice)
        page = as_alice.get(f"/organization/users/{alice.pk}/")

        assert [held.team.name for held in page.context["teams"].rows] == [ORGANIZATION_ADMIN]
        assert page.context["roles"].rows == []
        assert "alice@acme.example" in page.text

    def test_a_long_team_is_paged_searched_and_costs_the_same(self, as_alice, acme, team, bob, robot):
        def cost(path):
            with CaptureQueriesContext(connection) as captured:
                assert as_alice.get(path).status_code == 200
            return len(captured)

        control_plane = factories.control_plane(acme)
        factories.join(acme, team.name, user=bob)
        factories.role(acme, entity_id=control_plane.pk, team=team)
        page = f"{TEAMS}{team.pk}/"
        paths = [TEAMS, page, f"{page}add/", f"/organization/users/{bob.pk}/", f"/organization/tokens/{robot.pk}/"]
        few = [cost(path) for path in paths]
        for n in range(30):
            person = factories.member(acme)
            other = factories.team(acme, f"team {n}")
            factories.join(acme, other.name, user=bob)
            factories.join(acme, other.name, system_account=factories.system_account(acme, f"robot {n}"))
            factories.join(acme, team.name, user=person)
            factories.role(acme, entity_id=control_plane.pk if n else None, entity_region="us", team=other)

        assert [cost(path) for path in paths] == few
        first = as_alice.get(page).context["page"]
        second = as_alice.get(page, {"after": first.after}).context["page"]
        assert (len(first.rows), len(second.rows), second.after) == (25, 6, None)
        assert [row.user for row in as_alice.get(page, {"q": "bob@"}).context["page"].rows] == [bob]
        roles = as_alice.get(paths[3]).context["roles"]
        assert (len(roles.rows), roles.following) == (25, {"roles_after": roles.rows[-1].role.pk})


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Each addition against a deactivation, in both orders (habit 1, P40, P44)."""

    def test_a_team_that_meets_a_deactivation_is_not_made(self, as_alice, acme, deactivate):
        response = collide(deactivate, lambda: as_alice.post(f"{TEAMS}new/", form()))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert acme.teams.count() == len(PREDEFINED_TEAMS)

    def test_two_forms_for_one_name_make_one_team(self, acme, by_alice):
        def make():
            return create_team(acme.pk, name="Platform", **by_alice)

        came = at_once(make, make)
        assert sorted(type(each) for each in came if isinstance(each, TeamError)) == [TeamError]
        assert acme.teams.filter(name="Platform").count() == 1
