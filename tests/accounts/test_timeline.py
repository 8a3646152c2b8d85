"""What happened to an organization, for support: of every source, in order, narrowed, paged, downloaded (P42, P47)."""

import csv
import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.lifecycle import deactivate_organizations, unlock_email
from accounts.models import EventSubject, InactivityNotice, LifecycleEvent, StaffLookup
from accounts.services.history import events_of
from accounts.services.notes import write_note
from accounts.timeline import KINDS, timeline, whole_timeline
from accounts.words import Act, Reason, Tier, Via
from geos.models import TakeDownAttempt
from konnect_portal.foundation.outbox import NewMail, queue_mails
from tests import factories
from tests.customers import words
from tests.desk import signed_in

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def story(acme, globex, alice, lead):
    """Acme with a line of every kind; Globex with some too."""
    control_plane = factories.control_plane(acme, "shop", geo="eu")
    factories.control_plane(globex)
    factories.subscription(acme)
    factories.support_request(acme, text="Please stop it")
    said = {"actor": lead, "via": Via.ADMIN, "ticket": "T-1", "note": "Many mails"}
    deactivate_organizations([acme.pk, globex.pk], reason=Reason.SPAM, **said)
    unlock_email(alice.email, proof="lead_word", **said)
    TakeDownAttempt.objects.create(control_plane=control_plane, outcome="failed", status=503, error="Down")
    write_note(uuid4(), acme.pk, text="Called back\nAll is well", ticket="T-9", author=lead)
    StaffLookup.objects.create(staff_id=lead.pk, what="organization", target_id=acme.pk, slot=1)
    at(60, acme)
    moments = {"inactive_at": NOW, "announced_at": NOW + timedelta(days=14)}
    InactivityNotice.objects.create(organization=acme, days_before=14, **moments)
    return acme


def lines(organization, **options):
    return [(entry.kind, entry.what, entry.about, entry.who) for entry in timeline(organization.pk, **options).entries]


def at(minutes, organization, act=Act.MEMBER_LEFT, **fields):
    moment = NOW - timedelta(minutes=minutes)
    return LifecycleEvent.objects.create(organization_id=organization.pk, act=act, via=Via.PAGES, at=moment, **fields)


def test_a_notice_says_in_words_how_long_before(acme):
    """P64"""
    InactivityNotice.objects.create(organization=acme, days_before=1, inactive_at=NOW, announced_at=NOW)

    assert [entry.about for entry in timeline(acme.pk, kind="notices").entries] == [f"1 day before {NOW:%d %b %Y}"]


def test_each_source_is_told_the_newest_first(story, lead):
    """P42, P47, P64, P73"""
    entries = timeline(story.pk).entries

    assert {entry.kind for entry in entries} == {*KINDS}
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    told = {(entry.what, entry.about) for entry in entries}
    assert ("Deactivated", "Spam") in told
    assert ("E-mail address unlocked", "alice@acme.example") in told
    assert ("Take-down failed", "shop in Europe") in told
    assert ("Note", "Called back") in told
    assert {entry.who for entry in entries if entry.kind in ("support", "notes", "lookups")} == {str(lead)}


def test_the_details_name_control_planes_and_say_why(story):
    [entry] = [entry for entry in timeline(story.pk, kind="support").entries if entry.what == "Deactivated"]

    assert entry.details["Control planes"] == "shop"
    assert (entry.details["Note"], entry.details["Ticket"], entry.details["Through"]) == (
        "Many mails",
        "T-1",
        "Admin",
    )
    assert "control planes 1" in entry.details["Changed"]


def test_it_tells_nothing_of_other_organizations(story, globex):
    write_note(uuid4(), globex.pk, text="Other", author=factories.staff(Tier.LEAD))

    assert all(about != "Other" for _, _, about, _ in lines(story))
    assert {what for _, what, _, _ in lines(globex)} >= {"Note", "Deactivated"}
    assert {kind for kind, *_ in lines(globex)}.isdisjoint({"taking-down", "lookups", "notices", "requests"})


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_narrowed_to_a_kind(story, kind):
    assert {each for each, *_ in lines(story, kind=kind)} == {kind}


def test_an_erased_name_shows_as_such(acme):
    """P57"""
    event = at(1, acme, Act.MEMBER_REMOVED, actor_id=uuid4())
    EventSubject.objects.create(event=event, part="member", subject_id=uuid4())

    assert lines(acme, kind="customer")[0][2:] == ("somebody whose name was erased", "somebody whose name was erased")


def test_pages_follow_each_other_without_gap_or_repetition_within_one_moment(acme, lead):
    """Also where one moment has lines of several sources on both sides of a page's end."""
    events = [at(5, acme) for _ in range(4)]
    queue_mails([NewMail(to="a@x.example", kind="organization_reactivated", context={}, organization_id=acme.pk)] * 3)
    Email.objects.update(created=events[0].at)
    for slot in range(3):
        look = {"staff_id": lead.pk, "what": "organization", "target_id": acme.pk}
        StaffLookup.objects.create(at=events[0].at, slot=slot, **look)

    found, after = [], ""
    while after is not None:
        page = timeline(acme.pk, after=after, size=2)
        found += page.entries
        after = page.after

    whole = timeline(acme.pk, size=100).entries
    assert found == whole == list(whole_timeline(acme.pk))
    assert sum(entry.kind == "mails" for entry in found) == 3


def test_a_row_is_told_at_each_of_its_moments_and_once_at_the_same(acme):
    """P34, P41: of charges, which have four; read one by one or at once."""
    long_ago, then, lately = (NOW - timedelta(days=days) for days in (3, 2, 1))
    factories.subscription(acme, created_at=NOW - timedelta(days=9))
    for number, charge in enumerate(
        [
            {"created_at": long_ago, "paid_at": lately},
            {"created_at": then, "refused_at": lately, "voided_at": lately},
            {"created_at": lately},
        ],
        start=1,
    ):
        lines = [("api_requests", 1, 100)]
        factories.invoice(acme, *lines, ends_at=NOW - timedelta(days=8 + number), number=number, charge=charge)

    found, after = [], ""
    while after is not None:
        page = timeline(acme.pk, kind="billing", after=after, size=1)
        found += page.entries
        after = page.after

    assert found == timeline(acme.pk, kind="billing").entries == list(whole_timeline(acme.pk, kind="billing"))
    told = [(entry.at, entry.what) for entry in found if "Charge" in entry.what]
    assert sorted(told[:3]) == [
        (lately, "Charge asked for"),
        (lately, "Charge paid"),
        (lately, "Charge refused, Charge voided"),
    ]
    assert told[3:] == [(then, "Charge asked for"), (long_ago, "Charge asked for")]


@pytest.mark.parametrize("after", ["x", "2026-11-20~0~1", "2026-11-20T03:00:00+00:00~99~1", "~~", "\0", "1~2~3~4"])
def test_a_made_up_place_is_the_start(story, viewer, after):
    page = signed_in(viewer).get(reverse("admin:accounts_organization_timeline", args=[story.pk]), {"after": after})

    assert page.context["page"].entries[:3] == timeline(story.pk).entries[:3]


def test_a_page_costs_the_same_however_long_the_history(story):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            timeline(story.pk, size=5)
        return len(captured)

    few = queries()
    for minute in range(20):
        at(minute, story, actor_id=story.owner_id)

    assert queries() == few


def test_it_is_downloaded_as_csv_that_no_spreadsheet_calculates_and_as_json(story, lead, viewer):
    write_note(uuid4(), story.pk, text="=1+1", author=lead)
    client = signed_in(viewer)

    def download(form, **query):
        answer = client.get(reverse(f"admin:accounts_organization_timeline_{form}", args=[story.pk]), query)
        return b"".join(answer.streaming_content).decode(), answer["Content-Disposition"]

    text, name = download("csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert name == 'attachment; filename="timeline.csv"'
    assert {row["kind"] for row in rows} == {*KINDS}
    assert "'=1+1" in {row["about"] for row in rows}
    notes = json.loads(download("json", kind="notes")[0])
    assert [(note["kind"], note["about"]) for note in notes] == [("notes", "=1+1"), ("notes", "Called back")]
    assert notes[1]["details"] == {"Note": "Called back\nAll is well", "Ticket": "T-9"}


def test_a_role_of_a_control_plane_is_told_by_its_name(acme, bob):
    """P47: by its id where it has no name any more."""
    control_plane = factories.control_plane(acme, "shop")
    gone = uuid4()
    role = {"role_name": "Admin", "entity_type_name": "Control Planes", "entity_region": "*"}
    at(2, acme, Act.ROLE_ASSIGNED, details={**role, "entity_id": str(gone)})
    at(1, acme, Act.ROLE_ASSIGNED, details={**role, "entity_id": str(control_plane.pk)})

    assert [about for _, _, about, _ in lines(acme, kind="customer")] == [
        "Admin of Control Planes, for shop alone",
        f"Admin of Control Planes, for {gone} alone",
    ]


class TestNotes:
    def post(self, user, organization, **form):
        form = {"id": str(uuid4()), "text": "Called back", "ticket": "T-9"} | form
        return signed_in(user).post(
            reverse("admin:accounts_organization_note", args=[organization.pk]), form, follow=True
        )

    def test_a_note_is_kept_with_author_and_ticket_on_the_case_it_was_written_on(self, acme, globex, agent):
        page = self.post(agent, acme)

        note = acme.case_notes.get()
        assert (note.author_id, note.text, note.ticket) == (agent.pk, "Called back", "T-9")
        assert "Called back" in words(page)
        assert not globex.case_notes.exists()

    def test_one_form_sent_twice_leaves_one(self, acme, agent):
        form = {"id": str(uuid4())}
        self.post(agent, acme, **form)
        self.post(agent, acme, **form)

        assert acme.case_notes.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [({"text": "  "}, "Please write something."), ({"ticket": "T" * 101}, "at most 100 characters")],
        ids=["empty", "long ticket"],
    )
    def test_what_is_wrong_is_told_and_what_was_typed_stays(self, acme, agent, wrong, told):
        page = self.post(agent, acme, **wrong)

        assert told in words(page)
        assert "T-9" in page.text or wrong.get("ticket", "") in page.text
        assert not acme.case_notes.exists()

    def test_a_viewer_writes_none(self, acme, viewer):
        """P70"""
        page = signed_in(viewer).get(reverse("admin:accounts_organization_change", args=[acme.pk]))

        assert "Write a note" not in page.text
        assert self.post(viewer, acme).status_code == 403

    def test_a_note_is_neither_changed_nor_deleted(self, acme, agent):
        self.post(agent, acme)

        for sql in ("UPDATE accounts_casenote SET text = 'x'", "DELETE FROM accounts_casenote"):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                connection.cursor().execute(sql)

    def test_a_customer_reads_none_of_it(self, acme, alice, agent):
        self.post(agent, acme)

        assert not events_of(acme.pk).exists()
