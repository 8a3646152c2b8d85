"""The door by session: entering an organization, staying in it, and what becomes of the stay (P5, P40)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.access import OrganizationDeactivated, enter_organization
from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.middleware import OrganizationMiddleware
from accounts.models import Membership, Organization
from accounts.services.logins import record_login
from accounts.words import Reason, State, Via
from tests.races import collide

pytestmark = pytest.mark.django_db


def request_of(user, session=None):
    """A request as the views see it, behind the middleware."""
    request = RequestFactory().get("/")
    request.user, request.session = user, session if session is not None else SessionStore()
    OrganizationMiddleware(lambda request: HttpResponse())(request)
    return request


def entered(user, organization, *, ago=None, used_ago=None):
    """A later request of a session that entered the organization."""
    request = request_of(user)
    enter_organization(request, organization.pk)
    stay = request.session["organization"]
    stay["entered_at"] -= int((ago or timedelta()).total_seconds())
    stay["used_at"] -= int((used_ago or timedelta()).total_seconds())
    return request_of(user, request.session)


@pytest.fixture
def deactivate(acme, lead):
    return lambda: deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")


class TestStay:
    def test_a_session_works_in_the_organization_it_entered(self, acme, globex, alice):
        """P5"""
        assert entered(alice, acme).organization == acme
        assert entered(alice, globex).organization == globex

    def test_a_session_that_entered_none_works_in_none(self, alice, acme):
        assert not request_of(alice).organization

    def test_nobody_signed_in_works_in_none(self, alice, acme):
        assert not request_of(AnonymousUser(), entered(alice, acme).session).organization

    @pytest.mark.parametrize(
        ("ago", "used_ago", "goes_on"),
        [
            (timedelta(days=6, hours=23), timedelta(hours=11, minutes=59), True),
            (timedelta(days=1), timedelta(hours=12, minutes=1), False),
            (timedelta(days=7, minutes=1), timedelta(minutes=1), False),
        ],
    )
    def test_it_ends_after_12_hours_idle_and_7_days(self, acme, alice, ago, used_ago, goes_on):
        """P5"""
        assert bool(entered(alice, acme, ago=ago, used_ago=used_ago).organization) is goes_on

    def test_using_it_keeps_it(self, acme, alice):
        request = entered(alice, acme, ago=timedelta(hours=8), used_ago=timedelta(hours=8))
        assert request.organization
        stay = request.session["organization"]

        assert stay["used_at"] - stay["entered_at"] == pytest.approx(8 * 3600, abs=2)

    def test_whoever_is_no_member_any_more_works_in_none(self, acme, bob):
        request = entered(bob, acme)
        bob.team_memberships.all().delete()
        Membership.objects.filter(user=bob).delete()

        assert not request.organization

    def test_a_page_that_does_not_ask_takes_no_statement(self, acme, alice, django_assert_num_queries):
        session = entered(alice, acme).session
        with django_assert_num_queries(0):
            request = request_of(alice, session)
        with django_assert_num_queries(1):
            assert request.organization.name == request.organization.name == "Acme"


class TestDeactivated:
    def test_an_open_session_is_told_the_reason_and_where_support_is(self, acme, alice, deactivate, settings):
        """P40"""
        request = entered(alice, acme)
        deactivate()

        with pytest.raises(OrganizationDeactivated) as refusal:
            bool(request.organization)
        assert "did not agree with our terms of service" in refusal.value.detail
        assert settings.SUPPORT_URL in refusal.value.detail

    def test_the_page_says_so_too(self, acme, alice, deactivate, settings):
        """P40"""
        request = entered(alice, acme)
        deactivate()
        with pytest.raises(OrganizationDeactivated) as refusal:
            bool(request.organization)
        response = OrganizationMiddleware(lambda request: HttpResponse()).process_exception(request, refusal.value)

        assert response.status_code == 403
        assert "Acme was deactivated on" in response.text
        assert f'href="{settings.SUPPORT_URL}"' in response.text

    def test_entering_it_is_refused_with_the_reason_to_members_alone(self, acme, bob, charlie, deactivate):
        """P40: a stranger gets the same answer as for an id that does not exist"""
        deactivate()

        with pytest.raises(OrganizationDeactivated):
            enter_organization(request_of(bob), acme.pk)
        answers = []
        for id in (acme.pk, uuid4()):
            with pytest.raises(Http404) as refusal:
                enter_organization(request_of(charlie), id)
            answers.append(refusal.value.args)
        assert answers[0] == answers[1]

    def test_a_stranger_cannot_enter_an_active_one_either(self, acme, charlie):
        with pytest.raises(Http404):
            enter_organization(request_of(charlie), acme.pk)

    def test_other_organizations_of_the_same_person_work_on(self, acme, globex, alice, deactivate):
        """P40"""
        request = entered(alice, globex)
        deactivate()

        assert request.organization == globex

    def test_a_purged_one_is_as_if_it_had_never_been(self, acme, alice, deactivate):
        """P55"""
        request = entered(alice, acme)
        deactivate()
        Organization.objects.filter(pk=acme.pk).update(state=State.DELETED)

        assert not request.organization

    def test_after_a_reactivation_members_come_back(self, acme, alice, lead, deactivate):
        """P50"""
        deactivate()
        reactivate_organization(acme.pk, note="asked", actor=lead, via=Via.ADMIN, ticket="T-2")

        assert entered(alice, acme).organization == acme


class TestLogin:
    def test_entering_counts_as_a_login_of_the_person_and_of_the_organization(self, acme, globex, alice, bob):
        """P5, P61"""
        before = timezone.now()
        entered(bob, acme)
        acme.refresh_from_db()

        assert acme.last_login_at >= before
        assert acme.inactive_at == acme.last_login_at + timedelta(days=30)
        assert Membership.objects.get(organization=acme, user=bob).last_login_at == acme.last_login_at
        assert not Membership.objects.exclude(user=bob).filter(last_login_at__isnull=False).exists()
        assert Organization.objects.get(pk=globex.pk).last_login_at is None

    def test_coming_back_works_in_it_without_counting_as_a_login(self, acme, alice):
        """P5"""
        request = entered(alice, acme)
        Organization.objects.update(last_login_at=None)

        assert request.organization
        assert Organization.objects.get().last_login_at is None

    def test_no_moment_moves_back(self, acme, bob):
        """P62"""
        now = timezone.now()
        later = now + timedelta(days=60)
        Organization.objects.update(last_login_at=now, inactive_at=later)
        Membership.objects.filter(user=bob).update(last_login_at=now)
        record_login(acme.pk, bob, now - timedelta(days=5))
        acme.refresh_from_db()

        assert (acme.last_login_at, acme.inactive_at) == (now, later)
        assert Membership.objects.get(user=bob).last_login_at == now

    def test_a_stranger_leaves_no_trace(self, acme, charlie):
        with pytest.raises(Membership.DoesNotExist):
            record_login(acme.pk, charlie, timezone.now())

        assert Organization.objects.get(pk=acme.pk).last_login_at is None


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_no_login_is_recorded_in_an_organization_being_deactivated(self, acme, bob, deactivate):
        """P40"""
        refused = collide(deactivate, lambda: record_login(acme.pk, bob, timezone.now()))

        assert isinstance(refused, Organization.DoesNotExist)
        assert Organization.objects.get(pk=acme.pk).last_login_at is None

    def test_a_login_just_before_stands_and_the_deactivation_follows(self, acme, bob, deactivate):
        events = collide(lambda: record_login(acme.pk, bob, timezone.now()), deactivate)
        acme.refresh_from_db()

        assert len(events) == 1
        assert acme.last_login_at is not None
        assert acme.inactive_at is None
