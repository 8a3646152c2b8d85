"""What an organization's own people read of what happened in it (P47)."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.models import EventSubject, Invitation, Team
from accounts.services.contacts import request_contact_change
from accounts.services.events import record_event
from accounts.services.history import KINDS, SENTENCES, events_of, told
from accounts.services.invitations import invite_people, resend_invitation, revoke_invitation
from accounts.services.members import remove_member
from accounts.services.ownership import transfer_ownership
from accounts.services.role_assignments import assign_role, remove_role
from accounts.services.settings import change_organization
from accounts.services.system_accounts import create_system_account
from accounts.services.teams import add_to_team, change_team, create_team, delete_team, remove_from_team
from accounts.services.tokens import create_token, revoke_token
from accounts.words import ORGANIZATION_ADMIN, Act, Reason, Via
from tests import factories
from tests.customers import entered, words

pytestmark = pytest.mark.django_db

HISTORY = "/organization/history/"


def happened(organization, act, actor, *about, at=None, **details):
    return record_event(
        act,
        organization_id=organization.pk,
        actor=actor,
        via=Via.PAGES,
        address="192.0.2.7",
        about=about,
        details=details,
        at=at,
    )


def sentences(organization, **options):
    return [told(event).sentence for event in events_of(organization.pk, **options).order_by("-at", "-pk")]


def read(client, **query):
    """The lines of a page, as they read."""
    return [line.sentence for line in client.get(HISTORY, query).context["lines"]]


def downloaded(client, form):
    return client.get(f"{HISTORY}{form}/").getvalue().decode()


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


def test_what_people_do_reads_as_a_sentence(acme, alice, bob):
    """P47: who invited, changed roles, transferred, made tokens; written by the acts themselves"""
    by = {"actor": alice, "via": Via.PAGES}
    control_plane = factories.control_plane(acme, geo="eu")
    admin = {"role_name": "Admin", "entity_type_name": "Control Planes"}
    [invitation] = invite_people(acme.pk, ["dora@x.example"], **by)
    resend_invitation(acme.pk, invitation.pk, **by)
    revoke_invitation(acme.pk, invitation.pk, **by)
    team = create_team(acme.pk, name="Blue", **by)
    add_to_team(acme.pk, team.pk, user_id=bob.pk, **by)
    role, _ = assign_role(acme.pk, team_id=team.pk, **admin, **by)
    remove_role(acme.pk, role.pk, team_id=team.pk, **by)
    remove_from_team(acme.pk, team.pk, user_id=bob.pk, **by)
    change_team(acme.pk, team.pk, description="Sea", **by)
    delete_team(acme.pk, team.pk, **by)
    robot = create_system_account(acme.pk, name="deploy", description="Deploys", **by)
    assign_role(acme.pk, system_account_id=robot.pk, **admin, entity_id=control_plane.pk, entity_region="eu", **by)
    week = timezone.now() + timedelta(days=7)
    token, _ = create_token(acme.pk, name="laptop", expires_at=week, user=alice, **by)
    create_token(acme.pk, name="ci", expires_at=week, system_account=robot, **by)
    revoke_token(acme.pk, token.pk, **by)
    change_organization(acme.pk, name="Acme Two", **by)
    request_contact_change(acme.pk, alice.email, **by)
    remove_member(acme.pk, bob.pk, **by)

    assert sentences(acme)[::-1] == [
        f"Alice Owner {what}"
        for what in (
            "invited dora@x.example",
            "sent the invitation to dora@x.example again",
            "revoked the invitation to dora@x.example",
            "created the team Blue",
            "added Bob Member to the team Blue",
            "gave Blue the role Admin of Control Planes",
            "took the role Admin of Control Planes from Blue",
            "took Bob Member out of the team Blue",
            "changed the team Blue",
            "deleted the team Blue",
            "made the system account deploy",
            "gave deploy the role Admin of Control Planes in eu, for default alone",
            "made the token laptop for Alice Owner",
            "made the token ci for deploy",
            "revoked the token laptop of Alice Owner",
            "changed its name",
            "removed Bob Member",
        )
    ]


def test_of_many_the_first_are_named(acme, alice):
    happened(acme, Act.PEOPLE_INVITED, alice, *(Invitation(email=f"{n}@x.example") for n in range(7)))

    assert sentences(acme) == [
        "Alice Owner invited 0@x.example, 1@x.example, 2@x.example, 3@x.example, 4@x.example and 2 more"
    ]


def test_each_sentence_belongs_to_one_kind():
    kinds = [act for _title, acts in KINDS.values() for act in acts]

    assert sorted(kinds) == sorted(SENTENCES)


def test_staff_are_support_and_their_notes_tickets_and_addresses_stay_inside(acme, alice, lead):
    """P47: note and ticket are never shown to customers"""
    who = {"actor": lead, "via": Via.ADMIN, "address": "198.51.100.9", "note": "secret note", "ticket": "T-66"}
    deactivate_organizations([acme.pk], reason=Reason.NON_PAYMENT, **who)
    reactivate_organization(acme.pk, **who)
    client = entered(alice, acme)

    shown = words(client.get(HISTORY)) + downloaded(client, "json") + downloaded(client, "csv")

    assert read(client) == [
        "Support reactivated the organization",
        "Support deactivated the organization because its invoices were not paid",
    ]
    for inside in ("secret note", "T-66", lead.full_name, lead.email, "198.51.100.9"):
        assert inside not in shown


def test_another_organizations_history_is_not_in_it(acme, globex, as_alice, alice, charlie):
    happened(globex, Act.TEAM_CREATED, charlie, Team(name="Red"))
    happened(acme, Act.TEAM_CREATED, alice, Team(name="Blue"))

    shown = words(as_alice.get(HISTORY)) + downloaded(as_alice, "json")

    assert "Blue" in shown
    assert "Red" not in shown


def test_it_is_narrowed_to_a_kind(acme, as_alice, alice, bob):
    happened(acme, Act.TEAM_CREATED, alice, Team(name="Blue"))
    happened(acme, Act.MEMBER_LEFT, bob)

    assert read(as_alice, kind="people") == ["Bob Member left"]


@pytest.mark.parametrize("query", [{"kind": "junk\0"}, {"after": "junk\0"}, {"kind": "people", "after": "1"}])
def test_an_address_typed_by_hand_shows_what_it_can(query, as_alice):
    assert as_alice.get(HISTORY, query).status_code == 200


def test_an_erased_name_leaves_the_fact(acme, alice, bob):
    """P57: ids stay"""
    happened(acme, Act.MEMBER_REMOVED, alice, bob)
    EventSubject.objects.update(name="", address="")

    assert sentences(acme) == ["Somebody whose name was erased removed somebody whose name was erased"]


def test_the_download_has_every_line_where_from_and_about_whom(acme, as_alice, alice, bob):
    happened(acme, Act.MEMBER_REMOVED, alice, bob)

    [line] = json.loads(downloaded(as_alice, "json"))
    [row] = csv.DictReader(io.StringIO(downloaded(as_alice, "csv")))

    assert (line["who"], line["what"], line["from"]) == ("Alice Owner", "removed Bob Member", "192.0.2.7")
    assert {about["address"] for about in line["about"]} == {alice.email, bob.email}
    assert (row["who"], row["what"], row["from"]) == ("Alice Owner", "removed Bob Member", "192.0.2.7")
    assert row["at"] == line["at"]


def test_an_empty_history_downloads_as_an_empty_list(as_alice):
    assert json.loads(downloaded(as_alice, "json")) == []


def test_a_name_is_no_formula_of_a_spreadsheet(acme, as_alice, alice):
    alice.full_name = "=HYPERLINK(1)"
    happened(acme, Act.MEMBER_LEFT, alice)

    [row] = csv.DictReader(io.StringIO(downloaded(as_alice, "csv")))

    assert row["who"] == "'=HYPERLINK(1)"


def test_a_long_history_goes_by_pages_and_costs_the_same(acme, as_alice, alice, bob, lead):
    """And so does one with a deactivation that let many go."""
    as_alice.get(HISTORY)
    start = timezone.now() - timedelta(days=9)
    happened(acme, Act.TEAM_JOINED, alice, Team(name="Blue"), bob, at=start)
    with CaptureQueriesContext(
        connection,
    ) as few:
        as_alice.get(HISTORY)
    event = happened(acme, Act.REACTIVATED, alice)
    EventSubject.objects.bulk_create(EventSubject(event=event, part="member", name=f"P{n}") for n in range(50))
    for n in range(30):
        happened(acme, Act.TEAM_JOINED, alice, Team(name=f"Team {n}"), bob, at=start + timedelta(minutes=n + 1))

    with CaptureQueriesContext(connection) as many:
        first = as_alice.get(HISTORY)
    second = as_alice.get(HISTORY, {"after": first.context["page"].after})

    assert len(many) == len(few)
    assert "Team 29" in first.text
    assert "Team 29" not in second.text
    assert [line.what for line in second.context["lines"]][-1] == "added Bob Member to the team Blue"


def test_whom_a_deactivation_let_go_is_not_read_for_a_line(acme, alice, bob, lead):
    deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")

    [event] = events_of(acme.pk)

    assert {subject.part for subject in event.subjects.all()} == {"actor"}


def test_a_transfer_names_who_owns_it_now(acme, alice):
    dora = factories.member(acme, factories.UserFactory(full_name="Dora"), ORGANIZATION_ADMIN)
    transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS)

    assert sentences(acme) == ["Alice Owner made Dora the owner"]
