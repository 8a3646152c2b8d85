"""Ownership goes to another member (P2, P3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent, Organization
from accounts.services.ownership import transfer_ownership
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, Via
from tests import factories
from tests.customers import mails_to
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db

BY_STAFF = {"via": Via.ADMIN, "note": "They left the company", "ticket": "T-3"}


@pytest.fixture
def dora(acme):
    return factories.member(
        acme, factories.UserFactory(email="dora@acme.example", full_name="Dora Admin"), ORGANIZATION_ADMIN
    )


def owner_of(organization):
    return Organization.objects.get(pk=organization.pk).owner


def teams_of(person, organization) -> list[str]:
    return list(person.team_memberships.filter(organization=organization).values_list("team__name", flat=True))


def test_the_owner_hands_over_to_an_admin_and_stays_one(acme, globex, alice, dora):
    """P3"""
    event = transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS)

    assert owner_of(acme) == dora
    assert teams_of(alice, acme) == teams_of(dora, acme) == [ORGANIZATION_ADMIN]
    assert owner_of(globex) != dora
    assert (event.act, event.details) == (Act.OWNERSHIP_TRANSFERRED, {"from": str(alice.pk), "to": str(dora.pk)})


@pytest.mark.parametrize(
    ("contact", "after"), [("alice@acme.example", "dora@acme.example"), ("office@a.example",) * 2]
)
def test_the_contact_address_follows_unless_it_was_set_apart(acme, alice, dora, contact, after):
    """P2"""
    Organization.objects.filter(pk=acme.pk).update(contact_email=contact)

    transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS)

    acme.refresh_from_db()
    assert acme.contact_email == after


def test_old_owner_new_owner_and_admins_are_told_once_each(acme, alice, bob, dora):
    """P3"""
    ada = factories.member(acme, None, ORGANIZATION_ADMIN)

    transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS)

    for person in (alice, dora, ada):
        [mail] = mails_to(person.email)
        assert mail.subject == "Dora Admin owns Acme now"
        assert "Alice Owner handed Acme over to Dora Admin" in mail.message
    assert mails_to(bob.email) == []


@pytest.mark.parametrize("who", ["bob", "charlie", "alice"])
def test_not_to_a_member_outside_organization_admin_a_stranger_or_themselves(who, acme, alice, request):
    """P3"""
    with pytest.raises(LifecycleError):
        transfer_ownership(acme.pk, to=request.getfixturevalue(who).pk, actor=alice, via=Via.SETTINGS)

    assert owner_of(acme) == alice
    assert not LifecycleEvent.objects.exists()


def test_not_to_somebody_whose_account_is_closed(acme, alice, dora):
    dora.is_active = False
    dora.save()

    with pytest.raises(LifecycleError, match="open account"):
        transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS)


def test_an_admin_cannot_take_it(acme, alice, dora):
    """P2"""
    with pytest.raises(LifecycleError, match="Only its owner"):
        transfer_ownership(acme.pk, to=dora.pk, actor=dora, via=Via.ACCOUNT)


class TestByALead:
    @pytest.fixture(autouse=True)
    def alice_has_not_been_seen(self, alice):
        long_ago = timezone.now() - timedelta(days=60, seconds=1)
        alice.created_at = alice.last_login = long_ago
        alice.save()

    def test_any_member_becomes_owner_and_admin(self, acme, alice, bob, lead):
        """P3"""
        event = transfer_ownership(acme.pk, to=bob.pk, actor=lead, **BY_STAFF)

        assert owner_of(acme) == bob
        assert sorted(teams_of(bob, acme)) == ["Analytics Viewer", ORGANIZATION_ADMIN]
        assert (event.note, event.ticket) == ("They left the company", "T-3")
        assert "Support made Bob Member the owner" in mails_to(alice.email)[0].message

    @pytest.mark.parametrize("sign", ["entered", "called", "signed in"])
    def test_not_while_the_owner_was_seen_within_60_days(self, sign, acme, globex, alice, bob, lead):
        """P3: in whatever organization"""
        lately = timezone.now() - timedelta(days=59)
        if sign == "entered":
            alice.memberships.filter(organization=globex).update(last_login_at=lately)
        elif sign == "called":
            alice.access_tokens.create(
                organization=globex,
                name="t",
                digest=bytes(32),
                last_used_at=lately,
                expires_at=timezone.now() + timedelta(days=9),
            )
        else:
            alice.last_login = lately
            alice.save()

        with pytest.raises(LifecycleError, match="within the last 60 days"):
            transfer_ownership(acme.pk, to=bob.pk, actor=lead, **BY_STAFF)

    def test_an_agent_may_not(self, acme, bob, agent):
        """P70"""
        with pytest.raises(LifecycleError, match="lead"):
            transfer_ownership(acme.pk, to=bob.pk, actor=agent, **BY_STAFF)

    @pytest.mark.parametrize("missing", ["note", "ticket"])
    def test_reason_and_ticket_are_named(self, missing, acme, bob, lead):
        """P71"""
        with pytest.raises(LifecycleError, match="ticket"):
            transfer_ownership(acme.pk, to=bob.pk, actor=lead, **BY_STAFF | {missing: " "})

    def test_a_customer_does_not_come_in_by_the_staff_door(self, acme, dora):
        with pytest.raises(LifecycleError, match="lead"):
            transfer_ownership(acme.pk, to=dora.pk, actor=dora, **BY_STAFF)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_two_transfers_at_once_one_wins_and_the_other_is_told(self, acme, alice, dora):
        ada = factories.member(acme, None, ORGANIZATION_ADMIN)

        answers = at_once(
            *(lambda to=to: transfer_ownership(acme.pk, to=to.pk, actor=alice, via=Via.SETTINGS) for to in (dora, ada))
        )

        assert sorted(isinstance(answer, LifecycleError) for answer in answers) == [False, True]
        assert LifecycleEvent.objects.count() == 1

    def test_a_transfer_that_meets_a_deactivation_is_refused(self, acme, alice, dora, lead):
        """Habit 1"""
        deactivation = {"reason": Reason.FRAUD, "actor": lead, "via": Via.ADMIN, "ticket": "T-1"}
        refused = collide(
            lambda: deactivate_organizations([acme.pk], **deactivation),
            lambda: transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS),
        )

        assert isinstance(refused, Organization.DoesNotExist)
        assert owner_of(acme) == alice
