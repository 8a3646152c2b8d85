"""The pages of personal tokens, and of system accounts with theirs (P4, P5, P40)."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import open_by_token
from accounts.lifecycle import deactivate_organizations
from accounts.models import AccessToken, LifecycleEvent, Session, SystemAccount
from accounts.services.system_accounts import create_system_account, delete_system_account
from accounts.services.tokens import create_token, revoke_token
from accounts.words import Act, Reason, Via
from konnect_portal.foundation.problems import Problem
from tests import factories
from tests.customers import entered, words
from tests.races import collide

pytestmark = pytest.mark.django_db

NEW = "/account/tokens/new/"


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def as_bob(bob, acme):
    return entered(bob, acme)


@pytest.fixture
def robot(acme):
    return factories.system_account(acme)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


def form(**changes) -> dict:
    return {"id": str(uuid4()), "name": "laptop", "days": "30", **changes}


def secret_in(response) -> str:
    return re.search(r"[ks]pat_\w{50}", response.text).group()


def token_of(user, organization, name="laptop", days=30) -> AccessToken:
    expires_at = timezone.now() + timedelta(days=days)
    return create_token(organization.pk, name=name, expires_at=expires_at, user=user)[0]


def token_of_robot(robot) -> AccessToken:
    expires_at = timezone.now() + timedelta(days=30)
    return create_token(robot.organization_id, name="ci", expires_at=expires_at, system_account=robot)[0]


class TestPersonal:
    def test_a_token_is_shown_once_and_opens_the_door(self, as_bob, acme, bob):
        """P5"""
        secret = secret_in(as_bob.post(NEW, form()))

        access = open_by_token(secret)
        assert (access.user, access.organization) == (bob, acme)
        assert secret not in as_bob.get("/account/tokens/").text

    def test_its_secret_is_in_no_session_and_no_cache(self, as_bob):
        response = as_bob.post(NEW, form())

        assert "no-store" in response["Cache-Control"]
        assert all(secret_in(response) not in str(session.get_decoded()) for session in Session.objects.all())

    def test_it_lives_as_long_as_asked(self, as_bob):
        as_bob.post(NEW, form(days="365"))
        token = AccessToken.objects.get()

        assert token.expires_at - token.created_at == pytest.approx(timedelta(days=365), abs=timedelta(seconds=5))

    def test_sent_twice_it_makes_one_and_shows_no_secret_again(self, as_bob):
        data = form()
        as_bob.post(NEW, data)
        again = as_bob.post(NEW, data)

        assert AccessToken.objects.count() == 1
        assert "was sent before" in again.text
        assert "kpat_" not in again.text

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "give the token a name"),
            ({"name": "x" * 257}, "256"),
            ({"name": "<script>"}, "letters, digits"),
            ({"name": "a\x00b"}, "Null characters"),
            ({"days": ""}, "choose from 1 to 365 days"),
            ({"days": "0"}, "choose from 1 to 365 days"),
            ({"days": "366"}, "choose from 1 to 365 days"),
            ({"days": "9" * 5000}, "365"),
            ({"days": "a month"}, "whole number"),
            ({"days": "1.5"}, "whole number"),
            ({"id": "x"}, "valid UUID"),
            ({"id": ""}, "required"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_made(self, as_bob, changes, said):
        response = as_bob.post(NEW, form(**changes))

        assert response.status_code == 200
        assert said in response.text
        assert not AccessToken.objects.exists()

    def test_an_empty_post_is_no_error(self, as_bob):
        assert as_bob.post(NEW, {}).status_code == 200

    def test_the_eleventh_is_refused_with_the_reason(self, as_bob, acme, bob):
        for n in range(10):
            token_of(bob, acme, f"t{n}")

        assert "10 tokens already" in as_bob.post(NEW, form()).text
        assert NEW not in as_bob.get("/account/tokens/").text

    def test_only_ones_own_of_this_organization_are_listed(self, as_alice, alice, bob, acme, globex):
        token_of(alice, acme, "mine")
        token_of(alice, globex, "of-globex")
        token_of(bob, acme, "of-bob")
        page = as_alice.get("/account/tokens/")

        assert "mine" in page.text
        assert "of-globex" not in page.text
        assert "of-bob" not in page.text
        assert "2 of 10" in words(page)

    def test_it_is_told_when_a_token_was_used_last(self, as_bob, bob, acme):
        token_of(bob, acme)
        page = as_bob.get("/account/tokens/").text
        assert "Never" in page
        AccessToken.objects.update(last_used_at=factories.moment("2026-11-20T03:04:05"))

        assert "20 Nov 2026, 03:04 UTC" in as_bob.get("/account/tokens/").text

    def test_as_many_queries_for_60_tokens_as_for_one(self, as_bob, bob, acme):
        token = token_of(bob, acme)
        as_bob.get("/account/tokens/")
        with CaptureQueriesContext(connection) as few:
            as_bob.get("/account/tokens/")
        ended = {"created_at": token.created_at - timedelta(days=9), "expires_at": timezone.now()}
        AccessToken.objects.bulk_create(
            AccessToken(organization=acme, user=bob, name=f"t{n}", digest=bytes([n]), **ended) for n in range(59)
        )
        with CaptureQueriesContext(connection) as many:
            page = as_bob.get("/account/tokens/").context["page"]

        assert (len(page.rows), bool(page.after)) == (25, True)
        assert len(many) == len(few)


class TestRevoking:
    def test_it_asks_first_and_then_the_token_is_refused(self, as_bob, bob, acme):
        secret = secret_in(as_bob.post(NEW, form()))
        token = AccessToken.objects.get()
        url = f"/account/tokens/{token.pk}/revoke/"
        assert "Revoke laptop" in as_bob.get(url).text
        assert open_by_token(secret)
        response = as_bob.post(url)

        with pytest.raises(Problem) as refused:
            open_by_token(secret)
        assert refused.value.status == 401
        token.refresh_from_db()
        assert (response["Location"], token.revoked_by_id) == ("/account/tokens/", bob.pk)

    def test_sent_twice_it_is_told_and_the_moment_stays(self, as_bob, bob, acme):
        token = token_of(bob, acme)
        url = f"/account/tokens/{token.pk}/revoke/"
        as_bob.post(url)
        token.refresh_from_db()
        first = token.revoked_at
        page = as_bob.post(url, follow=True)
        token.refresh_from_db()

        assert "had been revoked or had expired before" in page.text
        assert token.revoked_at == first

    def test_somebody_elses_and_another_organizations_are_404(self, as_alice, alice, bob, acme, globex, robot):
        others = [
            token_of(bob, acme),
            token_of(alice, globex),
            create_token(acme.pk, name="spat", expires_at=timezone.now() + timedelta(days=9), system_account=robot)[0],
        ]
        for pk in [*(token.pk for token in others), uuid4()]:
            assert as_alice.post(f"/account/tokens/{pk}/revoke/").status_code == 404
        assert not AccessToken.objects.filter(revoked_at__isnull=False).exists()


class TestSystemAccounts:
    def test_an_admin_makes_an_account_and_a_token_for_it(self, as_alice, acme):
        response = as_alice.post(
            "/organization/tokens/new/", {"id": str(uuid4()), "name": "deployer", "description": "Deploys"}
        )
        account = SystemAccount.objects.get()
        assert (account.name, account.organization, response["Location"]) == (
            "deployer",
            acme,
            f"/organization/tokens/{account.pk}/",
        )
        secret = secret_in(as_alice.post(f"/organization/tokens/{account.pk}/new/", form()))

        assert secret.startswith("spat_")
        assert open_by_token(secret).system_account == account
        assert "deployer" in as_alice.get("/organization/tokens/").text
        assert secret not in as_alice.get(f"/organization/tokens/{account.pk}/").text

    def test_an_account_sent_twice_is_made_once(self, as_alice):
        data = {"id": str(uuid4()), "name": "deployer", "description": "Deploys"}
        answers = [as_alice.post("/organization/tokens/new/", data) for _ in range(2)]

        assert SystemAccount.objects.count() == 1
        assert answers[0]["Location"] == answers[1]["Location"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "give the system account a name"),
            ({"name": "x" * 251}, "250"),
            ({"name": "a\x00"}, "Null characters"),
            ({"name": "robot"}, "by this name already"),
            ({"description": ""}, "say what it does"),
            ({"description": "x" * 251}, "250"),
            ({"id": "1"}, "valid UUID"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_made(self, as_alice, robot, changes, said):
        data = {"id": str(uuid4()), "name": "deployer", "description": "Deploys", **changes}
        response = as_alice.post("/organization/tokens/new/", data)

        assert said in response.text
        assert SystemAccount.objects.count() == 1

    def test_another_organizations_is_404_and_its_id_makes_nothing(self, as_alice, globex):
        other = factories.system_account(globex)
        for path in (f"/organization/tokens/{other.pk}/", f"/organization/tokens/{other.pk}/new/"):
            assert as_alice.get(path).status_code == 404
        assert as_alice.post(f"/organization/tokens/{other.pk}/new/", form()).status_code == 404
        as_alice.post("/organization/tokens/new/", {"id": str(other.pk), "name": "x", "description": "y"})

        other.refresh_from_db()
        assert (other.organization_id, SystemAccount.objects.count()) == (globex.pk, 1)

    def test_a_token_of_it_is_revoked_by_any_admin_and_by_its_own_path_only(self, as_alice, robot, acme):
        secret = secret_in(as_alice.post(f"/organization/tokens/{robot.pk}/new/", form()))
        token = AccessToken.objects.get()
        second = factories.system_account(acme, "second")
        assert as_alice.post(f"/organization/tokens/{second.pk}/{token.pk}/revoke/").status_code == 404
        as_alice.post(f"/organization/tokens/{robot.pk}/{token.pk}/revoke/")

        with pytest.raises(Problem):
            open_by_token(secret)

    def test_admins_who_read_only_see_them_and_change_nothing(self, acme, robot):
        """P4"""
        reader = factories.member(acme, None, "Organization Admin (Read Only)")
        client = entered(reader, acme)
        page = client.get("/organization/tokens/").text

        assert "robot" in page
        assert "/organization/tokens/new/" not in page
        assert f"{robot.pk}/new/" not in client.get(f"/organization/tokens/{robot.pk}/").text
        assert client.post(f"/organization/tokens/{robot.pk}/new/", form()).status_code == 403
        assert not AccessToken.objects.exists()

    def test_members_do_not_see_them(self, as_bob, robot):
        assert as_bob.get("/organization/tokens/").status_code == 403
        assert as_bob.get(f"/organization/tokens/{robot.pk}/").status_code == 403

    def test_as_many_queries_for_30_accounts_with_tokens_as_for_one(self, as_alice, acme, robot):
        def count(path):
            with CaptureQueriesContext(connection) as captured:
                assert as_alice.get(path).status_code == 200
            return len(captured)

        paths = ["/organization/tokens/", f"/organization/tokens/{robot.pk}/"]
        expires_at = timezone.now() + timedelta(days=30)
        create_token(acme.pk, name="t", expires_at=expires_at, system_account=robot)
        few = [count(path) for path in paths]
        for n in range(30):
            create_token(acme.pk, name=f"t{n}", expires_at=expires_at, system_account=robot)
            factories.system_account(acme, f"robot-{n}")
            factories.member(acme, None, "Organization Admin")

        assert [count(path) for path in paths] == few
        rows = dict(as_alice.get(paths[0]).context["rows"])
        assert rows[robot] == 31


class TestSystemAccountsChanged:
    def test_an_admin_gives_another_name_and_description(self, as_alice, acme, robot):
        page = f"/organization/tokens/{robot.pk}/"
        assert f"{page}edit/" in as_alice.get(page).text
        assert 'value="robot"' in as_alice.get(f"{page}edit/").text
        response = as_alice.post(f"{page}edit/", {"name": "deployer", "description": "Deploys"})
        robot.refresh_from_db()

        assert (robot.name, robot.description, response["Location"]) == ("deployer", "Deploys", page)
        assert LifecycleEvent.objects.get().act == Act.SYSTEM_ACCOUNT_CHANGED

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "give the system account a name"),
            ({"name": "x" * 251}, "250"),
            ({"name": "second"}, "by this name already"),
            ({"description": "a\x00"}, "Null characters"),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(self, as_alice, acme, robot, changes, said):
        factories.system_account(acme, "second")
        data = {"name": "deployer", "description": "Deploys", **changes}
        response = as_alice.post(f"/organization/tokens/{robot.pk}/edit/", data)
        robot.refresh_from_db()

        assert said in response.text
        assert robot.name == "robot"

    def test_deleting_asks_first_and_ends_its_tokens(self, as_alice, acme, robot):
        factories.join(acme, "Organization Admin", system_account=robot)
        factories.role(acme, system_account=robot)
        page = f"/organization/tokens/{robot.pk}/"
        secret = secret_in(as_alice.post(f"{page}new/", form()))
        assert "It has 1 valid token." in words(as_alice.get(f"{page}delete/"))
        assert open_by_token(secret)
        response = as_alice.post(f"{page}delete/", follow=True)

        with pytest.raises(Problem) as refused:
            open_by_token(secret)
        assert refused.value.status == 401
        assert "robot was deleted" in response.text
        assert not SystemAccount.objects.exists()
        counts = {"tokens": 1, "team_memberships": 1, "role_assignments": 1}
        assert LifecycleEvent.objects.get(act=Act.SYSTEM_ACCOUNT_DELETED).details["counts"] == counts
        assert as_alice.post(f"{page}delete/").status_code == 404

    def test_one_of_a_mesh_zone_goes_with_the_zone_only(self, as_alice, robot):
        SystemAccount.objects.update(konnect_managed=True)
        page = f"/organization/tokens/{robot.pk}/"
        shown = as_alice.get(page).text

        assert "changes and goes with the zone" in shown
        for act in ("edit", "delete"):
            assert f"{page}{act}/" not in shown
            assert as_alice.post(f"{page}{act}/", {"name": "x", "description": "y"}).status_code == 404

    def test_another_organizations_is_404(self, as_alice, globex):
        other = factories.system_account(globex)
        for act in ("edit", "delete", "teams/join", "roles/new"):
            assert as_alice.get(f"/organization/tokens/{other.pk}/{act}/").status_code == 404
            assert as_alice.post(f"/organization/tokens/{other.pk}/{act}/").status_code == 404

        assert SystemAccount.objects.get() == other

    def test_teams_and_roles_take_the_right_to_manage_people(self, acme, robot):
        """P4"""
        reader = entered(factories.member(acme, None, "Organization Admin (Read Only)"), acme)
        shown = reader.get(f"/organization/tokens/{robot.pk}/").text

        assert "teams/join/" not in shown
        assert "roles/new/" not in shown


class TestSignedOut:
    @pytest.mark.parametrize("path", [NEW, "/account/tokens/", "/organization/tokens/new/"])
    def test_a_post_leads_to_sign_in_and_makes_nothing(self, path, acme):
        response = Client().post(path, form())

        assert response.status_code in (302, 405)
        assert response.status_code == 405 or response["Location"].startswith("/login/?next=")
        assert not AccessToken.objects.exists()

    def test_a_form_from_elsewhere_makes_nothing(self, as_bob):
        forger = Client(enforce_csrf_checks=True)
        forger.cookies = as_bob.cookies

        assert forger.post(NEW, form()).status_code == 403
        assert not AccessToken.objects.exists()


class TestDeactivated:
    def test_half_finished_forms_are_refused_with_the_reason(self, as_alice, alice, acme, robot, deactivate, settings):
        """P40"""
        token = token_of(alice, acme)
        deactivate()
        posts = {
            NEW: form(),
            f"/account/tokens/{token.pk}/revoke/": {},
            "/organization/tokens/new/": {"id": str(uuid4()), "name": "late", "description": "late"},
            f"/organization/tokens/{robot.pk}/new/": form(),
        }
        for path, data in posts.items():
            response = as_alice.post(path, data)
            assert response.status_code == 403
            assert "did not agree with our terms of service" in words(response)
            assert settings.SUPPORT_URL in response.text
        assert AccessToken.objects.count() == SystemAccount.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Each addition against a deactivation, in both orders (habit 1, P40)."""

    def test_a_form_that_meets_a_deactivation_is_refused_with_the_reason(self, as_bob, deactivate):
        response = collide(deactivate, lambda: as_bob.post(NEW, form()))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert not AccessToken.objects.exists()

    def test_a_system_account_that_meets_a_deactivation_is_not_made(self, as_alice, deactivate):
        data = {"id": str(uuid4()), "name": "late", "description": "late"}
        response = collide(deactivate, lambda: as_alice.post("/organization/tokens/new/", data))

        assert response.status_code == 403
        assert not SystemAccount.objects.exists()

    def test_a_system_account_made_just_before_stays_with_the_organization(self, acme, alice, deactivate):
        [event] = collide(
            lambda: create_system_account(acme.pk, name="early", description="early", actor=alice, via=Via.PAGES),
            deactivate,
        )

        assert event.organization_id == SystemAccount.objects.get().organization_id

    def test_a_system_account_that_meets_a_deactivation_is_neither_changed_nor_deleted(
        self, as_alice, robot, deactivate
    ):
        data = {"name": "late", "description": "late"}
        response = collide(deactivate, lambda: as_alice.post(f"/organization/tokens/{robot.pk}/edit/", data))
        robot.refresh_from_db()

        assert (response.status_code, robot.name) == (403, "robot")
        assert as_alice.post(f"/organization/tokens/{robot.pk}/delete/").status_code == 403
        assert SystemAccount.objects.get() == robot

    def test_a_system_account_deleted_just_before_is_none_of_the_deactivations(self, acme, alice, robot, deactivate):
        token_of_robot(robot)
        by_alice = {"actor": alice, "via": Via.PAGES}
        [event] = collide(lambda: delete_system_account(acme.pk, robot.pk, **by_alice), deactivate)

        assert event.details["tokens"] == []

    def test_a_revocation_that_meets_a_deactivation_leaves_the_token_to_it(self, as_bob, bob, acme, deactivate):
        """The event counts what it revoked, so nobody else may have."""
        token = token_of(bob, acme)
        response = collide(deactivate, lambda: as_bob.post(f"/account/tokens/{token.pk}/revoke/"))
        token.refresh_from_db()

        assert response.status_code == 403
        assert token.deactivation_event_id is not None
        assert token.revoked_by_id is None

    def test_a_token_revoked_just_before_is_none_of_the_deactivations(self, bob, acme, deactivate):
        token = token_of(bob, acme)
        [event] = collide(lambda: revoke_token(acme.pk, token.pk, actor=bob, via=Via.PAGES), deactivate)
        token.refresh_from_db()

        assert token.deactivation_event_id is None
        assert event.details["tokens"] == []

    def test_one_form_sent_twice_at_once_makes_one_token(self, acme, bob):
        data = {"id": uuid4(), "name": "laptop", "expires_at": timezone.now() + timedelta(days=9), "user": bob}
        refused = collide(lambda: create_token(acme.pk, **data), lambda: create_token(acme.pk, **data))

        assert "was sent before" in str(refused)
        assert AccessToken.objects.count() == 1
