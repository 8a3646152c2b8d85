from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import lifecycle
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import EmailLock, LifecycleEvent, Team, TeamMembership
from accounts.previews import reactivation_of
from accounts.services.locks import is_locked
from accounts.words import Reason, State, Via
from geos.models import ControlPlane
from licensing.models import License
from tests import factories
from tests.accounts.test_deactivation import deactivate, teams_of

pytestmark = pytest.mark.django_db


def reactivate(organization, actor, **options):
    options = {"via": Via.ADMIN, "note": "asked for it", "ticket": "T-2"} | options
    event = lifecycle.reactivate_organization(organization.pk, actor=actor, **options)
    organization.refresh_from_db()
    return event


def test_there_and_back_again(acme, globex, alice, bob, lead, agent):
    """P50 to P52: what comes back is as it was; what never comes back stays ended."""
    factories.role(acme, user=bob)
    control_plane = factories.control_plane(acme)
    subscription = factories.subscription(acme)
    deactivate(acme, actor=lead, take_down_at=timezone.now() + timedelta(hours=72))
    deactivate(globex, actor=lead)

    event = reactivate(acme, lead, restore_people=True)

    assert (acme.state, acme.reactivated_at, acme.deactivated_at, acme.purge_at) == (
        State.ACTIVE,
        event.at,
        None,
        None,
    )
    assert acme.inactive_at == event.at + timedelta(days=30)
    assert teams_of(alice, acme) == ["Organization Admin"]
    assert teams_of(bob, acme) == ["Analytics Viewer"]
    assert acme.role_assignments.get().user == bob
    control_plane.refresh_from_db()
    assert (control_plane.state, control_plane.begins_at, control_plane.decommission_requested_at) == (
        "active",
        None,
        None,
    )
    subscription.refresh_from_db()
    assert subscription.ended_at is not None
    assert License.objects.live().filter(organization=acme).count() == 3
    assert acme.licenses.count() == 6
    assert not is_locked(alice.email)
    assert is_locked("charlie@globex.example")
    globex.refresh_from_db()
    assert globex.state == State.INACTIVE


def test_without_the_tick_only_the_owner_is_back(acme, alice, bob, lead):
    """P50, P52"""
    deactivate(acme, actor=lead)

    reactivate(acme, lead)

    assert teams_of(alice, acme) == ["Organization Admin"]
    assert teams_of(bob, acme) == []
    assert acme.memberships.count() == 2


def test_what_has_begun_to_be_taken_down_is_finished_by_its_id(acme, lead):
    """P51"""
    begun = factories.control_plane(acme, "begun")
    waiting = factories.control_plane(acme, "waiting")
    deactivate(acme, actor=lead, take_down_at=timezone.now() + timedelta(hours=72))
    ControlPlane.objects.filter(pk=begun.pk).update(begun_at=timezone.now())

    event = reactivate(acme, lead)

    begun.refresh_from_db()
    waiting.refresh_from_db()
    assert begun.state == ControlPlane.State.DECOMMISSIONING
    assert waiting.state == ControlPlane.State.ACTIVE
    assert event.details["control_planes"] == [str(waiting.pk)]


def test_what_an_earlier_deactivation_took_down_is_not_told_again(acme, lead):
    """P51"""
    factories.control_plane(acme)
    deactivate(acme, actor=lead)
    ControlPlane.objects.update(begun_at=timezone.now())
    reactivate(acme, lead)
    factories.control_plane(acme, "second")
    deactivate(acme, actor=lead, take_down_at=timezone.now() + timedelta(hours=72))
    acme.refresh_from_db()

    preview = reactivation_of(acme, at=timezone.now())

    assert [row.name for row in preview.returning] == ["second"]
    assert preview.gone == []


def test_closed_accounts_deleted_teams_and_roles_on_what_is_gone_do_not_return(acme, bob, lead):
    """P52"""
    control_plane = factories.control_plane(acme)
    custom = Team.objects.create(organization=acme, name="Night shift")
    carol = factories.member(acme, None, "Night shift", "Portal Admin")
    closed = factories.member(acme, None, "Portal Admin")
    factories.role(acme, user=bob, entity_id=control_plane.pk)
    deactivate(acme, actor=lead)
    ControlPlane.objects.update(begun_at=timezone.now())
    custom.delete()
    closed.is_active = False
    closed.save()
    preview = reactivation_of(acme.__class__.objects.get(pk=acme.pk), at=timezone.now())

    reactivate(acme, lead, restore_people=True)

    assert len(preview.people.gone) == 3
    assert teams_of(carol, acme) == ["Portal Admin"]
    assert teams_of(closed, acme) == []
    assert not acme.role_assignments.exists()


def test_the_events_counts_are_those_of_the_preview_of_the_way_back(acme, lead):
    """P71"""
    factories.control_plane(acme)
    deactivate(acme, actor=lead, take_down_at=timezone.now() + timedelta(hours=72))
    acme.refresh_from_db()
    preview = reactivation_of(acme, at=timezone.now())

    event = reactivate(acme, lead, restore_people=True, expected=preview.digest)

    counts = event.details["counts"]
    assert {name: preview.counts[name] for name in ("control_planes", "locks", "people")} == {
        name: counts[name] for name in ("control_planes", "locks", "people")
    }
    with pytest.raises(LifecycleError, match="active"):
        reactivate(acme, lead, expected=preview.digest)


def test_a_take_down_that_began_since_the_preview_stops_the_act(acme, lead):
    """P51, P71"""
    factories.control_plane(acme)
    deactivate(acme, actor=lead, take_down_at=timezone.now() + timedelta(hours=72))
    acme.refresh_from_db()
    preview = reactivation_of(acme, at=timezone.now())
    ControlPlane.objects.update(begun_at=timezone.now())

    with pytest.raises(PreviewChanged):
        reactivate(acme, lead, expected=preview.digest)


def test_a_closed_owner_needs_another_member(acme, alice, bob, lead):
    """P53"""
    deactivate(acme, actor=lead)
    alice.is_active = False
    alice.save()

    with pytest.raises(LifecycleError, match="name another member"):
        reactivate(acme, lead)
    with pytest.raises(LifecycleError, match="not a member"):
        reactivate(acme, lead, owner=factories.UserFactory())
    reactivate(acme, lead, owner=bob)

    assert acme.owner == bob
    assert teams_of(bob, acme) == ["Organization Admin"]
    assert acme.contact_email == bob.email


def test_a_contact_that_was_set_apart_stays_under_a_new_owner(acme, alice, bob, lead):
    """P2, P53"""
    acme.contact_email = "office@acme.example"
    acme.save()
    deactivate(acme, actor=lead)
    alice.is_active = False
    alice.save()
    reactivate(acme, lead, owner=bob)

    assert (acme.owner, acme.contact_email) == (bob, "office@acme.example")


def test_an_owner_with_an_open_account_is_not_replaced_here(acme, bob, lead):
    """P53"""
    deactivate(acme, actor=lead)

    with pytest.raises(LifecycleError, match="no other owner is needed"):
        reactivate(acme, lead, owner=bob)


def test_what_is_on_hold_is_not_reactivated_and_the_reason_is_told(acme, lead):
    """P53, P58"""
    deactivate(acme, actor=lead)
    acme.refresh_from_db()
    acme.hold_until, acme.hold_reason, acme.hold_ticket = timezone.now() + timedelta(days=9), "court order", "T-9"
    acme.save()

    with pytest.raises(LifecycleError, match="court order"):
        reactivate(acme, lead)


@pytest.mark.parametrize("state", [State.DELETING, State.DELETED])
def test_what_was_purged_is_refused_with_the_date(state, acme, lead):
    """P53, P55"""
    deactivate(acme, actor=lead)
    acme.__class__.objects.filter(pk=acme.pk).update(state=state)

    with pytest.raises(LifecycleError, match="purged"):
        reactivate(acme, lead)


def test_an_unknown_organization_is_told(acme, lead):
    """P53"""
    with pytest.raises(LifecycleError, match="no organization with the id"):
        lifecycle.reactivate_organization(lead.pk, actor=lead, via=Via.ADMIN, note="n", ticket="T")


def test_an_agent_brings_back_what_an_agent_deactivated_in_the_last_72_hours(acme, globex, agent, lead):
    """P70"""
    deactivate(acme, actor=agent)
    deactivate(globex, actor=lead)

    factories.support_request(acme)
    reactivate(acme, agent, proof="session")
    with pytest.raises(LifecycleError, match="may not"):
        reactivate(globex, agent)

    assert acme.state == State.ACTIVE


def test_unlocking_releases_every_live_lock_of_the_address_and_nothing_else(acme, globex, alice, lead, agent):
    """P54"""
    globex.contact_email = alice.email
    globex.save()
    deactivate(acme, globex, actor=lead)

    factories.support_request(acme, wish="unlock")
    said = {"note": "proved it", "ticket": "T-3", "proof": "session"}
    event = lifecycle.unlock_email(" ALICE@acme.example", actor=agent, via=Via.ADMIN, **said)

    assert not is_locked(alice.email)
    assert is_locked("charlie@globex.example")
    assert event.details["counts"] == {"locks": 2}
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE
    assert set(EmailLock.objects.filter(address=alice.email).values_list("released_event_id", flat=True)) == {event.pk}


def test_unlocking_what_is_not_locked_is_told(agent):
    """P54"""
    with pytest.raises(LifecycleError, match="not locked"):
        lifecycle.unlock_email("nobody@acme.example", note="n", ticket="T", actor=agent, via=Via.ADMIN)


def test_an_unlocked_address_stays_free_after_its_organization_comes_back(acme, alice, lead):
    """P54: unlocking, using the address elsewhere, then reactivating works; a new deactivation locks again."""
    deactivate(acme, actor=lead)
    lifecycle.unlock_email(alice.email, note="n", ticket="T", actor=lead, via=Via.ADMIN)
    elsewhere = factories.organization("Elsewhere", owner=alice)

    reactivate(acme, lead)

    assert not is_locked(alice.email)
    deactivate(acme, actor=lead)
    assert is_locked(alice.email)
    elsewhere.refresh_from_db()
    assert elsewhere.state == State.ACTIVE


def test_a_lead_hastens_what_waits_and_an_agent_does_not(acme, globex, agent, lead):
    """P42, P70"""
    for organization in (acme, globex):
        factories.control_plane(organization)
    deactivate(acme, globex, actor=agent)

    with pytest.raises(LifecycleError, match="may not"):
        lifecycle.hasten_take_down(acme.pk, note="n", ticket="T", actor=agent, via=Via.ADMIN)
    event = lifecycle.hasten_take_down(acme.pk, note="now", ticket="T", actor=lead, via=Via.ADMIN)

    assert acme.control_planes.get().begins_at == acme.control_planes.get().next_attempt_at == event.at
    assert globex.control_planes.get().begins_at > event.at
    assert LifecycleEvent.objects.filter(organization_id=acme.pk).count() == 2


@pytest.mark.parametrize("missing", ["note", "ticket"])
def test_every_act_of_staff_says_why_and_names_a_ticket(missing, acme, lead):
    """P71"""
    deactivate(acme, actor=lead)

    with pytest.raises(LifecycleError):
        reactivate(acme, lead, **{missing: "  "})


def test_teams_are_not_restored_for_those_who_left_meanwhile(acme, bob, lead):
    """P52"""
    deactivate(acme, actor=lead, reason=Reason.FRAUD)
    acme.memberships.filter(user=bob).delete()

    reactivate(acme, lead, restore_people=True)

    assert not TeamMembership.objects.filter(user=bob).exists()
