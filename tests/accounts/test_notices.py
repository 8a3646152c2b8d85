"""Notices before a deactivation for inactivity: when they start, what they say, what voids them (P64)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import Email

from accounts import checks, notices, sets
from accounts.checks import approve, dismiss, pause, resume, run_check
from accounts.lifecycle import deactivate_organizations
from accounts.models import CheckRun, Exemption, InactivityNotice, Organization
from accounts.services.logins import record_login
from accounts.words import ORGANIZATION_ADMIN, Reason, State, Via
from billing.models import Plan
from billing.services import record_api_requests, record_completeness
from konnect_portal.foundation.delivery import send_due_mails
from tests import factories, smtp
from tests.notices import DAY, HOUR, SECOND, START, an_hour, clock, live, server

pytestmark = pytest.mark.usefixtures("clock")

__all__ = ["clock", "server"]


@pytest.fixture
def silent(clock, alice):
    """Inactive 14 days after the start if nobody uses it."""
    return factories.organization("Acme", owner=alice, created_at=START - 16 * DAY)


INACTIVE_AT = START + 14 * DAY


def days_told(organization):
    return sorted(live(organization), reverse=True)


def announced(organization):
    return live(organization)[14].announced_at


def moments(server):
    return [message["Subject"].rpartition(" on ")[2] for message in server.taken]


def is_active(organization):
    return Organization.objects.get(pk=organization.pk).state == State.ACTIVE


def walk(clock, *, until, every=DAY):
    """Let time pass, day by day, up to and with `until`."""
    at = timezone.now()
    while at < until:
        at = min(at + every, until)
        clock.move_to(at)
        an_hour()


class TestTime:
    def test_told_14_7_and_1_days_before_and_then_deactivated(self, clock, server, silent):
        told = []
        for at in [14 * DAY + SECOND, 14 * DAY, 7 * DAY + SECOND, 7 * DAY, DAY + SECOND, DAY, SECOND]:
            clock.move_to(INACTIVE_AT - at)
            an_hour()
            told.append(days_told(silent))
        assert told == [[], [14], [14], [14, 7], [14, 7], [14, 7, 1], [14, 7, 1]]
        assert is_active(silent)

        clock.move_to(INACTIVE_AT)
        an_hour()

        assert not is_active(silent)
        assert {notice.inactive_at for notice in InactivityNotice.objects.all()} == {INACTIVE_AT}

    def test_accepted_late_it_moves_the_announced_moment_and_later_notices_say_it(self, clock, server, silent):
        server.refusals[silent.owner.email] = "450 later"
        an_hour()
        clock.shift(2 * DAY)
        server.refusals.clear()
        an_hour()
        clock.shift(HOUR)
        an_hour()

        assert announced(silent) == INACTIVE_AT + 2 * DAY
        walk(clock, until=INACTIVE_AT + 2 * DAY - SECOND)
        assert is_active(silent)
        assert moments(server) == ["15 Mar 2031", "17 Mar 2031", "17 Mar 2031"]
        walk(clock, until=INACTIVE_AT + 2 * DAY)
        assert not is_active(silent)

    def test_the_last_one_has_to_be_accepted_23_hours_ago(self, clock, server, silent):
        an_hour()
        clock.move_to(INACTIVE_AT - DAY)
        server.refusals[silent.owner.email] = "450 later"
        an_hour()
        clock.move_to(INACTIVE_AT - 2 * HOUR)
        server.refusals.clear()
        an_hour()

        clock.move_to(INACTIVE_AT + 21 * HOUR - SECOND)
        an_hour()
        assert is_active(silent)
        clock.move_to(INACTIVE_AT + 21 * HOUR)
        an_hour()
        assert not is_active(silent)

    def test_whoever_has_been_inactive_for_long_is_told_in_full(self, clock, server, silent):
        """As on the day on which notices are turned on."""
        clock.move_to(INACTIVE_AT + 100 * DAY)
        an_hour()

        assert announced(silent) == INACTIVE_AT + 114 * DAY
        assert is_active(silent)

    def test_a_second_run_and_a_missed_one_change_nothing(self, clock, server, silent):
        """P65"""
        an_hour()
        an_hour()
        clock.move_to(INACTIVE_AT - 6 * DAY)
        an_hour()
        an_hour()

        assert days_told(silent) == [14, 7]
        assert len(server.taken) == InactivityNotice.objects.count() == 2
        assert announced(silent) == INACTIVE_AT

    def test_the_one_between_is_not_made_up_for_in_the_last_one_s_time(self, clock, server, silent):
        an_hour()
        clock.move_to(INACTIVE_AT - DAY)
        an_hour()

        assert days_told(silent) == [14, 1]

    def test_turned_off_nobody_is_told(self, clock, server, silent, settings):
        settings.INACTIVITY_NOTICES = False
        an_hour()
        assert not InactivityNotice.objects.exists()

        clock.move_to(INACTIVE_AT)
        an_hour()
        assert not is_active(silent)


class TestMail:
    def test_owner_admins_and_contact_get_one_mail_for_each_address(self, server, silent, bob):
        admin = factories.member(silent, None, ORGANIZATION_ADMIN)
        factories.member(silent, factories.UserFactory(is_active=False), ORGANIZATION_ADMIN)
        factories.member(silent, bob)
        Organization.objects.filter(pk=silent.pk).update(contact_email="billing@acme.example")
        an_hour()

        told = [message["To"] for message in server.taken]
        assert sorted(told) == sorted([silent.owner.email, admin.email, "billing@acme.example"])

    def test_it_says_when_why_and_how_to_keep_it(self, server, silent, settings):
        Organization.objects.filter(pk=silent.pk).update(last_login_at=START - 16 * DAY)
        an_hour()

        [message] = server.taken
        assert message["Subject"] == "Acme will be deactivated on 15 Mar 2031"
        text = message.get_body(("plain",)).get_content()
        html = message.get_body(("html",)).get_content()
        for body in (text, html):
            assert "last signed in to it on 13 Feb 2031, 12:00 UTC" in " ".join(body.split())
            assert "it has had no API request" in " ".join(body.split())
            assert body.count(f"{settings.PUBLIC_URL}/organizations/") == 1
            assert settings.SUPPORT_URL in body


class TestDelivery:
    def test_one_recipient_s_server_is_enough(self, clock, server, silent):
        Organization.objects.filter(pk=silent.pk).update(contact_email="billing@acme.example")
        server.refusals[silent.owner.email] = "550 no such person"
        an_hour()
        clock.shift(HOUR)
        an_hour()

        assert live(silent)[14].accepted_at == START

    def test_refused_for_good_by_all_three_times_it_is_undeliverable_and_complete_14_days_later(
        self, clock, server, silent
    ):
        server.refusals[silent.owner.email] = "550 no such person"
        walk(clock, until=START + 2 * DAY, every=HOUR * 12)
        assert live(silent)[14].undeliverable_at is None
        walk(clock, until=START + 3 * DAY, every=HOUR * 12)
        found_at = live(silent)[14].undeliverable_at

        assert START + 2 * DAY <= found_at <= START + 3 * DAY
        clock.move_to(found_at + 14 * DAY - SECOND)
        an_hour()
        assert is_active(silent)
        clock.shift(SECOND)
        an_hour()
        assert not is_active(silent)

    def test_put_off_for_three_days_it_is_void_and_starts_again(self, clock, server, silent):
        """A server that never says no for good may be at fault itself."""
        server.refusals[silent.owner.email] = "450 later"
        walk(clock, until=START + 4 * DAY)

        assert InactivityNotice.objects.filter(days_before=14, voided_at__isnull=False).count() == 1
        assert live(silent)[14].accepted_at is None
        assert live(silent)[14].undeliverable_at is None

    def test_while_mail_is_down_nothing_is_lost_and_nobody_goes(self, clock, server, silent, settings):
        up = settings.MAILERS
        away = smtp.Server()
        away.server_close()
        settings.MAILERS = away.mailers
        walk(clock, until=START + 7 * DAY)
        settings.MAILERS = up
        an_hour()
        clock.shift(HOUR)
        an_hour()

        assert announced(silent) == INACTIVE_AT + 7 * DAY
        assert InactivityNotice.objects.count() == len(server.taken) == 1


def use_by_login(organization):
    record_login(organization.pk, organization.owner, timezone.now())


def use_by_request(organization):
    record_api_requests({organization.pk: timezone.now()}, at=timezone.now())


def pay(organization):
    factories.subscription(organization, Plan.PLUS, starts_at=timezone.now())


def exempt(organization):
    return Exemption.objects.create(organization=organization, reason="seasonal", created_at=timezone.now())


def exempt_for_a_moment(organization):
    exemption = exempt(organization)
    exemption.ended_at = timezone.now()
    exemption.save()


def deactivate(organization):
    actor = organization.owner
    deactivate_organizations([organization.pk], reason=Reason.OWNER_REQUEST, via=Via.SETTINGS, actor=actor)


VOIDING = [use_by_login, use_by_request, pay, exempt, exempt_for_a_moment, deactivate]


class TestVoid:
    @pytest.mark.parametrize("act", VOIDING, ids=lambda act: act.__name__)
    def test_activity_plan_exemption_and_deactivation_void_them(self, clock, server, silent, globex, act):
        Organization.objects.filter(pk=globex.pk).update(created_at=START - 16 * DAY)
        an_hour()
        clock.shift(HOUR)
        act(silent)
        clock.shift(HOUR)
        notices.follow_up()

        assert live(silent) == {}
        assert days_told(globex) == [14]
        assert InactivityNotice.objects.get(organization=silent).voided_at == timezone.now()

    def test_mails_that_nobody_was_sent_are_taken_back(self, clock, server, silent):
        run_check()
        assert Email.objects.count() == 1
        use_by_login(silent)
        notices.follow_up()

        assert not Email.objects.exists()

    def test_a_set_passed_by_14_days_begins_anew(self, clock, server, silent, lead):
        an_hour()
        walk(clock, until=INACTIVE_AT - SECOND)
        first = live(silent)[14]
        checks.pause(actor=lead, reason="incident")
        clock.move_to(INACTIVE_AT + 14 * DAY)
        an_hour()
        assert days_told(silent) == [14, 7, 1]

        clock.shift(SECOND)
        resume(actor=lead)
        an_hour()

        assert days_told(silent) == [14]
        assert live(silent)[14].pk != first.pk
        assert is_active(silent)

    def test_a_set_that_reaches_its_moment_without_a_last_notice_begins_anew(self, clock, server, silent):
        an_hour()
        clock.move_to(INACTIVE_AT)
        an_hour()

        assert days_told(silent) == [14]
        assert live(silent)[14].created_at == INACTIVE_AT
        assert is_active(silent)


class TestHeld:
    """Nobody is told anything new, and what was told stands."""

    @pytest.mark.parametrize("days_before", [14, 7, 1])
    @pytest.mark.parametrize("what", ["pause", "hold", "usage", "dismissed"])
    def test_what_holds_a_deactivation_holds_notices(self, clock, server, silent, lead, what, days_before):
        """P58, P63, P66"""
        if days_before < 14:
            an_hour()
        before = days_told(silent)
        if what == "pause":
            pause(actor=lead, reason="incident")
        elif what == "hold":
            Organization.objects.update(hold_until=START + 99 * DAY, hold_reason="court", hold_ticket="T-1")
        elif what == "usage":
            factories.control_plane(silent, geo="eu")
        else:
            dismissed_run(lead, silent)
        clock.move_to(INACTIVE_AT - days_before * DAY)
        an_hour()

        assert days_told(silent) == before

    def test_a_geo_that_reports_again_lets_them_go_on(self, clock, server, silent):
        """P63"""
        factories.control_plane(silent, geo="eu")
        an_hour()
        record_completeness(["eu"], timezone.now(), at=timezone.now())
        an_hour()

        assert days_told(silent) == [14]


def dismissed_run(lead, *organizations, at=None):
    run = CheckRun.objects.create(
        kind=CheckRun.Kind.NOTIFY,
        at=timezone.now(),
        outcome=CheckRun.Outcome.DISMISSED,
        decided_at=at or timezone.now(),
        decided_by_id=lead.pk,
    )
    for organization in organizations:
        run.entries.create(organization=organization, inactive_at=INACTIVE_AT, last_seen_at=START)
    return run


@pytest.fixture
def three(clock, settings):
    """One more than may be told in 24 hours."""
    settings.INACTIVITY_LIMIT_FLOOR = 2
    return [factories.organization(name, created_at=START - 16 * DAY) for name in ("One", "Two", "Three")]


class TestLimit:
    """P66: the same limit holds for starting notices."""

    def test_above_it_nobody_is_told_and_one_list_waits(self, server, three):
        an_hour()
        an_hour()

        assert not InactivityNotice.objects.exists()
        run = CheckRun.objects.get(outcome=CheckRun.Outcome.WAITING)
        assert (run.kind, run.due_count, run.entries.count()) == (CheckRun.Kind.NOTIFY, 3, 3)

    def test_a_list_of_each_kind_can_wait(self, clock, server, three):
        for organization in three:
            given_notice(organization)
        for name in ("Four", "Five", "Six"):
            factories.organization(name, created_at=START - 2 * DAY)
        clock.move_to(INACTIVE_AT)
        an_hour()

        assert set(CheckRun.objects.filter(outcome="waiting").values_list("kind", flat=True)) == {
            CheckRun.Kind.DEACTIVATE,
            CheckRun.Kind.NOTIFY,
        }

    def test_those_told_in_the_last_24_hours_count(self, clock, server, three):
        Organization.objects.filter(pk=three[2].pk).update(created_at=START - 15 * DAY)
        an_hour()
        assert InactivityNotice.objects.count() == 2

        clock.move_to(START + DAY - SECOND)
        Organization.objects.filter(pk=three[2].pk).update(created_at=START - 16 * DAY)
        an_hour()
        assert InactivityNotice.objects.count() == 2
        clock.move_to(START + DAY)
        an_hour()
        assert InactivityNotice.objects.count() == 3

    def test_approved_they_are_told_each_asked_again(self, server, three, lead):
        an_hour()
        use_by_login(three[0])
        run = approve(CheckRun.objects.get(outcome="waiting"), actor=lead)

        assert (run.told_count, run.deactivated_count) == (2, 0)
        assert [days_told(each) for each in three] == [[], [14], [14]]

    def test_dismissed_they_rest_from_notices_for_30_days(self, clock, server, three, lead):
        an_hour()
        dismiss(CheckRun.objects.get(outcome="waiting"), actor=lead, reason="A holiday")
        clock.move_to(START + 30 * DAY - SECOND)
        an_hour()
        assert not InactivityNotice.objects.exists()

        clock.move_to(START + 30 * DAY)
        an_hour()
        assert CheckRun.objects.filter(kind=CheckRun.Kind.NOTIFY, outcome="waiting").exists()


def given_notice(organization, *, inactive_at=INACTIVE_AT):
    for days_before in (14, 7, 1):
        at = inactive_at - days_before * DAY
        InactivityNotice.objects.create(
            organization=organization,
            inactive_at=inactive_at,
            announced_at=inactive_at,
            days_before=days_before,
            created_at=at,
            accepted_at=at,
        )


class TestSets:
    def test_more_organizations_are_no_more_statements(self, clock, server, settings):
        """Habit 2"""
        settings.INACTIVITY_LIMIT_FLOOR = 100
        assert statements(clock, 2) == statements(clock, 12)

    def test_everyone_is_told_once_in_however_many_sets(self, clock, server, settings, monkeypatch):
        settings.INACTIVITY_LIMIT_FLOOR = 100
        for module in (notices, sets, checks.inactivity):
            monkeypatch.setattr(module, "SET_SIZE", 2)
        for number in range(5):
            factories.organization(f"Silent {number}", created_at=START - 16 * DAY)
        an_hour()
        clock.move_to(INACTIVE_AT - 7 * DAY)
        an_hour()

        assert InactivityNotice.objects.filter(days_before=14).count() == 5
        assert InactivityNotice.objects.filter(days_before=7).count() == 5

    def test_one_that_fails_stops_no_other(self, clock, server, silent, settings):
        """P65"""
        broken = factories.organization("Broken", created_at=START - 16 * DAY)
        with connection.cursor() as cursor:
            cursor.execute(f"""
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON accounts_inactivitynotice
                FOR EACH ROW WHEN (NEW.organization_id = '{broken.pk}') EXECUTE FUNCTION refuse()
            """)
        an_hour()

        assert (days_told(silent), days_told(broken)) == ([14], [])
        assert CheckRun.objects.get(kind=CheckRun.Kind.NOTIFY).failed_count == 1


def statements(clock, number):
    """Of a run in which so many are told for the first time, and of one in which they are told again."""
    for each in range(number):
        factories.organization(f"Silent {each}", created_at=timezone.now() - 16 * DAY)
    with CaptureQueriesContext(connection) as queries:
        run_check()
    send_due_mails()
    clock.shift(7 * DAY)
    with CaptureQueriesContext(connection) as again:
        run_check()
    told = InactivityNotice.objects.live().filter(days_before=7, created_at=timezone.now())
    assert told.count() == number
    for organization in Organization.objects.active():
        use_by_login(organization)
    notices.follow_up()
    return len(queries), len(again)


def test_a_moment_other_than_now_sends_nothing(server, silent):
    """P67"""
    run_check(START + timedelta(days=1))

    assert not InactivityNotice.objects.exists()
