"""P63, P66 to P68: the inactivity desk says who is due, coming or held and why; it writes and sends nothing."""

from datetime import UTC, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from accounts import outlook
from accounts.models import CheckPause, CheckRun, Exemption, InactivityNotice, Membership, Organization, StaffLookup
from accounts.services.logins import record_login
from accounts.words import HeldBy, State
from billing.models import BillingAccount
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.desk import signed_in

pytestmark = pytest.mark.django_db

DESK = "/admin/accounts/checkrun/inactivity/"
SWITCH = "/admin/accounts/checkrun/switch/"
DAY = timedelta(days=1)


@pytest.fixture
def idle(without_notices):
    return factories.organization("Idle")


def words(answer) -> str:
    """What a page says, however it is marked up."""
    return " ".join(unescape(strip_tags(answer.text)).split())


@pytest.fixture
def client(viewer):
    return signed_in(viewer)


@pytest.fixture
def read(client):
    """The words of a page of the desk."""

    def read(path="", **query) -> str:
        answer = client.get(DESK + path, query, follow=True)
        assert answer.status_code == 200
        return words(answer)

    return read


def test_the_room_is_entered_here_and_leads_to_the_runs(client):
    assert DESK in client.get("/admin/").text
    assert 'href="/admin/accounts/checkrun/"' in client.get(DESK).text


def test_nothing_to_do_reads_as_calm(read):
    page = read()

    assert "The next hourly check deactivates nobody." in page
    assert "Nobody becomes inactive in the next 14 days." in page
    assert "Nothing is held" in page
    assert "The check has not run yet" in page


@pytest.mark.parametrize(
    ("tier", "may"), [("viewer", False), ("agent", False), ("lead", True), ("administrator", True)]
)
def test_everybody_reads_and_leads_pause(request, tier, may):
    """P66, P70"""
    client = signed_in(request.getfixturevalue(tier))

    assert (SWITCH in client.get(DESK).text) == may
    assert (client.post(SWITCH, {"reason": "incident"}).status_code == 302) == may
    assert CheckPause.objects.exists() == may
    assert ("incident. Nobody is told or deactivated" in words(client.get(DESK))) == may


def test_an_organization_is_told_with_what_decides(idle, read, alice):
    """P61, P62, P67"""
    factories.member(idle, alice)
    login = timezone.now() - 31 * DAY
    record_login(idle.pk, alice, login)
    BillingAccount.objects.filter(pk=idle.pk).update(anchor_at=login - 90 * DAY, last_api_request_at=login - 70 * DAY)

    page = read()

    assert "The next hourly check deactivates 1 organization." in page
    assert f"30 days after somebody signed in on {login:%-d %b %Y, %H:%M} UTC." in page
    assert "31 days ago by Alice Owner" in page
    assert f"101 days ago, in the cycle {login - 90 * DAY:%-d %b} to {login - 60 * DAY:%-d %b %Y}" in page


def test_who_signed_in_last_and_has_left_is_not_named(idle, read, alice, bob):
    """P62: the moment stays, whoever leaves."""
    factories.member(idle, alice)
    factories.member(idle, bob, last_login_at=timezone.now() - 40 * DAY)
    record_login(idle.pk, alice, timezone.now() - 31 * DAY)
    Membership.objects.filter(user=alice).delete()

    assert "31 days ago by somebody who has left" in read()


@pytest.mark.parametrize(
    ("notice", "says"),
    [
        (None, "Nobody has been told yet"),
        ({}, "Its first notice has not been accepted yet"),
        ({"accepted_at": -13 * DAY, "announced_at": DAY}, "Announced for"),
        ({"accepted_at": -40 * DAY, "announced_at": -20 * DAY}, "which is too long ago, so notices begin anew"),
        ({"accepted_at": -15 * DAY, "announced_at": -DAY}, "Its last notice was not accepted 23 hours ago"),
        ({"accepted_at": -15 * DAY, "inactive_at": -DAY}, "Its notices name another moment"),
    ],
)
def test_what_is_missing_of_the_notices_is_told(read, notice, says):
    """P64"""
    idle = factories.organization("Idle")
    if notice is not None:
        now = timezone.now()
        moments = {"inactive_at": idle.inactive_at, "announced_at": now + DAY}
        moments |= {name: now + distance for name, distance in notice.items()}
        InactivityNotice.objects.create(organization=idle, days_before=14, **moments)

    page = read()

    assert says in page
    assert "Not told in time yet" in page


@pytest.mark.parametrize("held_by", [HeldBy.PAUSED, HeldBy.HOLD, HeldBy.MISSING_USAGE, HeldBy.LIMIT])
def test_every_reason_stands_over_whom_it_holds(idle, read, lead, settings, held_by):
    """P58, P63, P66"""
    if held_by == HeldBy.PAUSED:
        CheckPause.objects.create(reason="incident", paused_by_id=lead.pk)
    if held_by == HeldBy.HOLD:
        hold = {"hold_until": timezone.now() + DAY, "hold_reason": "court", "hold_ticket": "T-1"}
        Organization.objects.filter(pk=idle.pk).update(**hold)
    if held_by == HeldBy.MISSING_USAGE:
        factories.control_plane(idle, geo="eu")
    if held_by == HeldBy.LIMIT:
        settings.INACTIVITY_LIMIT_FLOOR = 0
    says = {
        HeldBy.PAUSED: "The check is paused.",
        HeldBy.HOLD: "(court).",
        HeldBy.MISSING_USAGE: "Usage of Europe is not complete",
        HeldBy.LIMIT: "nobody goes until a lead decides",
    }

    assert says[held_by] in read()
    assert "Idle" in read(f"{held_by}/")
    assert "Idle" not in read("dismissed/")


def test_the_last_run_and_what_waits_for_a_lead(read):
    """P66"""
    now = timezone.now()
    CheckRun.objects.create(at=now, due_count=7, deactivated_count=3, held_counts={"hold": 4}, limit=10)
    waiting = CheckRun.objects.create(at=now, kind="notify", outcome="waiting", told_count=2, limit=10)

    page = read()

    assert "Due 7 Deactivated 3 Told 2 Failed 0" in page
    assert "Held: 4 (on hold)." in page
    assert f"{waiting}: more are to be told than the limit of 10" in page
    assert "Deactivated in 24 hours: 0 of at most 10" in page


def test_a_check_that_stopped_running_is_a_worry(read):
    """P65"""
    CheckRun.objects.create(at=timezone.now())
    assert "beat are running" not in read()

    CheckRun.objects.update(started_at=timezone.now() - timedelta(hours=3))
    assert "The check should run every hour and last did 3 hours ago." in read()


def test_asking_about_a_date_changes_nothing(idle, read):
    """P67"""
    later = timezone.now() + 100 * DAY
    factories.organization("Young", created_at=timezone.now() - 5 * DAY)

    page = read("ask/", at=f"{later:%Y-%m-%dT%H:%M}")

    assert f"At {later:%-d %b %Y, %H:%M} UTC" in page
    assert "The check would deactivate 2 organizations." in page
    assert "it is answered as if nothing happened until then" in page
    assert not CheckRun.objects.exists()
    assert not Mail.objects.exists()
    assert Organization.objects.filter(state=State.ACTIVE).count() == 2


def test_a_past_moment_is_answered_with_todays_facts(idle, read):
    """P67"""
    page = read("ask/", at=f"{idle.created_at + 29 * DAY:%Y-%m-%dT%H:%M}")

    assert "The check would deactivate nobody." in page
    assert "This moment is past: it is answered with today's facts." in page


def test_asked_as_if_told_whoever_is_due_goes(read):
    """P64, P67"""
    factories.organization("Idle")
    at = f"{timezone.now():%Y-%m-%dT%H:%M}"

    assert "would deactivate nobody" in read("ask/", at=at)
    assert "would deactivate 1 organization." in read("ask/", at=at, told="on")
    assert "Idle" in read("due/", at=at, told="on")


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("tomorrow", "This is no moment"),
        ("2026-13-45T99:99", "This is no moment"),
        ("", "This field is required"),
        ("0001-01-02T00:00", "too far away"),
        ("9999-12-31T23:59", "too far away"),
        ("2026-12-01T00:00\0", "Null characters"),
    ],
)
@pytest.mark.parametrize("path", ["ask/", "due/"])
def test_what_is_no_moment_is_refused_in_words(read, path, at, says):
    """P67"""
    page = read(path, at=at)

    assert says in page
    assert "would deactivate" not in page


def test_a_moment_may_say_its_time_zone(read):
    assert "At 1 Dec 2030, 01:00 UTC" in read("ask/", at="2030-12-01T03:00+02:00")


def test_why_names_the_facts_with_their_dates(idle, read, viewer):
    """P10, P63, P67"""
    factories.control_plane(idle, geo="eu")
    Exemption.objects.create(organization=idle, reason="seasonal")

    page = read(f"why/{idle.pk}/")

    assert "Not checked: it is marked never to be deactivated." in page
    assert f"The latest: 30 days later is {idle.inactive_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC" in page
    assert "Europe: complete through – Not enough" in page
    assert "seasonal, without end" in page
    assert StaffLookup.objects.filter(staff_id=viewer.pk, target_id=idle.pk).exists()


def test_a_case_leads_to_why(idle, client):
    """P67"""
    case = client.get(f"/admin/accounts/organization/{idle.pk}/change/").text

    assert f"{DESK}why/{idle.pk}/" in case


def test_exempt_ones_and_those_on_hold_are_listed(acme, globex, read, lead):
    """P58, P63"""
    Exemption.objects.create(organization=acme, reason="seasonal", made_by_id=lead.pk)
    Exemption.objects.create(organization=globex, reason="over", ended_at=timezone.now())
    hold = {"hold_until": timezone.now() + DAY, "hold_reason": "court", "hold_ticket": "T-1"}
    Organization.objects.filter(pk=globex.pk).update(**hold)

    exempt, held = read("exempt/"), read("on-hold/")

    assert "Acme seasonal Lena Lead" in exempt
    assert "Globex" not in exempt
    assert "Globex Active court T-1" in held
    assert "Acme" not in held


def test_an_unknown_group_is_none(client):
    assert client.get(f"{DESK}lost/").status_code == 404


@pytest.mark.parametrize("path", ["", "ask/?at=2030-01-01", "due/", "notice/?at=2030-01-01", "exempt/"])
def test_more_organizations_are_no_more_statements(client, lead, path):
    """Habit 2"""
    now = timezone.now()

    def more(number):
        for n in range(number):
            factories.organization(f"Due {n}", created_at=now - 40 * DAY)
            factories.control_plane(factories.organization(f"Coming {n}", created_at=now - 20 * DAY))
            Exemption.objects.create(organization=factories.organization(f"Exempt {n}"), reason="seasonal")

    def statements():
        with CaptureQueriesContext(connection) as queries:
            client.get(DESK + path)
        return len(queries)

    more(1)
    statements()
    before = statements()
    more(2)
    assert statements() == before


FIFTY_THOUSAND = """
    INSERT INTO accounts_organization (id, name, contact_email, owner_id, state, created_at, updated_at, inactive_at,
        deactivation_reason, hold_reason, hold_ticket, import_digest)
    SELECT gen_random_uuid(), 'Idle ' || n, 'a@b.example', %s, 'active', now() - interval '400 days', now(),
        now() - interval '1 day' - n * interval '1 second', '', '', '', ''
    FROM generate_series(1, 50000) n
"""
BILLED = """
    INSERT INTO billing_billingaccount (organization_id, anchor_at, customer_reference)
    SELECT id, created_at, '' FROM accounts_organization WHERE name LIKE 'Idle %'
"""


def test_fifty_thousand_due_on_the_first_day_are_counted_up_to_a_cap(client, alice, settings):
    """P66: nobody goes, and the desk opens."""
    settings.INACTIVITY_NOTICES = False
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(FIFTY_THOUSAND, [alice.pk])
        cursor.execute(BILLED)
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE accounts_organization")

    page = words(client.get(DESK))

    assert f"Over the limit {outlook.WINDOW}+" in page
    assert "nobody goes until a lead decides" in page


def test_where_a_window_ends_before_anybody_is_found_the_desk_does_not_say_nobody(idle, client, monkeypatch, settings):
    """Habit 7: one who may go stands behind those whom missing usage holds."""
    settings.INACTIVITY_LIMIT_FLOOR = settings.INACTIVITY_LIMIT_COUNT = 1
    monkeypatch.setattr(outlook, "WINDOW", 1)
    for number in range(3):
        missing = factories.organization(f"Missing {number}", created_at=idle.created_at - DAY)
        factories.control_plane(missing, geo="eu")

    page = words(client.get(DESK))

    assert "The next hourly check deactivates 0+ organizations." in page
    assert "Nobody among the first that were looked at. Look further" in page
    assert "Idle" in words(client.get(f"{DESK}due/"))
