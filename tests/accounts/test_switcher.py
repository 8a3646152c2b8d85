"""The organization switcher, and how a page finds the organization it is about (P5, P40)."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.access import SESSION_KEY
from accounts.adapters import AccountAdapter
from accounts.lifecycle import deactivate_organizations
from accounts.models import Membership, Organization
from accounts.words import Reason, State, Via
from tests import factories
from tests.customers import entered, signed_in, words
from tests.races import collide

pytestmark = pytest.mark.django_db


@pytest.fixture
def deactivate(lead):
    def deactivate(organization):
        return deactivate_organizations(
            [organization.pk], reason=Reason.NON_PAYMENT, actor=lead, via=Via.ADMIN, ticket="T-1"
        )

    return deactivate


def enter(client, id, **data):
    return client.post(f"/organizations/{id}/enter/", data)


def enterable(response) -> list[str]:
    """The names on the buttons that enter."""
    return re.findall(r"Enter </span>(.*?)</b>", response.text)


class TestChoosing:
    def test_every_organization_of_the_person_is_offered_and_no_other(self, acme, globex, alice):
        """P5"""
        factories.organization("Initech")
        page = signed_in(alice).get("/organizations/")

        assert enterable(page) == ["Acme", "Globex"]
        assert "Initech" not in page.text

    def test_a_deactivated_one_says_why_and_whom_to_ask_until_when(self, acme, globex, alice, deactivate, settings):
        """P40"""
        deactivate(acme)
        acme.refresh_from_db()
        response = signed_in(alice).get("/organizations/")
        page = words(response)

        assert enterable(response) == ["Globex"]
        assert "because its invoices were not paid" in page
        assert f"before {acme.purge_at:%-d %b %Y}" in page
        assert f'href="{settings.SUPPORT_URL}"' in page

    def test_a_purged_one_is_as_if_it_had_never_been(self, acme, alice, deactivate):
        """P55"""
        deactivate(acme)
        Organization.objects.update(state=State.DELETED)

        assert "Acme" not in signed_in(alice).get("/organizations/").text

    def test_whoever_belongs_to_none_is_shown_how_to_make_one(self, db):
        page = signed_in(factories.UserFactory()).get("/organizations/").text

        assert "You belong to no organization yet" in page
        assert 'href="/organizations/new/"' in page

    def test_many_are_paged_by_name_and_each_is_there_once(self, alice):
        names = [f"Org {n:03}" for n in range(60)]
        for name in names:
            factories.organization(name, owner=alice)
        client, seen, url = signed_in(alice), [], "/organizations/"
        while url:
            response = client.get(url)
            seen += [organization.name for organization in response.context["page"].rows]
            after = response.context["page"].after
            url = f"/organizations/?after={after}" if after else None

        assert seen == names

    def test_namesakes_across_a_page_break_are_each_there_once(self, alice):
        made = {factories.organization("Twin", owner=alice).pk for _ in range(30)}
        client = signed_in(alice)
        first = client.get("/organizations/").context["page"]
        second = client.get(f"/organizations/?after={first.after}").context["page"]

        assert len(first.rows) + len(second.rows) == 30
        assert {organization.pk for organization in [*first.rows, *second.rows]} == made

    def test_one_is_found_by_a_part_of_its_name(self, acme, globex, alice):
        assert enterable(signed_in(alice).get("/organizations/", {"q": "GLO"})) == ["Globex"]

    @pytest.mark.parametrize(
        "query",
        ["after=x", "after=805eb7a2-b11a-40c4-9045-f01ba087611b", "q=%00", "q=" + "x" * 5000, "q=%25", "next=//evil"],
    )
    def test_a_query_that_makes_no_sense_is_no_error(self, acme, alice, query):
        assert signed_in(alice).get(f"/organizations/?{query}").status_code == 200

    def test_it_takes_as_many_queries_for_30_as_for_one(self, acme, alice):
        client = signed_in(alice)
        client.get("/organizations/")  # the first request of a session is noted with it
        few = queries(client, "/organizations/")
        for _ in range(29):
            factories.organization(owner=alice)

        assert queries(client, "/organizations/") == few


def queries(client, path) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


class TestEntering:
    def test_it_leads_home_and_counts_as_a_login(self, acme, bob):
        """P5, P61"""
        before = timezone.now()
        response = enter(signed_in(bob), acme.pk)

        assert (response.status_code, response["Location"]) == (302, "/")
        assert Membership.objects.filter(user=bob, last_login_at__gte=before).exists()
        assert Organization.objects.get(pk=acme.pk).inactive_at >= before + timedelta(days=30)

    def test_it_leads_back_to_the_page_that_was_asked_for(self, acme, bob):
        client = signed_in(bob)
        switcher = client.get("/account/tokens/?after=1", follow=True)
        response = enter(client, acme.pk, next=switcher.context["next"])

        assert response["Location"] == "/account/tokens/?after=1"

    @pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", ""])
    def test_it_never_leads_elsewhere(self, acme, bob, url):
        assert enter(signed_in(bob), acme.pk, next=url)["Location"] == "/"

    def test_a_link_to_it_enters_nothing(self, acme, bob):
        response = signed_in(bob).get(f"/organizations/{acme.pk}/enter/")

        assert response["Location"] == "/organizations/"
        assert not Membership.objects.filter(last_login_at__isnull=False).exists()

    def test_strangers_get_the_answer_of_an_id_that_does_not_exist(self, acme, globex, charlie, deactivate):
        """P40"""
        client = signed_in(charlie)
        answers = [enter(client, id) for id in (acme.pk, uuid4())]
        deactivate(acme)
        answers.append(enter(client, acme.pk))

        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1

    def test_members_of_a_deactivated_one_are_told_the_reason(self, acme, bob, deactivate, settings):
        """P40"""
        client = signed_in(bob)
        deactivate(acme)
        response = enter(client, acme.pk)

        assert response.status_code == 403
        assert "because its invoices were not paid" in words(response)
        assert settings.SUPPORT_URL in response.text

    def test_without_a_token_against_forgery_nothing_is_entered(self, acme, bob):
        client = Client(enforce_csrf_checks=True)
        client.force_login(bob)

        assert enter(client, acme.pk).status_code == 403
        assert not Membership.objects.filter(last_login_at__isnull=False).exists()

    def test_signed_out_it_leads_to_sign_in(self, acme):
        assert enter(Client(), acme.pk)["Location"].startswith("/login/?next=")

    @pytest.mark.django_db(transaction=True)
    def test_whoever_enters_while_it_is_deactivated_is_refused_with_the_reason(self, acme, bob, deactivate):
        """P40"""
        client = signed_in(bob)
        response = collide(lambda: deactivate(acme), lambda: enter(client, acme.pk))

        assert response.status_code == 403
        assert "Acme is deactivated" in response.text
        assert not Membership.objects.filter(last_login_at__isnull=False).exists()

    @pytest.mark.django_db(transaction=True)
    def test_whoever_enters_just_before_is_refused_on_the_next_request(self, acme, bob, deactivate):
        """P40"""
        client = signed_in(bob)
        collide(lambda: enter(client, acme.pk), lambda: deactivate(acme))

        assert client.get("/").status_code == 403


class TestStraightIn:
    """Right after sign-in, as allauth ends it."""

    @pytest.fixture
    def sign_in(self):
        def sign_in(user, redirect_url=None):
            request = RequestFactory().post("/login/")
            request.user, request.session = user, SessionStore()
            request._messages = FallbackStorage(request)
            nothing = dict.fromkeys(("email_verification", "signal_kwargs", "email"))
            adapter = AccountAdapter(request)
            response = adapter.post_login(request, user, signup=False, redirect_url=redirect_url, **nothing)
            return request.session.get(SESSION_KEY, {}).get("id"), response["Location"]

        return sign_in

    def test_with_one_organization(self, sign_in, acme, bob):
        """P5"""
        before = timezone.now()
        assert sign_in(bob) == (str(acme.pk), "/")
        assert Membership.objects.filter(user=bob, last_login_at__gte=before).exists()

    def test_and_on_to_the_page_that_was_asked_for(self, sign_in, acme, bob):
        assert sign_in(bob, "/account/tokens/") == (str(acme.pk), "/account/tokens/")

    def test_with_one_that_is_active_beside_a_deactivated_one(self, sign_in, acme, globex, alice, deactivate):
        deactivate(acme)

        assert sign_in(alice) == (str(globex.pk), "/")

    def test_not_with_two_or_none(self, sign_in, acme, globex, alice, deactivate):
        assert sign_in(alice) == (None, "/")
        assert sign_in(factories.UserFactory()) == (None, "/")

    def test_not_into_a_deactivated_one(self, sign_in, acme, bob, deactivate):
        """P40"""
        deactivate(acme)

        assert sign_in(bob) == (None, "/")


class TestPages:
    """`organization_view`, by the home page."""

    def test_signed_out_leads_to_sign_in_and_back(self, client):
        assert client.get("/")["Location"] == "/login/?next=/"

    def test_without_an_organization_leads_to_the_switcher_and_back(self, acme, bob):
        """P5"""
        assert signed_in(bob).get("/")["Location"] == "/organizations/?next=%2F"

    def test_staff_are_no_customers(self, viewer):
        """P70"""
        client = signed_in(viewer)

        assert [client.get(path).status_code for path in ("/account/", "/organizations/")] == [404, 404]

    def test_no_cache_keeps_them(self, acme, bob):
        client = entered(bob, acme)

        assert all("no-store" in client.get(path)["Cache-Control"] for path in ("/", "/organizations/"))

    def test_the_choice_lapses_and_the_sign_in_stays(self, acme, bob):
        """P5"""
        client = entered(bob, acme)
        session = client.session
        session["organization"] = session["organization"] | {"used_at": session["organization"]["used_at"] - 13 * 3600}
        session.save()
        response = client.get("/account/tokens/", follow=True)

        assert response.redirect_chain == [("/organizations/?next=%2Faccount%2Ftokens%2F", 302)]
        assert enterable(response) == ["Acme"]

    def test_an_open_session_is_refused_with_the_reason_wherever_it_goes(self, acme, bob, deactivate, settings):
        """P40"""
        client = entered(bob, acme)
        deactivate(acme)

        for path in ("/", "/account/tokens/", "/organization/tokens/"):
            response = client.get(path)
            assert response.status_code == 403
            assert "because its invoices were not paid" in words(response)
            assert settings.SUPPORT_URL in response.text
            assert "no-store" in response["Cache-Control"]

    def test_the_switcher_stays_open_to_them_and_others_work_on(self, acme, globex, alice, deactivate):
        """P40"""
        client = entered(alice, acme)
        deactivate(acme)

        assert enterable(client.get("/organizations/")) == ["Globex"]
        assert enter(client, globex.pk)["Location"] == "/"
        assert client.get("/").status_code == 200

    def test_the_refusal_is_decided_by_the_query_that_every_page_makes(self, acme, bob, deactivate):
        """P40: at no extra query. Session, person, organization; the page itself asks more, the refusal nothing."""
        client = entered(bob, acme)
        with CaptureQueriesContext(connection) as before:
            client.get("/")
        deactivate(acme)
        with CaptureQueriesContext(connection) as after:
            client.get("/")

        assert len(after) == 3
        assert [q["sql"].split(" WHERE ")[0] for q in after] == [q["sql"].split(" WHERE ")[0] for q in before][:3]
