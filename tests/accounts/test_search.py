"""P72: one box finds an organization by whatever a customer says of it."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import staff
from accounts.lifecycle import deactivate_organizations
from accounts.models import CaseNote, EmailLock, LifecycleEvent, StaffLookup
from accounts.services.finding import LONGEST, MOST
from accounts.templatetags.desk import pill
from accounts.words import Act, Reason, State, Via
from tests import factories
from tests.customers import words
from tests.desk import signed_in

PAGE, FOUND = "/admin/search/", "/admin/search/found/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(viewer):
    return signed_in(viewer)


@pytest.fixture
def acme():
    """Acme Ltd with all that it can be found by, beside Globex with nothing of it."""
    alice = factories.UserFactory(email="alice@people.example", full_name="Alice Adams")
    made = factories.organization("Acme Ltd", owner=alice, contact_email="desk@acme.example", login_path="AcmeLogin")
    bob = factories.member(made, factories.UserFactory(email="bob@people.example", full_name="Bob Brown"))
    factories.email_lock(made, "locked@people.example")
    made.plane = factories.control_plane(made, "Payments-eu", geo="eu", nodes=1)
    made.node = made.plane.nodes.get()
    made.event = event(made, "SUP-4711")
    CaseNote.objects.create(organization=made, author_id=bob.pk, text="Called back", ticket="CALL-7")
    made.bob = bob
    factories.control_plane(factories.organization("Globex"), "shop", nodes=1)
    return made


def event(organization, ticket):
    return LifecycleEvent.objects.create(
        organization_id=organization.pk, act=Act.REACTIVATED, via=Via.ADMIN, ticket=ticket
    )


def found(client, term) -> dict[str, list[str]]:
    """Titles by group."""
    return {
        group.title: [row.title for row in group.rows] for group in client.get(FOUND, {"q": term}).context["groups"]
    }


@pytest.mark.parametrize(
    ("term", "group", "title"),
    [
        ("Acme Ltd", "Organizations", "Acme Ltd"),
        ("me l", "Organizations", "Acme Ltd"),
        ("ACME", "Organizations", "Acme Ltd"),
        ("\u202b \uff21cme\u200f", "Organizations", "Acme Ltd"),  # full width, and what is copied along
        ("acmelogin", "Organizations", "Acme Ltd"),
        ("meLog", "Organizations", "Acme Ltd"),
        ("Desk@Acme.example ", "Organizations", "Acme Ltd"),
        ("\uff21lice@people.EXAMPLE", "Organizations", "Acme Ltd"),
        ("bob@people.example", "Organizations", "Acme Ltd"),
        ("Locked@people.example", "Organizations", "Acme Ltd"),
        ("desk@ac", "Organizations", "Acme Ltd"),
        ("@acme.ex", "Organizations", "Acme Ltd"),
        ("bob@people.example", "People", "Bob Brown"),
        ("bob@p", "People", "Bob Brown"),
        ("b bro", "People", "Bob Brown"),
        ("payments", "Control planes", "Payments-eu"),
        ("PAYMENTS-EU-NODE", "Control planes", "Payments-eu"),
        ("locked@PEOPLE.example", "Locked addresses", "locked@people.example"),
        ("sup-4711", "Tickets", "SUP-4711"),
        ("SUP", "Tickets", "SUP-4711"),
        ("call-7", "Tickets", "CALL-7"),
    ],
)
def test_it_is_found_by_what_a_customer_says(client, acme, term, group, title):
    """P1, P72: and nothing of Globex is."""
    groups = found(client, term)

    assert title in groups[group]
    assert "Globex" not in str(groups)
    assert "shop" not in str(groups)


@pytest.mark.parametrize("written", ["{id}", "{{{id}}}", "{upper}", "{hex}", "urn:uuid:{id}"])
@pytest.mark.parametrize(
    ("of", "group"),
    [("", "Organizations"), ("bob", "People"), ("plane", "Control planes"), ("node", "Control planes")],
)
def test_an_id_is_found_however_it_is_written(client, acme, of, group, written):
    id = (getattr(acme, of) if of else acme).pk
    term = written.format(id=id, upper=str(id).upper(), hex=id.hex)

    assert list(found(client, term)) == [group]


def test_an_address_is_found_after_it_was_purged(client, acme):
    """P55: by its keyed hash."""
    EmailLock.objects.update(address=None)

    assert found(client, "locked@people.example") == {
        "Organizations": ["Acme Ltd"],
        "Locked addresses": ["erased address"],
    }


def test_exactly_so_called_comes_before_the_beginning_and_that_before_a_part(client):
    for name in ("Old Ajax", "Ajax Two", "Ajax", "Zajax"):
        factories.organization(name)

    first, second, *others = found(client, "ajax")["Organizations"]

    assert [first, second, sorted(others)] == ["Ajax", "Ajax Two", ["Old Ajax", "Zajax"]]


def test_of_many_a_handful_is_shown_and_the_list_has_all(client):
    for number in range(MOST + 2):
        factories.organization(f"Acme {number}")

    [group] = client.get(FOUND, {"q": "acme"}).context["groups"]

    assert len(group.rows) == MOST
    assert len(client.get(group.more).context["cl"].result_list) == MOST + 2


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("", "What can be searched for"),
        ("a", "at least 3 characters"),
        (" a\u200bb ", "at least 3 characters"),
        ("a" * 10_000, f"more than {LONGEST} characters"),
        ("%%%", "Nothing found"),
        ("_cm", "Nothing found"),
        ("\\\\\\", "Nothing found"),
        ("שלום עולם", "Nothing found"),
        ("<script>", "Nothing found"),
        ("x' OR 1=1 --", "Nothing found"),
    ],
)
def test_what_finds_nothing_says_why(client, acme, term, said):
    page = client.get(PAGE, {"q": term})

    assert said in words(page)
    assert "<script>" not in page.content.decode().partition('id="content"')[2]


def test_nul_in_what_is_typed_does_no_harm(client, acme):
    assert found(client, "ac\0me")["Organizations"] == ["Acme Ltd"]


def test_what_matched_is_marked_and_set_apart_from_the_text_around_it(client):
    factories.organization("<b>שלום</b> Acme", contact_email="desk@acme.example")

    page = client.get(FOUND, {"q": "ACME"}).content.decode()

    assert "<bdi>&lt;b&gt;שלום&lt;/b&gt; <mark>Acme</mark></bdi>" in page
    assert "contact desk@<mark>acme</mark>.example" in page


def test_a_row_says_state_plan_and_why_it_was_found(client, acme):
    factories.subscription(acme, "trial")
    deactivate_organizations([acme.pk], reason=Reason.INACTIVITY, via=Via.CHECK)

    [row] = client.get(FOUND, {"q": "bob@people.example"}).context["groups"][0].rows

    assert (row.state, row.plan) == (pill(State.INACTIVE, State.INACTIVE.label), "Free")
    assert row.details[0] == "member bob@people.example"
    assert row.link == reverse("admin:accounts_organization_change", args=[acme.pk])


def test_a_kind_of_thing_that_somebody_may_not_see_is_not_asked_for(client, acme, monkeypatch):
    """P70"""
    term = {"q": "payments-eu"}
    assert list(found(client, "payments-eu")) == ["Control planes"]
    monkeypatch.setattr(staff, "VISIBLE_APPS", {"accounts"})

    with CaptureQueriesContext(connection) as asked:
        groups = client.get(FOUND, term).context["groups"]

    assert groups == []
    assert [query for query in asked.captured_queries if "geos_" in query["sql"]] == []


def test_each_search_leaves_a_row_in_the_staff_trail_and_not_what_was_typed(client, viewer, acme):
    """However often the box asks while somebody types."""
    for term in ("", "acm", "acme", "acme ltd"):
        client.get(FOUND, {"q": term})

    [row] = StaffLookup.objects.all()
    assert (row.staff_id, row.what, row.target_id) == (viewer.pk, StaffLookup.What.SEARCH, None)


def test_it_asks_the_same_number_of_times_however_many_there_are(client, acme):
    def asked():
        with CaptureQueriesContext(connection) as captured:
            client.get(FOUND, {"q": "shared"})
        return len(captured)

    def grow(number):
        owner = factories.UserFactory(full_name=f"Shared {number}")
        other = factories.organization(f"Shared {number}", owner=owner)
        factories.control_plane(other, "Shared", nodes=3)
        event(other, "SHARED-1")

    grow(0)
    asked()  # the first request of a session is noted with it
    few = asked()
    for number in range(1, 12):
        grow(number)
    assert asked() == few


@pytest.mark.parametrize("term", ["payments", "bob@people"])
def test_each_way_is_the_range_of_an_index(client, acme, term):
    """So that it costs the same at a million organizations."""
    with CaptureQueriesContext(connection) as captured:
        client.get(FOUND, {"q": term})
    tables = "accounts_organization|accounts_user|geos_controlplane|geos_dataplanenode|emaillock|lifecycleevent"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in captured.captured_queries:
            if re.search(f'FROM "({tables}|accounts_membership)"', query["sql"]):
                cursor.execute("EXPLAIN " + query["sql"])
                plan = "\n".join(line for (line,) in cursor.fetchall())
                assert "Seq Scan" not in plan, plan
