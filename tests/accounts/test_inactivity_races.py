"""The check beside logins, other checks, leads and a worker, on rows that are committed (P40, P49, P65, P66)."""

import pytest
from django.utils import timezone

from accounts import inactivity
from accounts.checks import CheckResult, approve, dismiss, run_check
from accounts.errors import LifecycleError
from accounts.models import CheckRun, LifecycleEvent, Organization
from accounts.services.logins import record_login
from konnect_portal.celery import app
from tests.accounts.test_inactivity_checks import inactive, listed, unused
from tests.races import at_once, collide
from tests.workers import Worker, eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("without_notices")]


@pytest.fixture(autouse=True)
def limit_of_two(settings):
    settings.INACTIVITY_LIMIT_FLOOR = 2


def test_two_checks_deactivate_once():
    """P49, P65"""
    organizations = unused("One", "Two")

    results = at_once(run_check, run_check)

    assert sorted(len(result.deactivated) for result in results if isinstance(result, CheckResult)) == [0, 2]
    assert LifecycleEvent.objects.count() == len(organizations)


def test_two_checks_open_one_request():
    """P66"""
    unused("One", "Two", "Three")

    at_once(run_check, run_check)

    run = CheckRun.objects.get()
    assert (run.outcome, listed(run)) == ("waiting", ["One", "Three", "Two"])


def test_two_leads_decide_once(lead, administrator):
    """P49, P66"""
    unused("One", "Two", "Three")
    run = run_check().run

    answers = at_once(lambda: approve(run, actor=lead), lambda: dismiss(run, actor=administrator, reason="No"))

    assert [isinstance(answer, LifecycleError) for answer in answers].count(True) == 1
    decided = CheckRun.objects.get()
    assert len(inactive()) == (3 if decided.outcome == "approved" else 0)


def test_who_logs_in_while_the_check_is_at_it_is_left_alone(acme, alice, globex):
    """P65: each organization is asked again under lock."""
    result = collide(lambda: record_login(acme.pk, alice, timezone.now()), run_check)

    assert inactive() == ["Globex"]
    assert isinstance(result, CheckResult)
    assert result.deactivated == [globex.pk]


def test_who_logs_in_after_the_check_waits_for_it_and_is_refused(acme, alice):
    """P40, P65"""
    late = collide(run_check, lambda: record_login(acme.pk, alice, timezone.now()))

    assert isinstance(late, Organization.DoesNotExist)
    assert Organization.objects.get().last_login_at is None


def test_beat_has_a_worker_run_the_check(tmp_path):
    """P65"""
    unused("Gone")
    app.control.purge()
    worker = Worker(tmp_path / "worker.log", variables={"INACTIVITY_NOTICES": "false"})
    try:
        app.send_task(app.conf.beat_schedule["check inactivity"]["task"])
        eventually(lambda: inactive() == ["Gone"], within=20)
    finally:
        worker.stop()

    assert CheckRun.objects.get().deactivated_count == 1


def test_a_check_lets_the_next_one_begin_after_it_failed(monkeypatch):
    """P65"""
    monkeypatch.setattr(inactivity, "SET_SIZE", -1)
    with pytest.raises(ValueError, match="Negative"):
        run_check()
    monkeypatch.undo()
    unused("One")

    at_once(run_check)

    assert inactive() == ["One"]
