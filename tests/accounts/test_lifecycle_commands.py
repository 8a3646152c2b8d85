from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import LifecycleEvent
from accounts.services.locks import is_locked
from accounts.words import State
from tests import factories

pytestmark = pytest.mark.django_db


def run(capsys, *words) -> tuple[int, str]:
    """Exit status and what was said."""
    try:
        call_command(*map(str, words))
        status = 0
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr()
    return status, said.out + said.err


def deactivate(capsys, organization_id, *more):
    words = ("--reason", "spam", "--actor", "LEAD@portal.example", "--ticket", "T-1", *more)
    return run(capsys, "deactivate_organization", organization_id, *words)


def reactivate(capsys, organization_id, *more):
    words = ("--reason", "asked for it", "--actor", "lead@portal.example", "--ticket", "T-2", *more)
    return run(capsys, "reactivate_organization", organization_id, *words)


def test_there_and_back_by_command(acme, alice, bob, lead, capsys):
    """P39, P50, P54"""
    factories.control_plane(acme)

    status, said = deactivate(capsys, acme.pk, "--take-down", "later", "--note", "called them")
    assert (status, "Acme was deactivated: 0 subscriptions ended, 1 control planes" in said) == (0, True)
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE
    assert acme.control_planes.get().begins_at > timezone.now()

    words = ("--reason", "proved it", "--actor", "lead@portal.example", "--ticket", "T-3")
    assert run(capsys, "unlock_email", "Alice@Acme.example", *words)[0] == 0
    assert not is_locked(alice.email)

    assert reactivate(capsys, acme.pk, "--restore-people")[0] == 0
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE
    assert bob.team_memberships.exists()
    assert [event.via for event in LifecycleEvent.objects.all()] == ["command"] * 3


def test_the_second_is_told_that_it_was_done(acme, lead, capsys):
    """P49"""
    deactivate(capsys, acme.pk)

    status, said = deactivate(capsys, acme.pk)

    assert status == 1
    assert "Nothing was changed. Acme was deactivated already, on" in said
    assert LifecycleEvent.objects.count() == 1


@pytest.mark.parametrize("state", ["deleting", "deleted"])
def test_what_was_purged_is_told(state, acme, lead, capsys):
    """P53"""
    deactivate(capsys, acme.pk)
    acme.__class__.objects.update(state=state)

    for command in (deactivate, reactivate):
        status, said = command(capsys, acme.pk)
        assert (status, "purged" in said) == (1, True)


def test_nothing_changes_for_an_id_that_does_not_exist(lead, capsys):
    for command in (deactivate, reactivate):
        status, said = command(capsys, uuid4())
        assert (status, "no organization with the id" in said) == (1, True)


def test_a_person_without_the_right_is_refused(acme, viewer, capsys):
    """P70"""
    words = ("--reason", "spam", "--actor", viewer.email, "--ticket", "T-1")
    status, said = run(capsys, "deactivate_organization", acme.pk, *words)

    assert (status, "may not do this" in said) == (1, True)
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


def test_an_agents_deactivation_cannot_take_down_at_once(acme, agent, capsys):
    """P42"""
    words = ("--reason", "spam", "--actor", agent.email, "--ticket", "T-1", "--take-down", "now")
    assert run(capsys, "deactivate_organization", acme.pk, *words)[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"--reason": "boredom"},
        {"--reason": "inactivity"},
        {"--ticket": "  "},
        {"--ticket": "1" * 101},
        {"--ticket": "\udcff"},
        {"--note": "\udcff"},
        {"--note": "a\0b"},
        {"--actor": "\udcff"},
        {"--actor": "nobody@portal.example"},
        {"--actor": "alice@acme.example"},
        {"--take-down": "soon"},
        {"id": "not-an-id"},
    ],
)
def test_bad_arguments_are_told_and_change_nothing(change, acme, lead, capsys):
    words = {"--reason": "spam", "--actor": lead.email, "--ticket": "T-1"} | change
    organization_id = words.pop("id", acme.pk)

    with pytest.raises(CommandError):
        run(capsys, "deactivate_organization", organization_id, *(word for pair in words.items() for word in pair))

    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


def test_words_that_are_no_utf_8_are_bad_arguments(acme, lead, capsys):
    """A shell hands them over as lone surrogates."""
    deactivate(capsys, acme.pk)
    words = ("--actor", lead.email, "--ticket", "T-3")

    for command in (
        ("unlock_email", "\udcff", "--reason", "proved it"),
        ("unlock_email", "alice@acme.example", "--reason", "\udcff"),
        ("reactivate_organization", acme.pk, "--reason", "\udcff"),
        ("reactivate_organization", acme.pk, "--reason", "asked for it", "--owner", "\udcff"),
    ):
        with pytest.raises(CommandError, match="no UTF-8"):
            run(capsys, *command, *words)


def test_an_address_that_is_not_locked_is_told(lead, capsys):
    """P54"""
    words = ("--reason", "proved it", "--actor", lead.email, "--ticket", "T-3")
    status, said = run(capsys, "unlock_email", "free@acme.example", *words)

    assert (status, "free@acme.example is not locked" in said) == (1, True)
