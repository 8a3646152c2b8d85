"""P74: a lead deactivates a reviewed list in one act; a second one is asked above 50; a worker does it in sets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import Email

from accounts.bulk import acting
from accounts.bulk.acting import approve, carry_out, confirm, stop
from accounts.bulk.lists import forget_reports, list_digest, make_list, read_ids
from accounts.errors import LifecycleError, PreviewChanged
from accounts.lifecycle import deactivate_organizations
from accounts.models import Approval, BulkDeactivation, BulkEntry, LifecycleEvent, Organization
from accounts.services import approvals
from accounts.tasks import deactivate_lists
from accounts.words import Act, Reason, Tier, Via
from billing.models import Plan
from geos.models import ControlPlane
from konnect_portal.celery import app
from tests import factories
from tests.accounts.test_inactivity_checks import refuse_to_deactivate
from tests.races import at_once, collide, in_thread, wait_until_blocked
from tests.workers import Worker, eventually

SAID = {"note": "A wave", "ticket": "T-1", "via": Via.ADMIN}


def organizations(count):
    return [factories.organization(f"Spam {n}") for n in range(count)]


def list_of(*some, actor):
    return make_list(read_ids("\n".join(str(each.pk) for each in some)), actor=actor)


def confirmed(bulk, actor, **change):
    return confirm(bulk, **({"expected": list_digest(bulk), "shown": [], "actor": actor} | SAID | change))


def yes(approval, actor):
    approve(approval, expected=approval.digest, actor=actor, via=Via.ADMIN)


def running(*some, actor):
    bulk = list_of(*some, actor=actor)
    confirmed(bulk, actor)
    return bulk


def results(bulk):
    return list(bulk.entries.order_by("pk").values_list("line", "result", "why"))


def inactive():
    return set(Organization.objects.inactive().values_list("name", flat=True))


@pytest.fixture
def second(db):
    return factories.staff(Tier.LEAD, email="second@portal.example")


@pytest.fixture
def alone_at_most_one(monkeypatch):
    monkeypatch.setattr(acting, "ALONE_AT_MOST", 1)


def test_ids_are_found_whatever_stands_around_them():
    one, two, three = uuid4(), uuid4(), uuid4()
    address = f"https://x.example/{str(three).upper()}/change/"
    text = f"Organization,Mails\n\n{one}, 12;{two}\r\n  see {address}.\n{one}0 -{one}"

    found = read_ids(text)

    assert [(line, id) for line, _, id in found] == [(1, None), (3, one), (3, two), (4, three), (5, None)]


@pytest.mark.django_db
class TestList:
    def test_each_line_has_its_verdict(self, acme, globex, lead):
        paying, trying, gone, unknown = *organizations(3), uuid4()
        factories.subscription(paying, Plan.PLUS)
        factories.subscription(trying, "trial")
        deactivate_organizations([gone.pk], reason=Reason.SPAM, actor=lead, via=Via.ADMIN, ticket="T-0")
        lines = [acme.pk, acme.pk, paying.pk, trying.pk, gone.pk, unknown, "not an id", globex.pk]

        bulk = make_list(read_ids("\n".join(map(str, lines))), actor=lead)

        assert results(bulk) == [
            (1, "waiting", ""),
            (2, "left", "Named before"),
            (3, "left", "It is on Plus"),
            (4, "left", "It is on Plus"),
            (5, "left", "It is deactivated already"),
            (6, "left", "No organization has this id"),
            (7, "left", "There is no id in this line"),
            (8, "waiting", ""),
        ]
        assert inactive() == {"Spam 2"}

    def test_ten_thousand_ids_are_one_list_in_a_few_statements(self, acme, lead, django_assert_max_num_queries):
        text = "\n".join(str(uuid4()) for _ in range(9_999)) + f"\n{acme.pk}"

        with django_assert_max_num_queries(20):
            bulk = make_list(read_ids(text), actor=lead)

        assert bulk.entries.count() == 10_000
        assert bulk.entries.get(result="waiting").line == 10_000

    @pytest.mark.parametrize(
        ("text", "words"),
        [("", "no id"), ("12345\nacme", "no id"), ("x\n" * 20_001, "too long")],
        ids=["empty", "words", "long"],
    )
    def test_what_names_nobody_or_too_many_is_refused(self, lead, text, words):
        with pytest.raises(LifecycleError, match=words):
            make_list(read_ids(text), actor=lead)

        assert not BulkDeactivation.objects.exists()

    def test_an_agent_makes_no_list(self, acme, agent):
        """P70"""
        with pytest.raises(LifecycleError, match="may not do this"):
            list_of(acme, actor=agent)

    def test_a_report_that_nobody_confirms_is_forgotten_after_a_week(self, acme, globex, lead):
        old, new, kept = list_of(acme, actor=lead), list_of(acme, actor=lead), running(globex, actor=lead)
        BulkDeactivation.objects.exclude(pk=new.pk).update(made_at=timezone.now() - timedelta(days=8))

        forget_reports(at=timezone.now())

        assert set(BulkDeactivation.objects.all()) == {new, kept}
        assert not BulkEntry.objects.filter(bulk=old.pk).exists()


@pytest.mark.django_db
class TestConfirming:
    def test_nothing_goes_before_it_is_confirmed(self, acme, lead):
        list_of(acme, actor=lead)

        deactivate_lists()

        assert inactive() == set()

    def test_confirmed_they_go_as_spam_later_and_unmailed_and_nobody_else(self, acme, globex, lead):
        """P42, P47, P49"""
        factories.control_plane(acme)
        bulk = list_of(acme, actor=lead)
        confirmed(bulk, lead, address="192.0.2.1")

        deactivate_lists()

        assert inactive() == {"Acme"}
        assert results(bulk) == [(1, "deactivated", "")]
        event = LifecycleEvent.objects.get()
        assert (event.act, event.organization_id, event.reason, event.via) == ("deactivated", acme.pk, "spam", "bulk")
        assert (event.actor_id, event.note, event.ticket, event.remote_address) == (
            lead.pk,
            "A wave",
            "T-1",
            "192.0.2.1",
        )
        plane = ControlPlane.objects.get()
        assert plane.begins_at - plane.decommission_requested_at == timedelta(hours=72)
        assert not Email.objects.exists()
        bulk.refresh_from_db()
        assert bulk.finished_at

    @pytest.mark.parametrize(
        ("change", "words"),
        [({"note": ""}, "reason is empty"), ({"ticket": " "}, "ticket"), ({"expected": "old"}, "Something changed")],
        ids=["reason", "ticket", "another list"],
    )
    def test_it_is_refused_without_reason_and_ticket_or_where_the_list_is_another(self, acme, lead, change, words):
        with pytest.raises(LifecycleError, match=words):
            confirmed(list_of(acme, actor=lead), lead, **change)

        assert not BulkDeactivation.objects.running().exists()

    def test_who_changed_since_the_report_is_told_and_nothing_is_done(self, acme, globex, lead):
        """Habit 4"""
        bulk = list_of(acme, globex, actor=lead)
        digest = list_digest(bulk)
        factories.subscription(acme, Plan.PLUS)

        with pytest.raises(PreviewChanged):
            confirmed(bulk, lead, expected=digest)

        assert results(bulk) == [(1, "left", "It is on Plus"), (2, "waiting", "")]
        confirmed(bulk, lead)
        carry_out(bulk)
        assert inactive() == {"Globex"}

    def test_a_list_of_which_nobody_may_go_is_refused(self, acme, lead):
        factories.subscription(acme, Plan.PLUS)

        with pytest.raises(LifecycleError, match="None of these"):
            confirmed(list_of(acme, actor=lead), lead)

    def test_it_is_confirmed_once(self, acme, lead):
        bulk = running(acme, actor=lead)

        with pytest.raises(LifecycleError, match="confirmed already"):
            confirmed(bulk, lead)

    def test_fifty_go_by_one_lead_and_above_them_a_second_is_asked(self, lead):
        assert acting.ALONE_AT_MOST == 50


@pytest.mark.django_db
@pytest.mark.usefixtures("alone_at_most_one")
class TestSecondLead:
    def test_nothing_goes_before_another_lead_has_said_yes(self, acme, globex, lead, second):
        bulk = list_of(acme, globex, actor=lead)
        asked = confirmed(bulk, lead)
        deactivate_lists()
        assert inactive() == set()
        with pytest.raises(LifecycleError, match="yourself"):
            yes(asked, lead)

        yes(asked, second)
        deactivate_lists()

        assert inactive() == {"Acme", "Globex"}
        assert Approval.objects.get(pk=asked.pk).decided_by_id == second.pk
        told = LifecycleEvent.objects.filter(act=Act.DEACTIVATED).values_list("actor_id", "details__approved_by")
        assert set(told) == {(lead.pk, str(second.pk))}

    def test_it_is_void_where_somebody_on_the_list_has_changed(self, acme, globex, lead, second):
        bulk = list_of(acme, globex, actor=lead)
        asked = confirmed(bulk, lead)
        factories.subscription(acme, Plan.PLUS)

        with pytest.raises(PreviewChanged):
            yes(asked, second)

        assert not BulkDeactivation.objects.running().exists()

    def test_declined_it_can_be_asked_for_anew(self, acme, globex, lead, second):
        bulk = list_of(acme, globex, actor=lead)
        approvals.decline(confirmed(bulk, lead).pk, actor=second, via=Via.ADMIN, note="Acme is none")

        yes(confirmed(bulk, lead), second)

        assert BulkDeactivation.objects.running().get() == bulk


@pytest.mark.django_db
class TestSeveralLists:
    """P74: several lists of a lead count together."""

    @pytest.fixture(autouse=True)
    def alone_at_most_two(self, monkeypatch):
        monkeypatch.setattr(acting, "ALONE_AT_MOST", 2)

    def test_a_list_that_goes_over_the_limit_with_the_one_before_takes_a_second_lead(self, acme, lead):
        carry_out(running(*organizations(2), actor=lead))
        bulk = list_of(acme, actor=lead)

        assert confirmed(bulk, lead).target_id == bulk.pk

        deactivate_lists()
        assert inactive() == {"Spam 0", "Spam 1"}

    def test_what_went_24_hours_ago_counts_no_more(self, lead):
        old = running(*organizations(2), actor=lead)
        carry_out(old)
        at = timezone.now()
        confirmed_at = at - timedelta(hours=30)
        for hours, count in ((23, 2), (24, 0)):
            BulkDeactivation.objects.update(confirmed_at=confirmed_at, finished_at=at - timedelta(hours=hours))
            assert acting.gone_alone(lead, at=at) == count

    def test_a_list_still_at_work_counts_in_full_and_a_stopped_one_with_who_went(self, lead, monkeypatch):
        monkeypatch.setattr(acting, "SET_SIZE", 1)
        monkeypatch.setattr(acting, "TURN_SECONDS", -1)
        bulk = running(*organizations(2), actor=lead)
        BulkDeactivation.objects.update(confirmed_at=timezone.now() - timedelta(days=2))
        carry_out(bulk)
        assert acting.gone_alone(lead, at=timezone.now()) == 2

        stop(bulk, actor=lead)

        assert acting.gone_alone(lead, at=timezone.now()) == 1

    def test_who_was_left_and_what_two_leads_confirmed_count_for_neither(self, acme, lead, second):
        yes(confirmed(list_of(*organizations(3), actor=lead), lead), second)
        bulk = running(acme, actor=lead)
        factories.subscription(acme, Plan.PLUS)
        deactivate_lists()
        assert results(bulk) == [(1, "left", "It is on Plus")]

        assert [acting.gone_alone(each, at=timezone.now()) for each in (lead, second)] == [0, 0]

    def test_what_another_lead_deactivated_does_not_count(self, acme, lead, second):
        running(*organizations(2), actor=second)

        assert confirmed(list_of(acme, actor=lead), lead) is None


@pytest.mark.django_db
class TestCarryingOut:
    def test_each_is_asked_again(self, acme, globex, lead):
        bulk = running(acme, globex, actor=lead)
        factories.subscription(acme, Plan.ENTERPRISE)

        carry_out(bulk)

        assert results(bulk) == [(1, "left", "It is on Enterprise"), (2, "deactivated", "")]

    def test_it_goes_in_sets_and_stopped_between_them_the_rest_is_left(self, lead, monkeypatch):
        monkeypatch.setattr(acting, "SET_SIZE", 2)
        monkeypatch.setattr(acting, "TURN_SECONDS", -1)
        bulk = running(*organizations(5), actor=lead)
        carry_out(bulk)
        assert len(inactive()) == 2

        stopped = stop(bulk, actor=lead)

        carry_out(bulk)
        assert [result for _, result, _ in results(bulk)] == ["deactivated"] * 2 + ["left"] * 3
        assert results(bulk)[-1][2] == "Stopped before its turn"
        assert (stopped.stopped_by_id, stopped.finished_at) == (lead.pk, None)
        with pytest.raises(LifecycleError, match="not being worked off"):
            stop(bulk, actor=lead)

    def test_an_agent_stops_nothing(self, acme, lead, agent):
        """P70"""
        with pytest.raises(LifecycleError, match="may not do this"):
            stop(running(acme, actor=lead), actor=agent)

    def test_what_was_broken_off_goes_on_and_each_goes_once(self, lead, monkeypatch):
        monkeypatch.setattr(acting, "SET_SIZE", 2)
        monkeypatch.setattr(acting, "TURN_SECONDS", -1)
        bulk = running(*organizations(3), actor=lead)

        for _ in range(3):
            deactivate_lists()

        assert len(inactive()) == LifecycleEvent.objects.count() == 3
        bulk.refresh_from_db()
        assert bulk.finished_at

    def test_one_that_fails_does_not_stop_the_others(self, acme, globex, lead):
        bulk = running(acme, globex, actor=lead)
        refuse_to_deactivate(acme)

        carry_out(bulk)

        assert results(bulk) == [(1, "failed", acting.FAILED), (2, "deactivated", "")]
        bulk.refresh_from_db()
        assert bulk.finished_at

    def test_where_its_lead_has_lost_the_right_nobody_goes(self, acme, lead):
        """P70"""
        bulk = running(acme, actor=lead)
        lead.groups.clear()

        carry_out(bulk)

        [(_, result, why)] = results(bulk)
        assert (result, inactive()) == ("failed", set())
        assert "may not do this" in why

    def test_a_set_costs_the_same_however_large_it_is(self, lead, django_assert_num_queries):
        small, large = running(*organizations(1), actor=lead), running(*organizations(9), actor=lead)

        with CaptureQueriesContext(connection) as one:
            carry_out(small)
        with django_assert_num_queries(len(one)):
            carry_out(large)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_two_lists_that_a_lead_confirms_at_once_the_second_counts_the_first(self, lead, monkeypatch):
        monkeypatch.setattr(acting, "ALONE_AT_MOST", 2)
        one, two = (list_of(*organizations(2), actor=lead) for _ in range(2))

        asked = collide(lambda: confirmed(one, lead), lambda: confirmed(two, lead))

        assert asked.target_id == two.pk
        assert BulkDeactivation.objects.running().get() == one

    def test_two_workers_deactivate_each_once(self, lead):
        bulk = running(*organizations(3), actor=lead)

        at_once(deactivate_lists, deactivate_lists)

        assert LifecycleEvent.objects.count() == 3
        assert {result for _, result, _ in results(bulk)} == {"deactivated"}

    def test_a_stop_waits_for_the_set_at_work(self, acme, lead):
        bulk = running(acme, actor=lead)

        collide(lambda: carry_out(bulk), lambda: stop(bulk, actor=lead))

        assert results(bulk) == [(1, "deactivated", "")]

    @pytest.mark.slow
    def test_a_worker_does_it_as_soon_as_it_is_confirmed(self, acme, lead, tmp_path):
        app.control.purge()
        worker = Worker(tmp_path / "worker.log")
        try:
            running(acme, actor=lead)
            eventually(lambda: inactive() == {"Acme"}, within=20)
        finally:
            worker.stop()

    @pytest.mark.slow
    def test_what_a_killed_worker_left_undone_the_next_one_does_once(self, acme, globex, lead, tmp_path):
        """P48"""
        app.control.purge()
        bulk = list_of(acme, globex, actor=lead)
        worker = Worker(tmp_path / "killed.log")
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            Organization.objects.hold(globex.pk)
            pool.submit(in_thread, lambda: confirmed(bulk, lead)).result(timeout=10)
            wait_until_blocked()
            worker.kill()
        assert inactive() == set()

        worker = Worker(tmp_path / "next.log")
        try:
            app.send_task(app.conf.beat_schedule["deactivate lists left undone"]["task"])
            eventually(lambda: inactive() == {"Acme", "Globex"}, within=20)
        finally:
            worker.stop()
        assert LifecycleEvent.objects.count() == 2
