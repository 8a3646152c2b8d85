"""Who may do what in an organization, and who may sign in at all (P4, P70)."""

import timeit

import pytest
from django.contrib.auth import authenticate

from accounts.lifecycle import deactivate_organizations
from accounts.models import SystemAccount, User
from accounts.words import Reason, Via
from tests import factories

pytestmark = pytest.mark.django_db
PERMISSIONS = VIEW, VIEW_PEOPLE, DEACTIVATE = (
    "accounts.view_organization",
    "accounts.view_user",
    "accounts.deactivate_organization",
)


def may(user, organization) -> set[str]:
    return {perm for perm in PERMISSIONS if user.has_perm(perm, organization)}


class TestCustomers:
    def test_members_see_their_organization_and_strangers_do_not(self, acme, bob, charlie):
        assert may(bob, acme) == {VIEW}
        assert may(charlie, acme) == set()

    def test_owner_and_admins_see_its_people(self, acme, alice):
        """P4"""
        admin = factories.member(acme, None, "Analytics Viewer", "Organization Admin")
        reader = factories.member(acme, None, "Organization Admin (Read Only)")

        assert may(admin, acme) == may(reader, acme) == {VIEW, VIEW_PEOPLE}

    def test_of_people_the_owner_alone_may_deactivate(self, acme, alice):
        """P2"""
        assert may(alice, acme) == {VIEW, VIEW_PEOPLE, DEACTIVATE}

    def test_a_right_in_one_organization_is_none_in_another(self, acme, globex, alice, charlie):
        assert may(alice, globex) == {VIEW, VIEW_PEOPLE}
        assert may(charlie, acme) == set()

    def test_a_right_reaches_what_belongs_to_the_organization(self, acme, bob, charlie):
        robot: SystemAccount = factories.system_account(acme)

        assert bob.has_perm(VIEW, robot)
        assert not charlie.has_perm(VIEW, robot)

    def test_without_an_organization_customers_may_nothing(self, acme, alice):
        assert not alice.has_perm(VIEW)
        assert not alice.has_perm(VIEW, object())

    def test_an_inactive_organization_gives_its_customers_nothing(self, acme, globex, alice, bob, lead):
        """P40"""
        deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")

        assert may(alice, acme) == may(bob, acme) == set()
        assert may(alice, globex) == {VIEW, VIEW_PEOPLE}

    def test_whoever_closed_the_account_may_nothing(self, acme, alice):
        alice.is_active = False

        assert may(alice, acme) == set()


class TestSignIn:
    @pytest.fixture
    def dora(self):
        return User.objects.create_user("dora@acme.example", factories.PASSWORD)

    @pytest.mark.parametrize("address", ["dora@acme.example", " Dora@ACME.example ", "ｄora@acme.example"])
    def test_by_address_in_any_case_and_form(self, dora, address):
        """P1"""
        assert authenticate(email=address, password=factories.PASSWORD) == dora

    def test_not_with_another_password_or_address(self, dora):
        assert authenticate(email=dora.email, password="wrong") is None
        assert authenticate(email="nobody@acme.example", password=factories.PASSWORD) is None

    def test_not_with_a_closed_account(self, dora):
        """P56"""
        dora.is_active = False
        dora.save()

        assert authenticate(email=dora.email, password=factories.PASSWORD) is None

    def test_an_unknown_address_costs_as_much_work_as_a_known_one(self, dora):
        """P8: nothing is learned of who has an account. A hash takes many times what the queries take."""
        known, unknown = (seconds(email) for email in (dora.email, "nobody@acme.example"))

        assert unknown > known / 3


def seconds(email: str) -> float:
    return min(timeit.repeat(lambda: authenticate(email=email, password="wrong"), number=1, repeat=3))
