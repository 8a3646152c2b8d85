"""P66: a run of the inactivity check above its limit waits for a lead, who approves or dismisses its list."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.checks import list_digest
from accounts.models import CheckEntry, CheckPause, CheckRun
from accounts.words import State
from tests import factories
from tests.desk import signed_in

SWITCH = "/admin/accounts/checkrun/switch/"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_notices")]


@pytest.fixture
def idle(db):
    long_ago = timezone.now() - timedelta(days=200)
    return factories.organization("Idle", created_at=long_ago)


@pytest.fixture
def run(idle):
    run = CheckRun.objects.create(at=timezone.now(), outcome=CheckRun.Outcome.WAITING, due_count=1)
    CheckEntry.objects.create(run=run, organization=idle, inactive_at=idle.inactive_at, last_seen_at=idle.created_at)
    return run


def page_of(run):
    return reverse("admin:accounts_checkrun_change", args=[run.pk])


def decide(client, run, act, **answers):
    answers = {"decision": act, "reason": "Read it", "digest": list_digest(run), **answers}
    return client.post(page_of(run), answers, follow=True)


@pytest.mark.parametrize(
    ("tier", "may"), [("viewer", False), ("agent", False), ("lead", True), ("administrator", True)]
)
def test_who_may_decide(request, run, tier, may):
    """P70"""
    client = signed_in(request.getfixturevalue(tier))
    page = client.get(page_of(run)).content.decode()

    assert "Idle" in page
    assert ("Approve" in page) == may
    if not may:
        assert decide(client, run, "approve").status_code == 403
        assert client.get(SWITCH).status_code == 403
        assert SWITCH not in client.get("/admin/").content.decode()


def test_approved_they_go(run, idle, lead):
    answer = decide(signed_in(lead), run, "approve")

    idle.refresh_from_db()
    assert idle.state == State.INACTIVE
    assert "Approved: 1 organization of 1 deactivated" in answer.content.decode()


def test_dismissed_they_stay(run, idle, lead):
    answer = decide(signed_in(lead), run, "dismiss")

    idle.refresh_from_db()
    run.refresh_from_db()
    assert (idle.state, run.outcome) == (State.ACTIVE, CheckRun.Outcome.DISMISSED)
    assert "left alone for 30 days" in answer.content.decode()


def test_a_list_of_those_to_be_told_says_so(run, idle, lead):
    """P64, P66"""
    CheckRun.objects.update(kind=CheckRun.Kind.NOTIFY)
    client = signed_in(lead)
    assert "Approve: tell them" in client.get(page_of(run)).content.decode()

    answer = decide(client, run, "approve")

    idle.refresh_from_db()
    assert idle.state == State.ACTIVE
    assert idle.inactivity_notices.get().days_before == 14
    assert "Approved: 1 organization of 1 told" in answer.content.decode()


@pytest.mark.parametrize(
    ("answers", "word"),
    [({"reason": " "}, "required"), ({"digest": "old"}, "has changed"), ({"decision": "burn"}, "two buttons")],
)
def test_nothing_is_decided_without_reason_on_another_list_or_by_another_word(run, idle, lead, answers, word):
    answer = decide(signed_in(lead), run, "approve", **answers)

    assert word in answer.content.decode()
    run.refresh_from_db()
    assert run.outcome == CheckRun.Outcome.WAITING


def test_a_list_is_decided_once(run, lead):
    decide(signed_in(lead), run, "dismiss")

    answer = decide(signed_in(lead), run, "approve")

    assert "this list is dismissed already" in answer.content.decode()


def test_the_switch_pauses_and_resumes(db, lead):
    client = signed_in(lead)
    client.post(SWITCH, {"reason": "Billing is behind"})
    assert "Billing is behind" in client.get("/admin/").content.decode()
    client.post(SWITCH, {"pause": CheckPause.objects.get().pk})

    pause = CheckPause.objects.get()
    assert (pause.paused_by_id, pause.resumed_by_id) == (lead.pk, lead.pk)


def test_pausing_twice_does_not_resume(db, lead):
    """P66: a second click, and a lead whose page still offers to pause what a colleague has paused meanwhile."""
    for _ in range(2):
        answer = signed_in(lead).post(SWITCH, {"reason": "Billing is behind"}, follow=True)

    assert CheckPause.objects.get().resumed_at is None
    assert "paused meanwhile" in answer.content.decode()


def test_pausing_needs_a_reason(db, lead):
    signed_in(lead).post(SWITCH, {"reason": ""})

    assert not CheckPause.objects.exists()
