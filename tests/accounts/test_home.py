"""The home of an organization: what runs, what it costs or when the trial ends, what needs the person."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Invitation
from accounts.services.tokens import create_token
from billing.models import Charge, Credit
from billing.provider import Card
from billing.services.plans import set_payment_method
from geos.models import DataPlaneNode, MeshZone
from tests import factories
from tests.customers import entered, words
from tests.desk import SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(acme, alice):
    client = entered(alice, acme)
    return lambda: words(client.get("/"))


def check_in(nodes, ago):
    nodes.update(last_check_in_at=timezone.now() - ago)


class TestWhatRuns:
    def test_what_checked_in_within_five_minutes_runs(self, home, acme):
        """P13"""
        plane = factories.control_plane(acme, nodes=3, zones=0)
        factories.control_plane(acme, "mesh", "eu", "mesh_global", zones=2)
        check_in(plane.nodes.filter(hostname__endswith="0"), timedelta(minutes=4))
        check_in(plane.nodes.filter(hostname__endswith="1"), timedelta(minutes=6))
        check_in(MeshZone.objects.all(), timedelta(seconds=9))
        page = home()
        figures = re.sub(r"\s*<[^>]*>\s*", "|", page)

        assert "|Control planes|||2|" in figures
        assert "1 in United States, 1 in Europe" in page
        assert "|Nodes running|||1|of 3|" in figures
        assert "|Mesh zones running|||2|of 2|" in figures
        assert "Begin here" not in page

    def test_another_organizations_and_what_is_taken_down_do_not(self, home, acme, globex):
        factories.control_plane(globex, nodes=5)
        gone = factories.control_plane(acme, "gone", nodes=5)
        gone.state, gone.begins_at, gone.next_attempt_at = "decommissioning", timezone.now(), timezone.now()
        gone.decommission_requested_at = timezone.now()
        gone.save()
        DataPlaneNode.objects.update(last_check_in_at=timezone.now())

        assert "What runs" not in home()

    def test_empty_it_shows_the_three_steps(self, home, acme):
        assert "Three steps to a first request" in home()
        assert 'class="done"' not in home()
        factories.control_plane(acme)
        assert 'class="done"' in home()


class TestPlan:
    def test_free_costs_nothing(self, home):
        assert "On the Free plan: nothing is billed" in home()

    def test_a_trial_says_when_it_ends_and_admins_see_the_credits_left(self, home, acme, bob):
        """P30"""
        trial = factories.subscription(acme, "trial")
        now = timezone.now()
        grant = {"kind": "free", "granted_cents": 250_000, "granted_at": now, "expires_at": trial.ends_at}
        Credit.objects.create(organization=acme, remaining_cents=123_450, **grant)
        Credit.objects.create(organization=acme, remaining_cents=99, **grant | {"expires_at": now})

        assert f'The trial of Plus ends on <time datetime="{trial.ends_at.isoformat()}"' in home()
        assert "Credits left: 1,234.50 USD" in home()
        assert "Credits left" not in words(entered(bob, acme).get("/"))

    def test_a_trial_is_over_when_its_end_has_come(self, home, acme):
        """P30"""
        factories.subscription(acme, "trial", ends_at=timezone.now())

        assert "On the Free plan" in home()

    def test_plus_says_when_the_cycle_ends(self, home, acme):
        """P31"""
        end = factories.subscription(acme, "plus").starts_at + timedelta(days=30)

        assert f'So far 0.00 USD in this cycle, which ends on <time datetime="{end.isoformat()}"' in home()

    def test_enterprise_says_until_when_the_contract_runs(self, home, acme):
        ends_at = timezone.now() + timedelta(days=99)
        factories.subscription(acme, "enterprise", ends_at=ends_at)

        assert f'On an Enterprise contract. It runs until <time datetime="{ends_at.isoformat()}"' in home()


class TestNeeds:
    def test_a_missing_second_factor(self, home, alice):
        assert "Set up a second factor" in home()
        TOTP.activate(alice, SECRET)
        assert "Set up a second factor" not in home()

    def test_invitations_that_can_be_accepted(self, home, globex, alice, acme):
        """P7"""
        now = timezone.now()
        for n, (name, changes) in enumerate(
            {
                "Open Ltd": {},
                "Expired Ltd": {"expires_at": now},
                "Revoked Ltd": {"revoked_at": now},
                "Taken Ltd": {"accepted_at": now},
                "Else Ltd": {"email": "bob@acme.example"},
            }.items()
        ):
            fields = {"email": alice.email, "expires_at": now + timedelta(days=7), "digest": bytes([n]), **changes}
            Invitation.objects.create(organization=factories.organization(name), **fields)
        page = home()

        assert "Join Open Ltd" in page
        assert page.count("Join ") == 1

    def test_tokens_that_expire_within_14_days(self, home, acme, alice):
        for name, days in (("soon", 13), ("later", 15)):
            create_token(acme.pk, name=name, expires_at=timezone.now() + timedelta(days=days), user=alice)
        page = home()

        assert "Replace your token soon" in page
        assert "later" not in page

    def test_a_trial_that_ends_soon_without_a_payment_method(self, home, acme, bob):
        """P30"""
        trial = factories.subscription(acme, "trial", ends_at=timezone.now() + timedelta(days=8))
        assert "See to the payment method" not in home()
        trial.ends_at = timezone.now() + timedelta(days=6)
        trial.save()
        assert "Without a payment method Free follows it." in home()
        assert "See to the payment method" not in words(entered(bob, acme).get("/"))
        set_payment_method(acme.pk, Card("card_1", "Visa", "4242", 2099, 12), by_id=acme.owner_id)
        assert "See to the payment method" not in home()

    def test_a_payment_method_that_was_refused(self, home, acme):
        """P34"""
        invoice = factories.invoice(acme, ("gateway_services", 720, 10_500))
        Charge.objects.create(invoice=invoice, amount_cents=10_500, refusals=1)

        assert "Its payment method was refused: an invoice is not paid." in home()

    def test_a_name_is_only_ever_text(self, home, acme):
        acme.name = "<script>alert(1)</script>"
        acme.save()

        assert "<script>alert" not in home()


def test_it_takes_as_many_queries_for_a_large_organization_as_for_a_small_one(acme, alice):
    client = entered(alice, acme)

    def count():
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len(captured)

    factories.control_plane(acme, nodes=1)
    create_token(acme.pk, name="t", expires_at=timezone.now() + timedelta(days=9), user=alice)
    small = count()
    for n in range(9):
        factories.member(acme, None, "Organization Admin")
        factories.control_plane(acme, f"plane-{n}", ("us", "eu", "au")[n % 3], nodes=5, zones=2)
        create_token(acme.pk, name=f"t{n}", expires_at=timezone.now() + timedelta(days=9), user=alice)

    assert count() == small
    assert small <= 20
