"""The check at work: who goes, what stops it, what leads decide (P65, P66)."""

import gc
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts import checks, inactivity, sets
from accounts.checks import approve, dismiss, list_digest, pause, resume, run_check
from accounts.errors import LifecycleError
from accounts.models import CheckEntry, CheckPause, CheckRun, Exemption, LifecycleEvent, Organization
from accounts.tasks import check_inactivity
from accounts.words import Reason, Via
from billing.models import BillingAccount, Plan
from tests import factories

pytestmark = pytest.mark.usefixtures("without_notices")

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def limit_of_two(settings):
    settings.INACTIVITY_LIMIT_FLOOR = 2


def unused(*names):
    return [factories.organization(name) for name in names]


def log_in(organization):
    Organization.objects.filter(pk=organization.pk).update(last_login_at=timezone.now())


def inactive():
    return sorted(Organization.objects.inactive().values_list("name", flat=True))


def listed(run):
    return sorted(run.entries.values_list("organization__name", flat=True))


def refuse_to_deactivate(*organizations):
    """The database itself refuses these, as it would whatever is broken about them."""
    ids = ", ".join(f"'{organization.pk}'" for organization in organizations)
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON accounts_organization
            FOR EACH ROW WHEN (NEW.state = 'inactive' AND NEW.id IN ({ids})) EXECUTE FUNCTION refuse()
        """)


@pytest.mark.django_db
class TestRun:
    def test_who_is_due_goes_and_nobody_else(self, now):
        """P39, P60, P65"""
        gone, used, paying = unused("Gone", "Used", "Paying")
        log_in(used)
        factories.subscription(paying, Plan.PLUS)

        result = run_check()

        assert inactive() == ["Gone"]
        assert result.deactivated == [gone.pk]
        event = LifecycleEvent.objects.get()
        assert (event.organization_id, event.reason, event.via, event.actor_id) == (
            gone.pk,
            Reason.INACTIVITY,
            Via.CHECK,
            None,
        )

    def test_the_run_tells_what_it_found_and_did(self, lead, now):
        """P65, P66"""
        unused("Gone")
        factories.organization("On hold", hold_until=now + DAY, hold_reason="court", hold_ticket="T-1")
        factories.control_plane(unused("Unknown")[0], geo="eu")

        run_check()

        run = CheckRun.objects.get()
        assert (run.outcome, run.due_count, run.held_counts, run.limit, run.deactivated_count, run.failed_count) == (
            "done",
            3,
            {"hold": 1, "missing_usage": 1},
            10,
            1,
            0,
        )
        assert now <= run.started_at
        assert run.finished_at is not None

    def test_running_twice_changes_nothing(self):
        """P65"""
        unused("Gone")

        run_check()
        second = run_check()

        assert LifecycleEvent.objects.count() == 1
        assert (second.run.due_count, second.deactivated) == (0, [])

    def test_beat_runs_the_same_check(self):
        """P65"""
        unused("Gone")

        check_inactivity()

        assert inactive() == ["Gone"]

    def test_exact_moments_are_written_back_where_they_lie_later(self, now):
        """Habit 7"""
        used, on_trial, paying, due = unused("Used", "On trial", "Paying", "Due")
        exempt = Exemption.objects.create(organization=unused("Exempt")[0], reason="seasonal").organization
        BillingAccount.objects.filter(pk=used.pk).update(anchor_at=now - DAY, last_api_request_at=now)
        factories.subscription(on_trial, "trial", ends_at=now + 5 * DAY)
        factories.subscription(paying, Plan.PLUS)
        factories.control_plane(due)

        run_check()

        stored = dict(Organization.objects.values_list("name", "inactive_at"))
        assert stored["Used"] == now + 59 * DAY
        assert stored["On trial"] == now + 35 * DAY
        assert timedelta(0) <= stored["Paying"] - (now + 30 * DAY) < 5 * SECOND
        assert stored["Due"] == due.created_at + 30 * DAY
        assert stored["Exempt"] == exempt.created_at + 30 * DAY

    def test_a_bound_that_changed_since_it_was_read_is_left_alone(self, acme, now):
        """Habit 7"""
        log_in(acme)
        standing = inactivity.explain(acme.pk)
        Organization.objects.filter(pk=acme.pk).update(inactive_at=now + DAY)

        checks.raise_lower_bounds([standing])

        assert Organization.objects.get(pk=acme.pk).inactive_at == now + DAY

    def test_another_moment_decides_but_now_is_asked_too(self, now):
        """P67: decided by `at`, asked again for now, stamped now."""
        recent, _ = unused("Recent", "Old")
        Organization.objects.filter(pk=recent.pk).update(last_login_at=now - DAY)

        in_a_year = run_check(now + 365 * DAY)
        assert inactive() == ["Old"]
        assert LifecycleEvent.objects.get().at < now + HOUR
        assert (in_a_year.run.at, in_a_year.run.due_count) == (now + 365 * DAY, 2)
        assert run_check(now - 390 * DAY).run.due_count == 0

    def test_a_check_of_a_time_to_come_raises_no_bound(self, now):
        """Habit 7: who is on Plus in a year may have left it by then."""
        paying = unused("Paying")[0]
        factories.subscription(paying, Plan.PLUS)

        run_check(now + 365 * DAY)

        assert Organization.objects.get().inactive_at == paying.inactive_at

    def test_a_set_that_fails_is_tried_one_by_one(self, caplog):
        """P65: one failure does not stop the others."""
        broken = unused("One", "Broken", "Two")[1]
        refuse_to_deactivate(broken)

        result = run_check()

        assert inactive() == ["One", "Two"]
        assert (result.run.deactivated_count, result.run.failed_count) == (2, 1)
        assert str(broken.pk) in caplog.text

    def test_a_set_that_fails_does_not_stop_the_next_one(self, monkeypatch):
        """P65"""
        monkeypatch.setattr(sets, "SET_SIZE", 1)
        refuse_to_deactivate(unused("Broken", "Two")[0])

        run_check()

        assert inactive() == ["Two"]


@pytest.mark.django_db
@pytest.mark.usefixtures("limit_of_two")
class TestLimit:
    def test_at_the_limit_they_go(self):
        """P66"""
        unused("One", "Two")

        run_check()

        assert inactive() == ["One", "Two"]

    def test_above_it_nobody_goes_and_one_request_waits(self):
        """P66"""
        organizations = unused("One", "Two", "Three")

        run = run_check().run

        assert inactive() == []
        assert (run.outcome, run.due_count, run.held_counts, run.limit) == ("waiting", 3, {"limit": 3}, 2)
        assert listed(run) == ["One", "Three", "Two"]
        entry = run.entries.get(organization=organizations[0])
        assert (entry.inactive_at, entry.last_seen_at, entry.last_api_request_at) == (
            organizations[0].created_at + 30 * DAY,
            organizations[0].created_at,
            None,
        )

    def test_those_held_otherwise_do_not_count(self, now):
        """P66"""
        unused("One", "Two")
        factories.organization("On hold", hold_until=now + DAY, hold_reason="court", hold_ticket="T-1")

        run_check()

        assert inactive() == ["One", "Two"]

    def test_what_went_in_the_last_24_hours_counts(self, now):
        """P66"""
        went = {"act": "deactivated", "via": "check", "reason": Reason.INACTIVITY, "organization_id": uuid4()}
        LifecycleEvent.objects.create(at=now - DAY - SECOND, **went)
        LifecycleEvent.objects.create(at=now - DAY + 60 * SECOND, **went)
        LifecycleEvent.objects.create(at=now, **went | {"via": "admin", "reason": Reason.SPAM})
        unused("One")
        run_check()
        assert inactive() == ["One"]

        unused("Two")
        run_check()
        assert inactive() == ["One"]
        assert CheckRun.objects.get(outcome="waiting").held_counts == {"limit": 1}

    def test_later_runs_refresh_the_one_list(self):
        """P66"""
        one, *_ = unused("One", "Two", "Three", "Four")
        first = run_check().run
        log_in(one)
        unused("Five")

        second = run_check().run

        assert first.pk == second.pk
        assert CheckRun.objects.count() == 1
        assert listed(second) == ["Five", "Four", "Three", "Two"]
        assert second.due_count == 4

    def test_a_request_that_became_needless_waits_no_more(self):
        """P66"""
        one, *_ = unused("One", "Two", "Three")
        run_check()
        log_in(one)

        run_check()

        assert inactive() == ["Three", "Two"]
        assert CheckRun.objects.get().outcome == "done"
        assert not CheckEntry.objects.exists()


@pytest.fixture
def waiting(db, limit_of_two):
    unused("One", "Two", "Three")
    return run_check().run


def organization(name):
    return Organization.objects.get(name=name)


class TestDecisions:
    def test_approved_they_go_whatever_the_limit(self, waiting, lead):
        """P66"""
        run = approve(waiting, actor=lead, reason="Checked with sales")

        assert inactive() == ["One", "Three", "Two"]
        assert (run.outcome, run.decided_by_id, run.decision_reason) == ("approved", lead.pk, "Checked with sales")
        assert (run.deactivated_count, run.failed_count) == (3, 0)
        assert not run.entries.filter(deactivated_at__isnull=True).exists()
        assert {event.actor_id for event in LifecycleEvent.objects.all()} == {lead.pk}

    def test_of_a_long_list_the_events_of_one_set_at_a_time_are_in_memory(self, waiting, lead, monkeypatch):
        """P65, habit 2"""
        monkeypatch.setattr(sets, "SET_SIZE", 1)
        ids = set(waiting.entries.values_list("organization", flat=True))
        alive = []

        def count(execute, sql, *statement):
            if sql.startswith('UPDATE "accounts_organization" SET "state"'):
                gc.collect()
                events = (each for each in gc.get_objects() if isinstance(each, LifecycleEvent))
                alive.append(sum(each.organization_id in ids for each in events))
            return execute(sql, *statement)

        with connection.execute_wrapper(count):
            approve(waiting, actor=lead)

        assert alive == [1, 1, 1]

    def test_approved_each_is_asked_again(self, waiting, lead, now):
        """P65, P66: whoever logged in, changed plan, is exempt or held meanwhile is left alone."""
        log_in(organization("One"))
        Organization.objects.filter(name="Two").update(hold_until=now + DAY, hold_reason="court", hold_ticket="T-1")

        run = approve(waiting, actor=lead)

        assert inactive() == ["Three"]
        assert run.deactivated_count == 1
        assert [entry.organization.name for entry in run.entries.filter(deactivated_at__isnull=False)] == ["Three"]

    def test_one_that_fails_does_not_stop_the_others(self, waiting, lead):
        """P65"""
        refuse_to_deactivate(organization("One"))

        run = approve(waiting, actor=lead)

        assert inactive() == ["Three", "Two"]
        assert (run.deactivated_count, run.failed_count) == (2, 1)

    def test_carrying_out_that_broke_off_is_finished_by_the_next_check(self, waiting, lead):
        """P48, P66"""
        checks._decide(waiting, CheckRun.Outcome.APPROVED, lead, "", None)

        run_check()

        assert inactive() == ["One", "Three", "Two"]
        run = CheckRun.objects.get(pk=waiting.pk)
        assert (run.outcome, run.deactivated_count, run.finished_at is not None) == ("approved", 3, True)

    def test_what_was_approved_counts_in_the_next_24_hours(self, waiting, lead):
        """P66"""
        approve(waiting, actor=lead)
        unused("Four")

        assert run_check().run.outcome == "waiting"

    def test_dismissed_they_rest(self, waiting, lead):
        """P66"""
        run = dismiss(waiting, actor=lead, reason="A holiday")

        assert (run.outcome, run.decided_by_id, run.decision_reason) == ("dismissed", lead.pk, "A holiday")
        after = run_check().run
        assert (after.outcome, after.held_counts) == ("done", {"dismissed": 3})
        assert inactive() == []

    def test_a_list_is_decided_once(self, waiting, lead, administrator):
        """P49, P66"""
        dismiss(waiting, actor=lead, reason="A holiday")

        with pytest.raises(LifecycleError, match=r"Nothing was done: Lena Lead dismissed this list on "):
            approve(waiting, actor=administrator)

        assert inactive() == []

    def test_a_list_that_changed_since_it_was_shown_is_not_approved(self, waiting, lead):
        """Habit 4"""
        shown = list_digest(waiting)
        unused("Four")
        run_check()

        with pytest.raises(LifecycleError, match="changed"):
            approve(waiting, actor=lead, digest=shown)
        assert inactive() == []

        approve(waiting, actor=lead, digest=list_digest(waiting))
        assert len(inactive()) == 4

    @pytest.mark.parametrize("who", ["agent", "viewer", "alice"])
    def test_only_leads_decide_and_pause(self, waiting, who, request):
        """P66, P70"""
        actor = request.getfixturevalue(who)

        for act in (
            lambda: approve(waiting, actor=actor),
            lambda: dismiss(waiting, actor=actor, reason="A holiday"),
            lambda: pause(actor=actor, reason="Incident"),
            lambda: resume(actor=actor),
        ):
            with pytest.raises(LifecycleError, match="needs the right"):
                act()
        assert CheckRun.objects.get().outcome == "waiting"

    def test_dismissing_and_pausing_need_a_reason(self, waiting, lead):
        """P66"""
        with pytest.raises(LifecycleError, match="why"):
            dismiss(waiting, actor=lead, reason="  ")
        with pytest.raises(LifecycleError, match="why"):
            pause(actor=lead, reason="")


class TestPause:
    def test_paused_nobody_goes_and_the_run_says_so(self, lead, db):
        """P66"""
        unused("One")
        pause(actor=lead, reason="Incident 12")

        run = run_check().run

        assert inactive() == []
        assert (run.outcome, run.held_counts) == ("paused", {"paused": 1})

    def test_resumed_they_go(self, lead, db):
        """P66"""
        unused("One")
        pause(actor=lead, reason="Incident 12")
        resume(actor=lead)

        run_check()

        assert inactive() == ["One"]
        stopped = CheckPause.objects.get()
        assert (stopped.reason, stopped.paused_by_id, stopped.resumed_by_id) == ("Incident 12", lead.pk, lead.pk)

    def test_a_waiting_list_waits_on_and_cannot_be_approved(self, waiting, lead):
        """P66"""
        pause(actor=lead, reason="Incident 12")
        run_check()

        with pytest.raises(LifecycleError, match="paused"):
            approve(waiting, actor=lead)

        assert listed(CheckRun.objects.get(outcome="waiting")) == ["One", "Three", "Two"]
        assert inactive() == []

    def test_it_is_paused_once_and_resumed_once(self, lead, db):
        """P66"""
        pause(actor=lead, reason="Incident 12")
        with pytest.raises(LifecycleError, match="already"):
            pause(actor=lead, reason="Incident 13")
        resume(actor=lead)
        with pytest.raises(LifecycleError, match="not paused"):
            resume(actor=lead)
