"""The door by token: who is let in, who is told why not, who is told nothing (P5, P40)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.models import AccessToken, Organization
from accounts.services.tokens import create_token
from accounts.words import Reason, State, Via
from billing.models import BillingAccount
from tests import factories

pytestmark = pytest.mark.django_db


def token_of(organization, user=None, **fields) -> str:
    holder = {"user": user} if user else {"system_account": factories.system_account(organization)}
    token, raw = create_token(organization.pk, name="door", expires_at=timezone.now() + timedelta(days=30), **holder)
    AccessToken.objects.filter(pk=token.pk).update(**fields)
    return raw


@pytest.fixture
def ask(client):
    def ask(raw, path="/v3/organizations/me", **headers):
        return client.get(path, headers={"Authorization": f"Bearer {raw}"} | headers)

    return ask


@pytest.fixture
def deactivate(lead):
    def deactivate(organization, reason=Reason.NON_PAYMENT):
        [event] = deactivate_organizations([organization.pk], reason=reason, actor=lead, via=Via.ADMIN, ticket="T-1")
        return event

    return deactivate


def is_unauthenticated(response) -> bool:
    body = response.json()
    return (
        response.status_code == 401
        and response["Content-Type"] == "application/problem+json"
        and body.keys() == {"status", "title", "instance", "detail"}
        and (body["status"], body["title"], body["detail"]) == (401, "Unauthenticated", "A valid token is required")
        and body["instance"].removeprefix("konnect:trace:").isdigit()
    )


class TestLetIn:
    def test_a_personal_token_reads_its_organization(self, ask, acme, alice, settings):
        Organization.objects.update(created_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
        response = ask(token_of(acme, alice))
        acme.refresh_from_db()

        assert response.status_code == 200
        assert response.json() == {
            "id": str(acme.pk),
            "name": "Acme",
            "owner_id": str(alice.pk),
            "login_path": "",
            "state": "active",
            "retention_period_days": 90,
            "created_at": "2026-01-02T03:04:05.678Z",
            "updated_at": acme.updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def test_a_personal_token_reads_its_person(self, ask, acme, bob):
        body = ask(token_of(acme, bob), "/v3/users/me").json()

        assert body.keys() == {"id", "email", "full_name", "preferred_name", "active", "created_at", "updated_at"}
        assert (body["id"], body["email"], body["active"]) == (str(bob.pk), "bob@acme.example", True)

    def test_a_system_account_reads_its_organization_but_is_no_person(self, ask, acme):
        raw = token_of(acme)
        refused = ask(raw, "/v3/users/me")

        assert raw.startswith("spat_")
        assert ask(raw).status_code == 200
        assert (refused.status_code, refused.json()["title"]) == (403, "Permission denied")

    def test_a_token_works_in_the_organization_it_was_made_for_alone(self, ask, acme, globex, alice):
        """P5"""
        assert ask(token_of(acme, alice)).json()["name"] == "Acme"
        assert ask(token_of(globex, alice)).json()["name"] == "Globex"


class TestLetInByNobody:
    def test_without_a_header(self, client):
        assert is_unauthenticated(client.get("/v3/organizations/me"))

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Basic YTpi", "kpat_x", "Bearer kpat_é", "Bearer \x00"]
    )
    def test_without_a_token(self, client, header):
        assert is_unauthenticated(client.get("/v3/organizations/me", headers={"Authorization": header}))

    @pytest.mark.parametrize("raw", ["kpat_" + "a" * 50, "spat_" + "a" * 5000, "kpat_" + "a" * 49, "xpat_" + "a" * 50])
    def test_with_a_made_up_one(self, ask, raw):
        assert is_unauthenticated(ask(raw))

    def test_with_another_prefix_before_a_real_secret(self, ask, acme, alice):
        assert is_unauthenticated(ask(token_of(acme, alice).replace("kpat_", "spat_")))

    def test_with_an_expired_one(self, ask, acme, alice):
        now = timezone.now()

        assert is_unauthenticated(ask(token_of(acme, alice, created_at=now - timedelta(days=2), expires_at=now)))

    def test_with_a_revoked_one(self, ask, acme, alice):
        assert is_unauthenticated(ask(token_of(acme, alice, revoked_at=timezone.now())))

    def test_once_the_person_has_closed_the_account(self, ask, acme, bob):
        raw = token_of(acme, bob)
        bob.is_active = False
        bob.save()

        assert is_unauthenticated(ask(raw))


class TestDeactivated:
    def test_members_and_machines_are_told_the_reason_and_where_support_is(
        self, ask, acme, alice, deactivate, settings
    ):
        """P40"""
        tokens = [token_of(acme, alice), token_of(acme)]
        assert [ask(raw).status_code for raw in tokens] == [200, 200]
        deactivate(acme)

        for raw in tokens:
            response = ask(raw)
            detail = response.json()["detail"]
            assert (response.status_code, response.json()["title"]) == (403, "Permission denied")
            assert "because its invoices were not paid" in detail
            assert settings.SUPPORT_URL in detail

    def test_it_is_refused_at_every_api_host(self, ask, acme, alice, deactivate):
        """P40: in every geo"""
        raw = token_of(acme, alice)
        deactivate(acme)

        for host in ("us.api.localhost", "eu.api.localhost:8000", "global.api.localhost", "api.localhost"):
            assert ask(raw, Host=host).status_code == 403
            assert ask(raw, "/v3/users/me", Host=host).status_code == 403

    def test_tokens_of_other_organizations_work_on(self, ask, acme, globex, alice, deactivate):
        """P40"""
        raw = token_of(globex, alice)
        deactivate(acme)

        assert ask(raw).status_code == 200

    def test_a_token_revoked_earlier_is_told_nothing(self, ask, acme, alice, deactivate):
        raw = token_of(acme, alice, revoked_at=timezone.now() - timedelta(days=1))
        deactivate(acme)

        assert is_unauthenticated(ask(raw))

    def test_a_token_expired_earlier_is_told_nothing(self, ask, acme, alice, deactivate):
        now = timezone.now()
        raw = token_of(acme, alice, created_at=now - timedelta(days=9), expires_at=now - timedelta(days=1))
        deactivate(acme)

        assert is_unauthenticated(ask(raw))

    def test_a_token_that_would_have_expired_since_is_told_the_reason(self, ask, acme, alice, deactivate):
        raw = token_of(acme, alice)
        deactivate(acme)
        now = timezone.now()
        Organization.objects.update(deactivated_at=now - timedelta(days=2))
        AccessToken.objects.update(created_at=now - timedelta(days=9), expires_at=now - timedelta(days=1))

        assert ask(raw).status_code == 403

    def test_after_a_reactivation_it_stays_out_and_is_told_nothing(self, ask, acme, alice, lead, deactivate):
        """P40: never come back"""
        raw = token_of(acme, alice)
        deactivate(acme)
        reactivate_organization(acme.pk, note="asked", actor=lead, via=Via.ADMIN, ticket="T-2", restore_people=True)

        assert is_unauthenticated(ask(raw))

    def test_a_token_of_the_first_deactivation_is_told_nothing_in_the_second(self, ask, acme, alice, lead, deactivate):
        raw = token_of(acme, alice)
        deactivate(acme)
        reactivate_organization(acme.pk, note="asked", actor=lead, via=Via.ADMIN, ticket="T-2")
        deactivate(acme)

        assert is_unauthenticated(ask(raw))

    @pytest.mark.parametrize("state", [State.DELETING, State.DELETED])
    def test_of_a_purged_organization_nothing_is_told(self, ask, acme, alice, deactivate, state):
        """P55"""
        raw = token_of(acme, alice)
        deactivate(acme)
        Organization.objects.update(state=state)

        assert is_unauthenticated(ask(raw))

    def test_whoever_closed_the_account_is_told_nothing(self, ask, acme, bob, deactivate):
        raw = token_of(acme, bob)
        deactivate(acme)
        bob.is_active = False
        bob.save()

        assert is_unauthenticated(ask(raw))


class TestUse:
    def test_the_first_call_is_an_api_request_of_the_organization(self, ask, acme, alice):
        """P61"""
        before = timezone.now()
        ask(token_of(acme, alice))

        assert BillingAccount.objects.filter(organization=acme, last_api_request_at__gte=before).exists()
        assert AccessToken.objects.filter(organization=acme, last_used_at__gte=before).exists()

    def test_later_calls_of_the_same_five_minutes_write_nothing(self, ask, acme, alice):
        raw = token_of(acme, alice)
        ask(raw)
        used_at = AccessToken.objects.get().last_used_at
        requested_at = BillingAccount.objects.get(organization=acme).last_api_request_at
        ask(raw)

        assert AccessToken.objects.get().last_used_at == used_at
        assert BillingAccount.objects.get(organization=acme).last_api_request_at == requested_at

    def test_a_call_in_a_new_cycle_counts_though_one_was_recorded_a_minute_ago(self, ask, acme, alice):
        """P62"""
        now = timezone.now()
        minute_ago = now - timedelta(minutes=1)
        raw = token_of(acme, alice, last_used_at=minute_ago)
        BillingAccount.objects.update(anchor_at=now - timedelta(days=60), last_api_request_at=minute_ago)
        ask(raw)

        assert BillingAccount.objects.filter(organization=acme, last_api_request_at__gte=now).exists()

    def test_a_refused_call_is_no_use(self, ask, acme, alice, deactivate):
        raw = token_of(acme, alice)
        deactivate(acme)
        ask(raw)

        assert AccessToken.objects.get().last_used_at is None
        assert BillingAccount.objects.get(organization=acme).last_api_request_at is None

    @pytest.mark.parametrize("path", ["/v3/organizations/me", "/v3/users/me"])
    def test_a_call_takes_one_statement(self, ask, acme, alice, path, django_assert_num_queries):
        raw = token_of(acme, alice)
        ask(raw)

        with django_assert_num_queries(1):
            assert ask(raw, path).status_code == 200

    def test_a_made_up_token_takes_one_statement_and_other_text_none(self, ask, django_assert_num_queries):
        with django_assert_num_queries(1):
            ask("kpat_" + "a" * 50)
        with django_assert_num_queries(0):
            ask("letmein")

    def test_the_secret_is_stored_nowhere(self, acme, alice):
        raw = token_of(acme, alice)
        with connection.cursor() as cursor:
            rows = cursor.execute("SELECT t::text FROM accounts_accesstoken t").fetchall()

        assert raw[5:] not in str(rows)
