"""Roles of the catalogue, given and taken away: the acts and their pages (P4, P11)."""

from uuid import uuid4

import pytest

from accounts.catalogue import CATALOGUE
from accounts.lifecycle import deactivate_organizations
from accounts.models import EventSubject, LifecycleEvent, RoleAssignment, SystemAccount, Team, User
from accounts.services.role_assignments import RoleError, assign_role, remove_role
from accounts.services.teams import PredefinedTeam, delete_team
from accounts.words import Act, Reason, Via
from tests import factories
from tests.customers import entered, words
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

VIEWER = {"role_name": "Viewer", "entity_type_name": "Control Planes"}
MESH_VIEWER = {"role_name": "Viewer", "entity_type_name": "Mesh Control Planes"}


@pytest.fixture
def by_alice(alice):
    return {"actor": alice, "via": Via.PAGES, "address": "192.0.2.1"}


@pytest.fixture
def to_bob(bob, by_alice):
    return {"user_id": bob.pk, **by_alice}


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def control_plane(acme):
    return factories.control_plane(acme, "production", "eu")


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


class TestGiving:
    def test_to_a_person_a_system_account_or_a_custom_team(self, acme, bob, by_alice):
        """P4, P47"""
        robot, team = factories.system_account(acme), factories.team(acme)
        for who, holder in (("user", bob), ("system_account", robot), ("team", team)):
            given, is_new = assign_role(acme.pk, **VIEWER, entity_region="us", **{f"{who}_id": holder.pk}, **by_alice)
            assert (getattr(given, who), given.role_name, given.entity_id, is_new) == (holder, "Viewer", None, True)
            event = LifecycleEvent.objects.filter(act=Act.ROLE_ASSIGNED).latest("at")
            assert event.details == {
                "role_assignment": str(given.pk),
                who: str(holder.pk),
                "role_name": "Viewer",
                "entity_type_name": "Control Planes",
                "entity_id": None,
                "entity_region": "us",
            }
            assert event.subjects.filter(subject_id=holder.pk).exists()

    def test_every_role_of_the_catalogue(self, acme, to_bob):
        for type_name, names in CATALOGUE.items():
            for name in names:
                assert assign_role(acme.pk, role_name=name, entity_type_name=type_name, **to_bob)[1]

        assert RoleAssignment.objects.count() == sum(map(len, CATALOGUE.values()))

    def test_twice_it_is_there_once_and_told_once(self, acme, to_bob):
        first, again = (assign_role(acme.pk, **VIEWER, **to_bob) for _ in range(2))

        assert (first[1], again) == (True, (first[0], False))
        assert LifecycleEvent.objects.filter(act=Act.ROLE_ASSIGNED).count() == 1

    def test_one_control_planes_geo_and_every_geo_say_the_same(self, acme, control_plane, to_bob):
        """P11"""
        there = {"entity_id": control_plane.pk, "entity_region": "eu"}
        anywhere = {"entity_id": control_plane.pk, "entity_region": "*"}
        given, _ = assign_role(acme.pk, **VIEWER, **anywhere, **to_bob)

        assert given.entity_region == "*"
        assert assign_role(acme.pk, **VIEWER, **there, **to_bob) == (given, False)

    def test_a_geo_is_another_role_than_all_of_them(self, acme, to_bob):
        given = [assign_role(acme.pk, **VIEWER, entity_region=geo, **to_bob)[1] for geo in ("*", "us", "eu")]

        assert given == [True, True, True]

    @pytest.mark.parametrize("kind", ["gateway", "kic"])
    def test_a_role_for_control_planes_fits_gateways_and_kic(self, acme, to_bob, kind):
        """P12"""
        found = factories.control_plane(acme, kind=kind)
        assert assign_role(acme.pk, **VIEWER, entity_id=found.pk, **to_bob)[1]
        with pytest.raises(RoleError):
            assign_role(acme.pk, **MESH_VIEWER, entity_id=found.pk, **to_bob)

    def test_a_role_for_mesh_control_planes_fits_mesh_global_ones(self, acme, to_bob):
        """P12"""
        found = factories.control_plane(acme, kind="mesh_global")
        assert assign_role(acme.pk, **MESH_VIEWER, entity_id=found.pk, entity_region="us", **to_bob)[1]
        with pytest.raises(RoleError):
            assign_role(acme.pk, **VIEWER, entity_id=found.pk, **to_bob)


class TestRefused:
    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"entity_type_name": "Spaceships"}, "entity_type_name"),
            ({"entity_type_name": "x" * 10_000}, "entity_type_name"),
            ({"entity_type_name": "\x00"}, "entity_type_name"),
            ({"role_name": "Emperor"}, "role_name"),
            ({"role_name": "Connector"}, "role_name"),
            ({"entity_region": "mars"}, "entity_region"),
            ({"entity_region": ""}, "entity_region"),
            ({"entity_region": "\x00"}, "entity_region"),
            ({"role_name": "Admin", "entity_type_name": "Identity", "entity_region": "us"}, "entity_region"),
            ({"role_name": "Admin", "entity_type_name": "Identity", "entity_id": uuid4()}, "entity_id"),
            ({"role_name": "Admin", "entity_type_name": "Audit Logs", "entity_region": "eu"}, "entity_region"),
            ({"role_name": "Admin", "entity_type_name": "Portals", "entity_id": uuid4()}, "entity_id"),
            ({"entity_id": uuid4()}, "entity_id"),
        ],
    )
    def test_what_there_is_not_is_said_by_field_and_gives_nothing(self, acme, to_bob, asked, field):
        with pytest.raises(RoleError) as refused:
            assign_role(acme.pk, **VIEWER | asked, **to_bob)

        assert refused.value.field == field
        assert len(str(refused.value)) < 300
        assert not RoleAssignment.objects.exists()
        assert not LifecycleEvent.objects.exists()

    def test_a_control_plane_in_another_geo(self, acme, control_plane, to_bob):
        """P11"""
        with pytest.raises(RoleError, match="production is in Europe") as refused:
            assign_role(acme.pk, **VIEWER, entity_id=control_plane.pk, entity_region="us", **to_bob)

        assert refused.value.field == "entity_region"

    def test_another_organizations_control_plane_is_refused_as_one_that_does_not_exist(self, acme, globex, to_bob):
        theirs = factories.control_plane(globex, "secret", "eu")
        said = []
        for asked in (
            {"entity_id": theirs.pk, "entity_region": "us"},
            {"entity_id": theirs.pk},
            {"entity_id": uuid4()},
        ):
            with pytest.raises(RoleError) as refused:
                assign_role(acme.pk, **VIEWER, **asked, **to_bob)
            said.append((refused.value.field, str(refused.value)))

        assert len(set(said)) == 1

    @pytest.mark.parametrize("state", ["decommissioning", "decommissioned"])
    def test_a_control_plane_that_is_taken_down(self, acme, control_plane, to_bob, state):
        """P42"""
        at = factories.moment("2026-11-20T00:00:00")
        control_plane.state = state
        control_plane.decommission_requested_at = control_plane.begins_at = at
        control_plane.next_attempt_at, control_plane.decommissioned_at = (
            (at, None) if state == "decommissioning" else (None, at)
        )
        control_plane.save()
        with pytest.raises(RoleError) as refused:
            assign_role(acme.pk, **VIEWER, entity_id=control_plane.pk, **to_bob)

        assert refused.value.field == "entity_id"

    def test_predefined_teams_are_given_none(self, acme, by_alice):
        """P4"""
        for team in acme.teams.all():
            with pytest.raises(PredefinedTeam):
                assign_role(acme.pk, **VIEWER, team_id=team.pk, **by_alice)

    def test_strangers_and_what_is_another_organizations(self, acme, globex, charlie, by_alice):
        theirs = [("user_id", charlie), ("system_account_id", factories.system_account(globex))]
        theirs.append(("team_id", factories.team(globex)))
        for column, holder in theirs:
            with pytest.raises((User.DoesNotExist, SystemAccount.DoesNotExist, Team.DoesNotExist)):
                assign_role(acme.pk, **VIEWER, **{column: holder.pk}, **by_alice)

        assert not RoleAssignment.objects.exists()


class TestTakingAway:
    def test_once_and_told(self, acme, bob, to_bob):
        """P47"""
        role = factories.role(acme, user=bob)
        gone = [remove_role(acme.pk, role.pk, **to_bob) for _ in range(2)]

        assert gone == [True, False]
        event = LifecycleEvent.objects.get(act=Act.ROLE_REMOVED)
        assert (event.details["role_assignment"], event.details["user"]) == (str(role.pk), str(bob.pk))

    def test_by_its_own_holder_and_organization_only(self, acme, globex, alice, bob, by_alice):
        role, theirs = factories.role(acme, user=bob), factories.role(globex, user=alice)

        assert not remove_role(acme.pk, role.pk, user_id=alice.pk, **by_alice)
        assert not remove_role(acme.pk, role.pk, team_id=factories.team(acme).pk, **by_alice)
        assert not remove_role(acme.pk, theirs.pk, user_id=alice.pk, **by_alice)
        assert {*RoleAssignment.objects.all()} == {role, theirs}


class TestPages:
    def holders(self, acme, bob) -> dict[str, dict]:
        robot, team = factories.system_account(acme), factories.team(acme)
        return {
            f"/organization/users/{bob.pk}/": {"user": bob},
            f"/organization/tokens/{robot.pk}/": {"system_account": robot},
            f"/organization/teams/{team.pk}/": {"team": team},
        }

    def test_given_and_taken_away_on_the_page_of_each(self, as_alice, acme, bob, control_plane):
        for page, who in self.holders(acme, bob).items():
            new = f"{page}roles/new/"
            assert new in as_alice.get(page).text
            assert "?for=Mesh+Control+Planes" in as_alice.get(new).text.replace("%20", "+")
            asked = as_alice.get(new, {"for": "Control Planes"}).text
            assert "Deploys configuration" in asked
            assert "production, Europe" in asked
            data = {"role_name": "Deployer", "reach": str(control_plane.pk)}
            assert as_alice.post(f"{new}?for=Control+Planes", data)["Location"] == page
            role = RoleAssignment.objects.get(**who)
            assert (role.role_name, role.entity_id, role.entity_region) == ("Deployer", control_plane.pk, "eu")
            shown = words(as_alice.get(page))
            assert "was given Deployer of Control Planes." in shown
            assert "Control Planes: Deployer" in shown
            assert "production, Europe" in shown
            again = words(as_alice.post(f"{new}?for=Control+Planes", data, follow=True))
            assert "had Deployer of Control Planes there already" in again

            remove = f"{page}roles/{role.pk}/remove/"
            assert remove in as_alice.get(page).text
            assert "production, Europe" in as_alice.get(remove).text
            assert RoleAssignment.objects.filter(**who).exists()
            assert as_alice.post(remove)["Location"] == page
            assert not RoleAssignment.objects.filter(**who).exists()
            assert "did not have that role any more" in as_alice.post(remove, follow=True).text

    @pytest.mark.parametrize(
        ("type_name", "role_name", "reach", "limits"),
        [
            ("Control Planes", "Viewer", "*", (None, "*")),
            ("Control Planes", "Viewer", "sg", (None, "sg")),
            ("Portals", "Viewer", "us", (None, "us")),
            ("Identity", "Admin", "", (None, "*")),
        ],
    )
    def test_where_it_holds_is_one_answer(self, as_alice, bob, type_name, role_name, reach, limits):
        url = f"/organization/users/{bob.pk}/roles/new/?for={type_name}"
        as_alice.post(url, {"role_name": role_name, "reach": reach})
        role = RoleAssignment.objects.get()

        assert (role.entity_id, role.entity_region) == limits

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            ({"reach": "*"}, "Please choose a role."),
            ({"role_name": "Emperor", "reach": "*"}, "not one of the available choices"),
            ({"role_name": "Viewer"}, "choose one of those that are there now"),
            ({"role_name": "Viewer", "reach": "mars"}, "choose one of those that are there now"),
            ({"role_name": "Viewer", "reach": str(uuid4())}, "choose one of those that are there now"),
            ({"role_name": "Viewer", "reach": "x" * 10_000}, "choose one of those that are there now"),
            ({"role_name": "\x00", "reach": "\x00"}, "not one of the available choices"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_given(self, as_alice, bob, data, said):
        response = as_alice.post(f"/organization/users/{bob.pk}/roles/new/?for=Control+Planes", data)

        assert said in words(response)
        assert not RoleAssignment.objects.exists()

    def test_only_control_planes_that_fit_and_are_there_can_be_chosen(
        self, as_alice, acme, globex, bob, control_plane
    ):
        mesh = factories.control_plane(acme, "mesh", kind="mesh_global")
        theirs = factories.control_plane(globex, "theirs")
        for type_name, there in (("Control Planes", control_plane), ("Mesh Control Planes", mesh)):
            url = f"/organization/users/{bob.pk}/roles/new/?for={type_name}"
            page = as_alice.get(url).text
            assert [each.name for each in (control_plane, mesh, theirs) if str(each.pk) in page] == [there.name]
            as_alice.post(url, {"role_name": "Viewer", "reach": str(theirs.pk)})
        assert not RoleAssignment.objects.exists()

    @pytest.mark.parametrize("type_name", ["Spaceships", "x" * 5_000, "%00"])
    def test_what_it_is_for_is_asked_again_where_there_is_no_such(self, as_alice, bob, type_name):
        assert "What is it for?" in as_alice.get(f"/organization/users/{bob.pk}/roles/new/?for={type_name}").text

    def test_roles_that_come_through_a_team_say_so_and_are_the_teams(self, as_alice, acme, bob):
        team = factories.team(acme)
        factories.join(acme, team.name, user=bob)
        role = factories.role(acme, team=team)
        page = f"/organization/users/{bob.pk}/"

        assert "Through Platform" in as_alice.get(page).text
        assert f"{page}roles/{role.pk}/" not in as_alice.get(page).text
        assert as_alice.get(f"{page}roles/{role.pk}/remove/").status_code == 404
        as_alice.post(f"{page}roles/{role.pk}/remove/")
        assert RoleAssignment.objects.filter(pk=role.pk).exists()

    def test_a_control_plane_that_is_gone_is_still_named(self, as_alice, acme, bob, control_plane, deactivate):
        factories.role(acme, entity_id=control_plane.pk, entity_region="eu", user=bob)
        factories.role(acme, "Viewer", "Portals", entity_id=uuid4(), entity_region="eu", user=bob)
        at = factories.moment("2026-11-20T00:00:00")
        control_plane.state, control_plane.decommissioned_at = "decommissioned", at
        control_plane.decommission_requested_at = control_plane.begins_at = at
        control_plane.save()
        page = words(as_alice.get(f"/organization/users/{bob.pk}/"))

        assert "production, Europe (taken down)" in page
        assert "A single one, " in page

    def test_whoever_takes_the_right_from_themselves_is_led_home(self, acme, bob):
        role = factories.role(acme, "Admin", "Identity", user=bob)

        assert entered(bob, acme).post(f"/organization/users/{bob.pk}/roles/{role.pk}/remove/")["Location"] == "/"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """A role against a deactivation, in both orders (habit 1, P40, P44), and against who and what it is for."""

    def test_a_role_that_meets_a_deactivation_is_not_given(self, as_alice, bob, deactivate):
        url = f"/organization/users/{bob.pk}/roles/new/?for=Identity"
        response = collide(deactivate, lambda: as_alice.post(url, {"role_name": "Admin"}))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert not RoleAssignment.objects.exists()

    def test_a_role_given_just_before_is_lost_with_the_others(self, acme, bob, to_bob, deactivate):
        """P44, P47"""
        [event] = collide(lambda: assign_role(acme.pk, **VIEWER, **to_bob), deactivate)

        assert not RoleAssignment.objects.exists()
        [lost] = EventSubject.objects.get(event=event, part="member", subject_id=bob.pk).had["roles"]
        assert lost["role_name"] == "Viewer"

    def test_a_role_taken_away_just_before_is_none_of_the_deactivations(self, acme, bob, to_bob, deactivate):
        role = factories.role(acme, user=bob)
        [event] = collide(lambda: remove_role(acme.pk, role.pk, **to_bob), deactivate)

        assert EventSubject.objects.get(event=event, part="member", subject_id=bob.pk).had["roles"] == []

    def test_two_at_once_give_it_once(self, acme, to_bob):
        def give():
            return assign_role(acme.pk, **VIEWER, **to_bob)

        came = at_once(give, give)

        assert sorted(is_new for _, is_new in came) == [False, True]
        assert RoleAssignment.objects.count() == 1

    def test_a_team_that_is_being_deleted_is_given_none(self, acme, by_alice):
        team = factories.team(acme)
        refused = collide(
            lambda: delete_team(acme.pk, team.pk, **by_alice),
            lambda: assign_role(acme.pk, **VIEWER, team_id=team.pk, **by_alice),
        )

        assert isinstance(refused, Team.DoesNotExist)
