"""The pages of people and invitations, and leaving at My Account (P2, P5, P7, P40)."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.lifecycle import deactivate_organizations
from accounts.models import Invitation, Membership, Team, User
from accounts.services.invitations import invite_people
from accounts.services.tokens import create_token
from accounts.words import Reason, Via
from tests import factories
from tests.customers import entered, signed_in, words
from tests.races import collide

pytestmark = pytest.mark.django_db

PEOPLE = "/organization/users/"
INVITE = f"{PEOPLE}invite/"
INVITATIONS = f"{PEOPLE}invitations/"


@pytest.fixture(autouse=True)
def _no_tries_yet(db):
    cache.clear()


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def form(emails, **changes) -> dict:
    return {"id": str(uuid4()), "emails": emails, **changes}


def remove_url(person) -> str:
    return f"{PEOPLE}{person.pk}/remove/"


def leave_url(organization) -> str:
    return f"/account/leave/{organization.pk}/"


def queries(client, path) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.text).split())


class TestList:
    def test_who_is_in_with_teams_and_last_login_here(self, as_alice, acme, globex, bob):
        """P5: a login elsewhere is none here."""
        factories.member(globex, bob, "Portal Admin", last_login_at=timezone.now())
        page = text_of(as_alice.get(PEOPLE))

        assert "Bob Member bob@acme.example Analytics Viewer Never" in page
        assert "Alice Owner Owner You alice@acme.example Organization Admin" in page
        assert "Charlie" not in page

    def test_somebody_is_found_by_name_or_address(self, as_alice, acme):
        for _ in range(30):
            factories.member(acme)

        assert "Bob Member" not in as_alice.get(f"{PEOPLE}?q=alice@ACME").text
        assert "Bob Member" in as_alice.get(f"{PEOPLE}?q=MEMBER").text
        assert "Nobody here has “xyz”" in as_alice.get(f"{PEOPLE}?q=xyz").text
        for odd in ("%00", "x" * 5000):
            assert as_alice.get(f"{PEOPLE}?q={odd}").status_code == 200

    def test_a_long_list_is_shown_page_by_page_and_costs_the_same(self, as_alice, acme):
        few = queries(as_alice, PEOPLE)
        for _ in range(40):
            factories.member(acme, factories.UserFactory(full_name="Zoe"), "Portal Admin", "Analytics Viewer")
        assert queries(as_alice, PEOPLE) == few
        first = as_alice.get(PEOPLE).context["page"]
        second = as_alice.get(f"{PEOPLE}?after={first.after}").context["page"]

        assert (len(first.rows), len(second.rows), second.after) == (25, 17, None)
        assert not {person.pk for person in first.rows} & {person.pk for person in second.rows}

    def test_who_may_only_read_sees_no_acts(self, acme, bob):
        """P4"""
        factories.invitation(acme)
        reader = entered(factories.member(acme, None, "Organization Admin (Read Only)"), acme)

        assert "Remove" not in text_of(reader.get(PEOPLE))
        assert INVITE not in reader.get(PEOPLE).text
        assert "Send again" not in reader.get(INVITATIONS).text
        for path in (INVITE, remove_url(bob)):
            assert reader.post(path, form("x@y.example")).status_code == 403
        assert Invitation.objects.count() == 1


class TestRemoving:
    def test_the_page_says_what_ends_and_the_button_ends_it(self, as_alice, acme, bob):
        factories.role(acme, user=bob)
        create_token(acme.pk, name="t", expires_at=timezone.now() + timedelta(days=9), user=bob)
        as_bob = entered(bob, acme)
        page = text_of(as_alice.get(remove_url(bob)))
        assert "Their teams end: Analytics Viewer." in page
        assert "Their 1 role ends." in page
        assert "Their 1 access token for Acme is refused." in page
        after = as_alice.post(remove_url(bob), follow=True)

        assert "Bob Member was removed from Acme." in after.text
        assert not Membership.objects.filter(organization=acme, user=bob).exists()
        assert as_bob.get("/")["Location"].startswith("/organizations/")
        assert as_alice.post(remove_url(bob)).status_code == 404

    def test_the_owner_has_no_button_and_stays(self, acme, alice):
        """P2"""
        admin = entered(factories.member(acme, None, "Organization Admin"), acme)
        assert "Remove Alice Owner</button>" not in admin.get(remove_url(alice)).text
        assert "Hand ownership over first" in admin.post(remove_url(alice), follow=True).text

        assert Membership.objects.filter(organization=acme, user=alice).exists()

    def test_strangers_are_404(self, as_alice, charlie, globex):
        assert as_alice.post(remove_url(charlie)).status_code == 404

    def test_who_removes_themselves_has_left(self, acme, alice):
        admin = factories.member(acme, None, "Organization Admin")
        client = entered(admin, acme)

        assert client.post(remove_url(admin), follow=True).redirect_chain[-1][0].startswith("/organizations/")


class TestInviting:
    def test_addresses_stand_one_by_one_or_in_a_row(self, as_alice, acme):
        team = Team.objects.get(organization=acme, name="Portal Admin")
        typed = "one@b.example, two@b.example;three@b.example\r\n\r\n four@b.example ,"
        page = as_alice.post(INVITE, form(typed, teams=[str(team.pk)]), follow=True)

        assert "We write to 4 people." in page.text
        assert Invitation.objects.count() == page.text.count("on its way") == 4
        assert Invitation.objects.first().team_ids == [team.pk]

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("", "enter at least one e-mail address"),
            (" ,; ", "enter at least one e-mail address"),
            ("good@b.example junk", "junk is no e-mail address."),
            ("good@b.example, BOB@acme.example", "bob@acme.example is a member already."),
            ("good@b.example bob@acme.example junk", "junk is no e-mail address.</p><p>bob@acme.example is a member"),
            ("a\x00@b.example", "Null characters"),
            ("x" * 10_000, "xxx… is no e-mail address."),
            ("\n".join(f"p{n}@b.example" for n in range(500)), "500 addresses. At most 50"),
        ],
    )
    def test_what_is_wrong_is_said_and_nobody_is_invited(self, as_alice, typed, said):
        page = as_alice.post(INVITE, form(typed))

        assert page.status_code == 200
        assert said in words(page)
        assert "good@b.example" not in typed or "good@b.example" in page.text
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize("team", ["of globex", "", "junk"])
    def test_a_team_that_is_none_of_ours_is_refused(self, as_alice, globex, team):
        if team == "of globex":
            team = str(Team.objects.filter(organization=globex).first().pk)
        page = as_alice.post(INVITE, form("x@b.example", teams=[team]))

        assert "A team that you chose is there no more." in page.text
        assert not Invitation.objects.exists()

    def test_sent_twice_it_invites_once(self, as_alice):
        data = form("x@b.example")
        for _ in range(2):
            as_alice.post(INVITE, data)

        assert Invitation.objects.count() == Email.objects.count() == 1

    def test_very_often_is_too_often_and_what_was_typed_stays(self, as_alice, settings):
        settings.ACCOUNT_RATE_LIMITS = {"invite": "1/m/key"}
        as_alice.post(INVITE, form("x@b.example"))
        page = as_alice.post(INVITE, form("y@b.example"))
        assert "very often" in page.text
        assert "y@b.example</textarea>" in page.text
        again = as_alice.post(f"{INVITATIONS}{Invitation.objects.get().pk}/resend/", follow=True)

        assert "very often" in again.text
        assert Email.objects.count() == 1


class TestWaiting:
    def test_each_with_who_invited_when_until_when_and_what_became_of_the_mail(self, as_alice, acme, alice):
        for name in ("sent", "failed", "way"):
            invite_people(acme.pk, [f"{name}@b.example"], actor=alice, via=Via.PAGES)
        factories.invitation(acme, "imported@b.example", expires_at=timezone.now())
        factories.invitation(acme, "ended@b.example", revoked_at=timezone.now())
        Email.objects.filter(to="sent@b.example").update(status=STATUS.sent)
        Email.objects.filter(to="failed@b.example").update(status=STATUS.failed)
        page = text_of(as_alice.get(INVITATIONS))

        assert "Expired Send again to imported@b.example" in page
        assert "way@b.example Mail on its way" in page
        assert "failed@b.example Mail not delivered" in page
        assert "sent@b.example Mail sent" in page
        assert "by Alice Owner" in page
        assert "imported@b.example Mail" not in page
        assert "ended@" not in page
        assert "4 invitations wait for an answer" in text_of(as_alice.get(PEOPLE))

    def test_one_is_sent_again_and_one_is_revoked(self, as_alice, acme):
        one, two = factories.invitation(acme, "one@b.example"), factories.invitation(acme, "two@b.example")
        said = as_alice.post(f"{INVITATIONS}{one.pk}/resend/", follow=True)
        assert "We write to one@b.example once more." in said.text
        said = as_alice.post(f"{INVITATIONS}{two.pk}/revoke/", follow=True)
        assert "The invitation of two@b.example was revoked." in said.text

        assert [row.email for row in Invitation.objects.waiting()] == ["one@b.example"]
        for act in ("resend", "revoke"):
            assert "before. Nothing was changed" in as_alice.post(f"{INVITATIONS}{two.pk}/{act}/", follow=True).text

    def test_a_link_to_an_act_changes_nothing(self, as_alice, acme):
        one = factories.invitation(acme)
        for act in ("resend", "revoke"):
            assert as_alice.get(f"{INVITATIONS}{one.pk}/{act}/")["Location"] == INVITATIONS

        assert Invitation.objects.waiting().get().digest == one.digest
        assert not Email.objects.exists()

    def test_another_organizations_is_404(self, as_alice, globex):
        one = factories.invitation(globex)
        for act in ("resend", "revoke"):
            assert as_alice.post(f"{INVITATIONS}{one.pk}/{act}/").status_code == 404

    def test_nobody_waits_and_a_long_list_costs_the_same(self, as_alice, acme, alice):
        assert "Nobody is being waited for" in as_alice.get(INVITATIONS).text
        invite_people(acme.pk, ["one@b.example"], actor=alice, via=Via.PAGES)
        few = queries(as_alice, INVITATIONS)
        invite_people(acme.pk, [f"p{n}@b.example" for n in range(50)], actor=alice, via=Via.PAGES)

        assert queries(as_alice, INVITATIONS) == few
        assert len(as_alice.get(INVITATIONS).context["rows"]) == 25


class TestJoining:
    def test_looking_joins_nobody_and_the_button_joins(self, acme, globex, charlie):
        """P7: mail programs follow links themselves."""
        path = f"/join/{factories.invitation(acme, charlie.email).secret}/"
        client = signed_in(charlie)
        page = client.get(path)
        assert "Join Acme?" in page.text
        assert "no-store" in page["Cache-Control"]
        assert not acme.memberships.filter(user=charlie).exists()
        home = client.post(path, follow=True)

        assert "You belong to Acme now." in home.text
        assert acme.memberships.get(user=charlie).last_login_at
        assert client.post(path).status_code == 410

    def test_a_newcomer_makes_an_account_and_is_in(self, client, acme):
        path = f"/join/{factories.invitation(acme).secret}/"
        assert "new@initech.example was invited" in client.get(path).text
        weak = client.post(path, {"full_name": "Nina New", "password": "short"})
        assert "Nina New" in weak.text
        assert not User.objects.filter(email="new@initech.example").exists()
        home = client.post(path, {"full_name": "Nina New", "password": factories.PASSWORD}, follow=True)

        assert "You belong to Acme now." in home.text
        assert acme.memberships.get(user__full_name="Nina New").last_login_at

    def test_who_has_an_account_signs_in_and_comes_back(self, client, acme, charlie, globex):
        """P7: the address joins with its account, whatever is typed."""
        path = f"/join/{factories.invitation(acme, charlie.email).secret}/"
        for page in (client.get(path), client.post(path, {"full_name": "X", "password": factories.PASSWORD})):
            assert f'href="/login/?next={path}"' in page.text

        assert User.objects.get(email=charlie.email).full_name == "Charlie Stranger"

    def test_who_is_signed_in_as_somebody_else_can_switch(self, acme, globex, alice):
        """P7: to one address"""
        path = f"/join/{factories.invitation(globex, 'bob@acme.example').secret}/"
        client = signed_in(alice)
        page = client.post(path)
        assert "You are signed in as alice@acme.example." in page.text
        assert client.post("/logout/", {"next": path})["Location"] == path

        assert Invitation.objects.waiting().exists()

    def test_a_locked_address_gets_no_account(self, client, acme, globex):
        """P45"""
        path = f"/join/{factories.invitation(acme).secret}/"
        factories.email_lock(globex, "new@initech.example")
        for page in (client.get(path), client.post(path, {"full_name": "N", "password": factories.PASSWORD})):
            assert page.status_code == 403
            assert "Until support unlocks it" in words(page)

        assert not User.objects.filter(email="new@initech.example").exists()

    def test_staff_are_told_that_they_join_nothing(self, client, acme, lead):
        """P70"""
        page = client.get(f"/join/{factories.invitation(acme, lead.email).secret}/")

        assert page.status_code == 403
        assert "Staff belong to no organization" in words(page)

    def test_what_has_ended_says_so_calmly(self, client, acme, charlie, deactivate):
        """P40: as for one that never was."""
        now = timezone.now()
        ended = [{"revoked_at": now}, {"accepted_at": now}, {"expires_at": now}, {}]
        paths = [
            f"/join/{factories.invitation(acme, f'p{n}@b.example', **how).secret}/" for n, how in enumerate(ended)
        ]
        deactivate()
        paths.append(f"/join/{factories.invitation(acme, 'left-over@b.example').secret}/")
        answers = [client.get(path) for path in [*paths, "/join/never-was/"]]

        assert {answer.status_code for answer in answers} == {410}
        assert len({answer.text for answer in answers}) == 1
        assert "Your organizations" in signed_in(charlie).get(paths[0]).text


class TestLeaving:
    def test_my_account_lists_organizations_and_the_way_out(self, acme, globex, alice):
        page = signed_in(alice).get("/account/organizations/")

        assert "Acme Yours" in text_of(page)
        assert leave_url(globex) in page.text
        assert leave_url(acme) not in page.text

    def test_it_asks_first_and_then_it_is_left(self, acme, globex, alice):
        create_token(globex.pk, name="t", expires_at=timezone.now() + timedelta(days=9), user=alice)
        client = entered(alice, globex)
        assert "Your 1 access token for it is refused." in text_of(client.get(leave_url(globex)))
        assert "You left Globex." in client.post(leave_url(globex), follow=True).text

        assert list(alice.memberships.values_list("organization", flat=True)) == [acme.pk]
        assert client.get("/")["Location"].startswith("/organizations/")
        assert client.post(leave_url(globex)).status_code == 404

    def test_the_owner_stays(self, acme, alice):
        """P2"""
        client = signed_in(alice)
        assert "Hand ownership over first" in client.get(leave_url(acme)).text
        assert "Hand ownership over first" in client.post(leave_url(acme), follow=True).text

        assert acme.memberships.filter(user=alice).exists()

    def test_a_deactivated_one_is_refused_with_the_reason_and_a_strangers_is_404(self, acme, bob, globex, deactivate):
        """P40, P50: its members are still there when it comes back."""
        deactivate()
        client = signed_in(bob)
        refused = client.post(leave_url(acme))

        assert refused.status_code == 403
        assert "did not agree with our terms of service" in words(refused)
        assert client.post(leave_url(globex)).status_code == client.post(leave_url(bob)).status_code == 404
        assert acme.memberships.filter(user=bob).exists()
        assert "Acme Deactivated" in text_of(client.get("/account/organizations/"))

    def test_many_organizations_cost_the_same(self, acme, globex, alice):
        client = entered(alice, acme)
        client.get("/account/")
        few = queries(client, "/account/organizations/")
        for n in range(30):
            factories.member(factories.organization(f"Org {n}"), alice)

        assert queries(client, "/account/organizations/") == few


class TestDeactivated:
    def test_half_finished_forms_are_refused_with_the_reason(self, as_alice, acme, bob, deactivate):
        """P40"""
        one = factories.invitation(acme)
        deactivate()
        posts = [INVITE, remove_url(bob), f"{INVITATIONS}{one.pk}/resend/", f"{INVITATIONS}{one.pk}/revoke/"]
        for path in posts:
            response = as_alice.post(path, form("x@b.example"))
            assert response.status_code == 403
            assert "did not agree with our terms of service" in words(response)

        assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_form_that_meets_a_deactivation_is_refused_with_the_reason(self, as_alice, deactivate):
        response = collide(deactivate, lambda: as_alice.post(INVITE, form("x@b.example")))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text

    def test_who_leaves_while_it_is_deactivated_is_told_the_reason(self, acme, globex, bob, deactivate):
        factories.member(globex, bob)
        client = entered(bob, globex)
        response = collide(deactivate, lambda: client.post(leave_url(acme)))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert acme.memberships.filter(user=bob).exists()

    def test_who_joins_while_it_is_deactivated_reads_that_the_invitation_has_ended(self, acme, charlie, deactivate):
        path = f"/join/{factories.invitation(acme, charlie.email).secret}/"
        client = signed_in(charlie)

        assert collide(deactivate, lambda: client.post(path)).status_code == 410


def test_signed_out_a_post_leads_to_sign_in(acme, bob):
    for path in (INVITE, remove_url(bob), leave_url(acme)):
        assert Client().post(path, form("x@b.example"))["Location"].startswith("/login/?next=")
    assert not Invitation.objects.exists()
