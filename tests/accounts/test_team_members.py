"""Who is in a team: coming in and going, by act and by page (P2, P4)."""

from uuid import uuid4

import pytest

from accounts.lifecycle import deactivate_organizations
from accounts.models import EventSubject, LifecycleEvent, Team, TeamMembership, User
from accounts.services.teams import (
    TeamError,
    add_to_team,
    delete_team,
    remove_from_team,
)
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, Via
from tests import factories
from tests.customers import entered, words
from tests.races import collide

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


def people_in(team) -> set[User]:
    return set(User.objects.filter(team_memberships__team=team))


def told(act) -> LifecycleEvent:
    return LifecycleEvent.objects.get(act=act)


class TestComingAndGoing:
    def test_a_member_comes_in_once_and_goes_once(self, acme, team, bob, by_alice):
        comes = [add_to_team(acme.pk, team.pk, user_id=bob.pk, **by_alice) for _ in range(2)]
        assert people_in(team) == {bob}
        goes = [remove_from_team(acme.pk, team.pk, user_id=bob.pk, **by_alice) for _ in range(2)]

        assert (comes, goes, people_in(team)) == ([True, False], [True, False], set())
        for act in (Act.TEAM_JOINED, Act.TEAM_LEFT):
            assert told(act).details == {"team": str(team.pk), "user": str(bob.pk)}
            assert {row.part for row in told(act).subjects.all()} == {"actor", "member", "team"}

    def test_a_system_account_too(self, acme, team, robot, by_alice):
        add_to_team(acme.pk, team.pk, system_account_id=robot.pk, **by_alice)
        assert robot.team_memberships.get().team == team
        remove_from_team(acme.pk, team.pk, system_account_id=robot.pk, **by_alice)

        assert not robot.team_memberships.exists()
        assert EventSubject.objects.filter(part="system", subject_id=robot.pk).count() == 2

    def test_the_owner_stays_in_organization_admin(self, acme, alice, bob, as_alice, by_alice):
        """P2"""
        admins = admins_of(acme)
        add_to_team(acme.pk, admins.pk, user_id=bob.pk, **by_alice)
        with pytest.raises(TeamError) as refused:
            remove_from_team(acme.pk, admins.pk, user_id=alice.pk, **by_alice)
        assert refused.value.field == "user_id"
        page = as_alice.get(f"{TEAMS}{admins.pk}/").text
        assert f"/people/{bob.pk}/remove/" in page
        assert f"/people/{alice.pk}/remove/" not in page
        assert f"/people/{alice.pk}/remove/" not in as_alice.get(f"/organization/users/{alice.pk}/").text
        answer = as_alice.post(f"{TEAMS}{admins.pk}/people/{alice.pk}/remove/", follow=True)

        assert "owns Acme and stays in Organization Admin" in answer.text
        assert people_in(admins) == {alice, bob}

    def test_the_owner_goes_from_other_teams(self, acme, alice, team, by_alice):
        add_to_team(acme.pk, team.pk, user_id=alice.pk, **by_alice)

        assert remove_from_team(acme.pk, team.pk, user_id=alice.pk, **by_alice)

    def test_strangers_closed_accounts_and_what_is_not_there_are_unknown(self, acme, globex, team, charlie, by_alice):
        """P56"""
        closed = factories.member(acme)
        User.objects.filter(pk=closed.pk).update(is_active=False)
        for user_id in (charlie.pk, closed.pk, uuid4()):
            with pytest.raises(User.DoesNotExist):
                add_to_team(acme.pk, team.pk, user_id=user_id, **by_alice)
        with pytest.raises(Team.DoesNotExist):
            add_to_team(globex.pk, team.pk, user_id=charlie.pk, **by_alice)

        assert not team.team_memberships.exists()


class TestComingAndGoingInPages:
    def test_people_are_found_by_name_and_address_and_added_one_after_the_other(self, as_alice, acme, team, bob):
        carol = factories.member(acme, factories.UserFactory(full_name="Carol Kern", email="ck@acme.example"))
        url = f"{TEAMS}{team.pk}/add/"
        for search, found in {"kern": "Carol Kern", "BOB@": "Bob Member"}.items():
            page = as_alice.get(url, {"q": search}).text
            assert [name for name in ("Carol Kern", "Bob Member") if f"<b>{name}" in page] == [found]
        for person in (bob, carol):
            assert as_alice.post(f"{url}?q=x", {"user_id": str(person.pk)})["Location"] == f"{url}?q=x"

        assert people_in(team) == {bob, carol}
        page = as_alice.get(url).text
        assert "Bob Member was added to Platform." in page
        assert "<b>Bob Member" not in page

    def test_a_system_account_is_added_there_too(self, as_alice, team, robot):
        url = f"{TEAMS}{team.pk}/add/"
        assert "<b>robot" in as_alice.get(url).text
        as_alice.post(url, {"system_account_id": str(robot.pk)})

        assert robot.team_memberships.get().team == team

    def test_strangers_are_neither_offered_nor_added(self, as_alice, globex, team, charlie):
        url = f"{TEAMS}{team.pk}/add/"
        theirs = factories.system_account(globex, "theirs")
        page = as_alice.get(url).text
        for data in ({"user_id": charlie.pk}, {"system_account_id": theirs.pk}, {"user_id": uuid4()}):
            assert as_alice.post(url, data).status_code == 404

        assert "theirs" not in page
        assert "Charlie" not in page
        assert not team.team_memberships.exists()

    @pytest.mark.parametrize("data", [{}, {"user_id": ""}, {"user_id": "x"}, {"user_id": "\x00"}])
    def test_what_names_nobody_is_said(self, as_alice, team, data):
        response = as_alice.post(f"{TEAMS}{team.pk}/add/", data)

        assert response.status_code == 200
        assert "This needs your attention" in response.text

    def test_from_a_persons_page_into_a_team_and_out_again(self, as_alice, acme, team, bob):
        page = f"/organization/users/{bob.pk}/"
        assert "<b>Platform" in as_alice.get(f"{page}teams/join/").text
        assert as_alice.post(f"{page}teams/join/", {"team_id": str(team.pk)})["Location"] == page
        leave = next(held.leave_url for held in as_alice.get(page).context["teams"].rows if held.team == team)
        assert "Other teams and roles stay" in words(as_alice.get(leave))
        assert people_in(team) == {bob}
        assert as_alice.post(leave)["Location"] == page
        again = as_alice.post(leave, follow=True)

        assert people_in(team) == set()
        assert "was not in Platform any more" in again.text

    def test_another_organizations_team_cannot_be_joined(self, as_alice, globex, bob):
        theirs = factories.team(globex)

        assert as_alice.post(f"/organization/users/{bob.pk}/teams/join/", {"team_id": theirs.pk}).status_code == 404

    def test_whoever_leaves_the_admins_is_told_and_led_home(self, acme, bob):
        factories.join(acme, ORGANIZATION_ADMIN, user=bob)
        url = f"{TEAMS}{admins_of(acme).pk}/people/{bob.pk}/remove/"
        client = entered(bob, acme)
        assert "This is you" in client.get(url).text

        assert client.post(url)["Location"] == "/"
        assert client.get(TEAMS).status_code == 403

    def test_the_way_back_leads_nowhere_else(self, as_alice, acme, team, bob):
        factories.join(acme, team.name, user=bob)
        url = f"{TEAMS}{team.pk}/people/{bob.pk}/remove/?next=https://evil.example/"

        assert "evil" not in as_alice.get(url).text.replace(url, "")
        assert as_alice.post(url)["Location"] == f"{TEAMS}{team.pk}/"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Each addition against a deactivation, in both orders (habit 1, P40, P44)."""

    def test_nobody_comes_into_a_team_that_meets_a_deactivation(self, as_alice, acme, team, bob, deactivate):
        response = collide(deactivate, lambda: as_alice.post(f"{TEAMS}{team.pk}/add/", {"user_id": str(bob.pk)}))

        assert response.status_code == 403
        assert not TeamMembership.objects.exists()

    def test_whoever_came_in_just_before_is_let_go_with_the_others(self, acme, team, bob, by_alice, deactivate):
        """P44, P47"""
        [event] = collide(lambda: add_to_team(acme.pk, team.pk, user_id=bob.pk, **by_alice), deactivate)

        assert not TeamMembership.objects.exists()
        had = EventSubject.objects.get(event=event, part="member", subject_id=bob.pk).had
        assert str(team.pk) in had["teams"]

    def test_nobody_comes_into_a_team_while_it_is_deleted(self, acme, team, bob, by_alice):
        refused = collide(
            lambda: delete_team(acme.pk, team.pk, **by_alice),
            lambda: add_to_team(acme.pk, team.pk, user_id=bob.pk, **by_alice),
        )

        assert isinstance(refused, Team.DoesNotExist)

    def test_whoever_closes_their_account_meanwhile_comes_into_no_team(self, acme, team, bob, by_alice):
        """P56"""

        def close():
            User.objects.hold(bob.pk)
            User.objects.filter(pk=bob.pk).update(is_active=False)

        refused = collide(close, lambda: add_to_team(acme.pk, team.pk, user_id=bob.pk, **by_alice))

        assert isinstance(refused, User.DoesNotExist)
        assert not team.team_memberships.exists()
