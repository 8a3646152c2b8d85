from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from post_office.models import Email

from accounts import lifecycle
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import AccessToken, EmailLock, Invitation, LifecycleEvent, Membership, TeamMembership
from accounts.previews import deactivation_of
from accounts.services.locks import is_locked
from accounts.words import Reason, State, Via
from billing.models import Credit, Invoice
from geos.models import ControlPlane
from tests import factories

pytestmark = pytest.mark.django_db


def deactivate(*organizations, actor, reason=Reason.NON_PAYMENT, **options):
    options = {"via": Via.ADMIN, "ticket": "T-1"} | options
    return lifecycle.deactivate_organizations(
        [organization.pk for organization in organizations], reason=reason, actor=actor, **options
    )


def teams_of(user, organization):
    rows = TeamMembership.objects.filter(user=user, organization=organization)
    return sorted(rows.values_list("team__name", flat=True))


def test_every_subscription_ends_scheduled_ones_too(acme, globex, lead):
    """P41"""
    now = timezone.now()
    trial = factories.subscription(acme, "trial", ends_at=now + timedelta(days=3))
    scheduled = factories.subscription(acme, starts_at=now + timedelta(days=3))
    other = factories.subscription(globex)

    deactivate(acme, actor=lead)

    for ended in (trial, scheduled):
        ended.refresh_from_db()
        assert ended.ended_at is not None
    other.refresh_from_db()
    assert other.ended_at is None


def test_a_subscription_that_was_over_keeps_its_end(acme, lead):
    """P41"""
    now = timezone.now()
    over = factories.subscription(acme, starts_at=now - timedelta(days=40), ended_at=now - timedelta(days=20))

    deactivate(acme, actor=lead)

    before, over.ended_at = over.ended_at, None
    over.refresh_from_db()
    assert over.ended_at == before


def test_drafts_are_voided_and_issued_invoices_stay(acme, lead):
    """P41"""
    start = timezone.now() - timedelta(days=30)
    period = {"period_start": start, "period_end": timezone.now()}
    draft = Invoice.objects.create(organization=acme, **period)
    issued = Invoice.objects.create(
        organization=acme, number=7, issued_at=start, period_start=start - timedelta(days=30), period_end=start
    )

    deactivate(acme, actor=lead)

    draft.refresh_from_db()
    issued.refresh_from_db()
    assert draft.voided_at is not None
    assert issued.voided_at is None


def test_free_credits_lapse_and_paid_ones_are_listed_for_refund(acme, lead):
    """P41"""
    money = {"granted_cents": 500, "remaining_cents": 300, "granted_at": timezone.now()}
    free = Credit.objects.create(organization=acme, kind="free", **money)
    paid = Credit.objects.create(organization=acme, kind="paid", **money)

    [event] = deactivate(acme, actor=lead)

    free.refresh_from_db()
    paid.refresh_from_db()
    assert (free.lapsed_at, free.refund_due_at) == (event.at, None)
    assert (paid.lapsed_at, paid.refund_due_at) == (None, event.at)
    assert (event.details["lapsed_cents"], event.details["refund_cents"]) == (300, 300)


def test_control_planes_in_every_geo_are_decommissioned_and_nodes_are_left_alone(acme, globex, lead):
    """P42, P43"""
    for geo, kind in (("us", "gateway"), ("eu", "kic"), ("au", "mesh_global")):
        factories.control_plane(acme, kind, geo, kind, nodes=2, zones=1 if kind == "mesh_global" else 0)
    other = factories.control_plane(globex, geo="eu")
    nodes = list(acme.control_planes.values_list("nodes__id", "nodes__last_check_in_at").order_by("nodes__id"))

    [event] = deactivate(acme, actor=lead)

    assert set(acme.control_planes.values_list("state", "begins_at")) == {("decommissioning", event.at)}
    assert nodes == list(acme.control_planes.values_list("nodes__id", "nodes__last_check_in_at").order_by("nodes__id"))
    assert event.details["counts"]["nodes_left_running"] == 6
    assert event.details["counts"]["zones_left_running"] == 1
    other.refresh_from_db()
    assert other.state == ControlPlane.State.ACTIVE


@pytest.mark.parametrize("who", ["agent", "owner", "check"])
def test_taking_down_begins_after_72_hours_unless_a_lead_asks_for_it(who, acme, alice, agent):
    """P42"""
    factories.control_plane(acme)
    acts = {
        "agent": {"actor": agent},
        "owner": {"actor": alice, "reason": Reason.OWNER_REQUEST, "via": Via.SETTINGS},
        "check": {"actor": None, "reason": Reason.INACTIVITY, "via": Via.CHECK},
    }

    [event] = deactivate(acme, **acts[who])

    assert acme.control_planes.get().begins_at == event.at + timedelta(hours=72)


def test_a_lead_may_choose_to_wait_and_an_owner_not_to(acme, globex, lead, charlie):
    """P42"""
    factories.control_plane(acme)
    factories.control_plane(globex, geo="eu")
    later = timezone.now() + timedelta(hours=72)
    now = timezone.now()

    deactivate(acme, actor=lead, take_down_at=later)
    deactivate(globex, actor=charlie, reason=Reason.OWNER_REQUEST, via=Via.SETTINGS, take_down_at=now)

    assert acme.control_planes.get().begins_at == later
    assert globex.control_planes.get().begins_at == now


def test_an_agent_cannot_have_it_taken_down_at_once(acme, agent):
    """P42"""
    with pytest.raises(LifecycleError, match="72 hours"):
        deactivate(acme, actor=agent, take_down_at=timezone.now())


def test_people_leave_all_teams_and_roles_and_keep_their_other_organizations(acme, globex, alice, bob, lead):
    """P44"""
    robot = factories.system_account(acme, "robot", "Portal Admin")
    for who in ({"user": bob}, {"system_account": robot}):
        factories.role(acme, **who)
    kept = factories.role(globex, user=alice)

    deactivate(acme, actor=lead)

    assert teams_of(alice, acme) == teams_of(bob, acme) == []
    assert not acme.team_memberships.exists()
    assert not acme.role_assignments.exists()
    assert teams_of(alice, globex) == ["Organization Admin"]
    assert list(globex.role_assignments.all()) == [kept]
    assert Membership.objects.filter(organization=acme).count() == 2
    alice.refresh_from_db()
    assert alice.is_active


def test_contact_and_owner_address_are_locked_whatever_their_case(acme, globex, alice, lead):
    """P45"""
    acme.contact_email = "billing@acme.example"
    acme.save()

    deactivate(acme, actor=lead)

    assert is_locked("  Billing@ACME.example ")
    assert is_locked("ＡＬＩＣＥ@acme.example")
    assert not is_locked("bob@acme.example")
    assert not is_locked("charlie@globex.example")


def test_one_address_for_contact_and_owner_is_locked_once(acme, lead):
    """P45: also where the contact's form is another one of the same address."""
    acme.contact_email = "ａｌｉｃｅ@acme.example"
    acme.save()
    deactivate(acme, actor=lead)

    assert EmailLock.objects.live().get().address == "alice@acme.example"


def test_licenses_lapse(acme, globex, lead):
    """P46"""
    [event] = deactivate(acme, actor=lead)

    assert set(acme.licenses.values_list("lapsed_at", flat=True)) == {event.at}
    assert set(globex.licenses.values_list("lapsed_at", flat=True)) == {None}


def test_live_tokens_and_invitations_are_revoked_and_older_ends_stay(acme, globex, alice, lead):
    """P40"""
    now = timezone.now()
    end = {"expires_at": now + timedelta(days=9)}
    live = AccessToken.objects.create(organization=acme, user=alice, name="live", digest=b"1" * 32, **end)
    earlier = AccessToken.objects.create(
        organization=acme, user=alice, name="earlier", digest=b"2" * 32, revoked_at=now - timedelta(days=1), **end
    )
    other = AccessToken.objects.create(organization=globex, user=alice, name="other", digest=b"3" * 32, **end)
    invitation = Invitation.objects.create(organization=acme, email="new@acme.example", digest=b"4" * 32, **end)
    expired = Invitation.objects.create(organization=acme, email="late@acme.example", expires_at=now)

    [event] = deactivate(acme, actor=lead)

    for row in (live, earlier, other, invitation, expired):
        row.refresh_from_db()
    assert (live.revoked_at, live.deactivation_event_id) == (event.at, event.pk)
    assert (earlier.revoked_at, earlier.deactivation_event_id) == (now - timedelta(days=1), None)
    assert other.revoked_at is None
    assert invitation.revoked_at == expired.revoked_at == event.at


def test_the_organization_says_since_when_why_and_until_when_it_is_kept(acme, globex, lead):
    """P47, P55"""
    [event] = deactivate(acme, actor=lead, reason=Reason.NON_PAYMENT)

    acme.refresh_from_db()
    assert (acme.state, acme.deactivated_at, acme.deactivation_reason) == (State.INACTIVE, event.at, "non_payment")
    assert acme.purge_at == event.at + timedelta(days=90)
    assert acme.inactive_at is None
    globex.refresh_from_db()
    assert globex.state == State.ACTIVE


def test_one_event_says_who_when_why_from_where_and_what_by_id(acme, lead):
    """P47"""
    control_plane = factories.control_plane(acme)

    [event] = deactivate(acme, actor=lead, note="asked on the phone", address="192.0.2.7")

    stored = LifecycleEvent.objects.get()
    assert stored == event
    assert (stored.actor_id, stored.ticket, stored.note) == (lead.pk, "T-1", "asked on the phone")
    assert (stored.via, stored.reason, stored.remote_address) == ("admin", "non_payment", "192.0.2.7")
    assert stored.details["control_planes"] == [str(control_plane.pk)]
    assert stored.details["counts"]["licenses"] == len(stored.details["licenses"]) == 3
    assert "alice" not in str(stored.details)
    names = {subject.part: subject.name for subject in stored.subjects.all()}
    assert (names["actor"], names["owner"]) == ("Lena Lead", "Alice Owner")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts_lifecycleevent SET note = 'other'",
        "DELETE FROM accounts_lifecycleevent",
        "TRUNCATE accounts_lifecycleevent CASCADE",
    ],
)
def test_an_event_cannot_be_changed_or_removed(change, acme, lead):
    """P47"""
    [event] = deactivate(acme, actor=lead)
    connection.check_constraints()

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)

    assert LifecycleEvent.objects.get().note == event.note


def test_owner_and_admins_get_one_mail_each_and_nobody_else(acme, alice, bob, lead):
    """P49"""
    admin = factories.member(acme, None, "Organization Admin")

    deactivate(acme, actor=lead)

    assert sorted(mail.to for mail in Email.objects.all()) == sorted([[alice.email], [admin.email]])


def test_a_second_deactivation_changes_nothing(acme, lead, agent):
    """P49"""
    [event] = deactivate(acme, actor=lead)

    assert deactivate(acme, actor=agent, reason=Reason.SPAM) == []

    acme.refresh_from_db()
    assert acme.deactivation_event_id == event.pk
    assert LifecycleEvent.objects.count() == 1
    assert EmailLock.objects.count() == 1


def test_a_set_needs_as_many_statements_as_one(lead, django_assert_max_num_queries):
    """P39: acts that run over many take many."""
    one, *many = [factories.organization(f"Org {n}") for n in range(12)]
    for organization in (one, *many):
        factories.control_plane(organization)

    with django_assert_max_num_queries(60) as first:
        deactivate(one, actor=lead)
    with django_assert_max_num_queries(60) as second:
        events = deactivate(*many, actor=lead)

    assert len(events) == 11
    assert len(second) <= len(first)


def test_the_events_counts_are_those_of_the_preview(acme, bob, lead):
    """P71"""
    factories.control_plane(acme, nodes=3)
    factories.subscription(acme)
    factories.role(acme, user=bob)
    preview = deactivation_of(acme, at=timezone.now())

    [event] = deactivate(acme, actor=lead, expected=preview.digest)

    assert event.details["counts"] == preview.counts


def test_what_changed_since_the_preview_stops_the_act(acme, lead):
    """P71"""
    preview = deactivation_of(acme, at=timezone.now())
    factories.control_plane(acme)

    with pytest.raises(PreviewChanged), transaction.atomic():
        deactivate(acme, actor=lead, expected=preview.digest)

    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ticket": " "}, "ticket"),
        ({"reason": Reason.INACTIVITY}, "can't be given here"),
        ({"reason": "boredom"}, "'boredom' can't be given here"),
        ({"take_down_at": datetime(2030, 1, 1)}, "no time zone"),  # noqa: DTZ001 - the point of it
    ],
)
def test_a_bad_argument_is_told_and_changes_nothing(wrong, says, acme, lead):
    """P39, P71"""
    with pytest.raises(LifecycleError, match=says):
        deactivate(acme, actor=lead, **wrong)

    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


def test_an_agent_deactivates_free_organizations_only(acme, globex, agent):
    """P70"""
    factories.subscription(globex, "trial")

    with pytest.raises(LifecycleError, match="Globex is on Plus"):
        deactivate(acme, globex, actor=agent)

    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


@pytest.mark.parametrize("who", ["viewer", "alice", "charlie"])
def test_nobody_else_deactivates_through_staffs_door(who, acme, request):
    """P39, P70"""
    with pytest.raises(LifecycleError, match="may not"):
        deactivate(acme, actor=request.getfixturevalue(who) if who != "charlie" else factories.UserFactory())


def test_an_admin_who_is_not_the_owner_cannot_deactivate(acme):
    """P2"""
    admin = factories.member(acme, None, "Organization Admin")

    with pytest.raises(LifecycleError, match="Only its owner"):
        deactivate(acme, actor=admin, reason=Reason.OWNER_REQUEST, via=Via.SETTINGS)


def test_enterprise_waits_for_a_second_lead(acme, lead):
    """P71"""
    factories.subscription(acme, "enterprise")

    with pytest.raises(LifecycleError, match="second lead"):
        deactivate(acme, actor=lead)


def test_the_check_leaves_what_is_on_hold_and_support_does_not(acme, lead):
    """P58"""
    acme.hold_until, acme.hold_reason, acme.hold_ticket = timezone.now() + timedelta(days=9), "legal", "T-9"
    acme.save()

    assert deactivate(acme, actor=None, reason=Reason.INACTIVITY, via=Via.CHECK) == []
    assert len(deactivate(acme, actor=lead)) == 1
