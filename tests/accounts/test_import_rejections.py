"""Lines that are not taken (docs/export-format.md): each is told with its field and reason, and changes nothing."""

import json

import pytest
from django.db import connection

from accounts.importing.reading import LINE_BYTES_MAX
from accounts.models import Organization, User
from tests.exports import control_plane, imported, member, moment, organization

pytestmark = pytest.mark.django_db

OWNER = "o@acme.example"


def line(**fields) -> dict:
    return organization(email=OWNER, owner_email=OWNER, members=[member(OWNER)]) | fields


def without(name: str, told: dict) -> dict:
    return {key: value for key, value in told.items() if key != name}


def usage(**fields) -> dict:
    return {"day": "2026-11-01", "geo": "us", "metric": "api_requests", "quantity": 1} | fields


def members(**fields) -> dict:
    return line(members=[member(OWNER), member("m@acme.example") | fields])


MINUTE = 60
LATER = moment(seconds=5 * MINUTE + 1)

REJECTED = {
    "missing field": (without("plan", line()), "plan", "is missing"),
    "missing field of a member": (
        line(members=[without("last_login_at", member(OWNER))]),
        "members.0.last_login_at",
        "is missing",
    ),
    "missing field of a control plane": (
        line(control_planes=[without("nodes", control_plane())]),
        "control_planes.0.nodes",
        "is missing",
    ),
    "missing field of usage": (line(usage=[without("geo", usage())]), "usage.0.geo", "is missing"),
    "unknown field": (line(colour="red"), "colour", "is not a known field"),
    "unknown field of a member": (members(colour="red"), "members.1.colour", "is not a known field"),
    "unknown field with a surrogate": (line(**{"a\ud800": 1}), "a\ufffd", "is not a known field"),
    "id": (line(id="acme"), "id", "is not a UUID"),
    "id is a number": (line(id=7), "id", "is not a string"),
    "name is null": (line(name=None), "name", "is not a string"),
    "name is empty": (line(name="  "), "name", "has 0 characters after trimming; 1 to 250 are allowed"),
    "name is long": (line(name="x" * 251), "name", "has 251 characters after trimming; 1 to 250 are allowed"),
    "contact": (line(email="nobody"), "email", "is not an e-mail address"),
    "contact is long": (line(email="x" * 250 + "@a"), "email", "has 252 characters"),
    "member's address": (members(email="two words@x"), "members.1.email", "is not an e-mail address"),
    "member's name": (members(full_name="x" * 251), "members.1.full_name", "has 251 characters"),
    "owner is no member": (line(owner_email="x@acme.example"), "owner_email", "is not the address of a member"),
    "no members": (line(members=[]), "owner_email", "is not the address of a member"),
    "members no list": (line(members={}), "members", "is not a list"),
    "member no object": (line(members=[member(OWNER), "x"]), "members.1", "is not an object"),
    "same member": (
        line(members=[member(OWNER), member(" O@ACME.example")]),
        "members.1.email",
        "is the same person as members.0",
    ),
    "unknown team": (members(teams=["Portal Admin", "Admins"]), "members.1.teams.1", "is not a known team"),
    "team is a list": (members(teams=[["Portal Admin"]]), "members.1.teams.0", "is not a known team"),
    "unknown state": (line(state="deleted"), "state", "is not a known state; known are: active, inactive"),
    "unknown geo": (line(home_geo="de"), "home_geo", "is not a known geo; known are: au, eu, in, me, sg, us"),
    "unknown plan": (line(plan="gold"), "plan", "is not a known plan"),
    "trial without end": (line(plan="trial"), "trial_ends_at", "is null although the plan is trial"),
    "end without trial": (
        line(trial_ends_at=moment(days=3)),
        "trial_ends_at",
        "is set although the plan is not trial",
    ),
    "came to Free on Plus": (
        line(plan="plus", plan_changed_at=moment(days=-3)),
        "plan_changed_at",
        "is set although the plan is not free",
    ),
    "created ahead": (line(created_at=LATER), "created_at", "lies more than 5 minutes ahead"),
    "came to Free ahead": (line(plan_changed_at=LATER), "plan_changed_at", "lies more than 5 minutes ahead"),
    "reactivated ahead": (line(reactivated_at=LATER), "reactivated_at", "lies more than 5 minutes ahead"),
    "request ahead": (line(last_api_request_at=LATER), "last_api_request_at", "lies more than 5 minutes ahead"),
    "login ahead": (members(last_login_at=LATER), "members.1.last_login_at", "lies more than 5 minutes ahead"),
    "created null": (line(created_at=None), "created_at", "is not a string"),
    "anchor null": (line(billing_anchor_at=None), "billing_anchor_at", "is not a string"),
    "no moment": (line(created_at="yesterday"), "created_at", "is not a moment like 2026-11-20T03:00:00Z"),
    "no time zone": (
        line(created_at="2026-01-01T00:00:00"),
        "created_at",
        "is a moment without a time zone; it needs Z or an offset",
    ),
    "day for moment": (line(created_at="2026-01-01"), "created_at", "is a moment without a time zone"),
    "a moment out of reach": (
        line(plan="trial", trial_ends_at="9999-12-31T23:59:59Z"),
        "trial_ends_at",
        "lies outside the years 1900 to 9998",
    ),
    "boolean": (line(never_deactivate=1), "never_deactivate", "is neither true nor false"),
    "unknown kind": (
        line(control_planes=[control_plane(kind="mesh")]),
        "control_planes.0.kind",
        "is not a known kind",
    ),
    "unknown geo of a control plane": (
        line(control_planes=[control_plane(geo="xx")]),
        "control_planes.0.geo",
        "is not a known geo",
    ),
    "true is no number": (
        line(control_planes=[control_plane(nodes=True)]),
        "control_planes.0.nodes",
        "is not a whole",
    ),
    "half a service": (
        line(control_planes=[control_plane(services=0.5)]),
        "control_planes.0.services",
        "is not a whole",
    ),
    "fewer than none": (
        line(control_planes=[control_plane(nodes=-1)]),
        "control_planes.0.nodes",
        "is not between 0 and",
    ),
    "more than can be": (
        line(control_planes=[control_plane("a", nodes=99_999), control_plane("b")]),
        "control_planes",
        "have over 100000 nodes, services and zones together",
    ),
    "same control plane": (
        line(control_planes=[control_plane(), control_plane(geo="eu"), control_plane(" default ", kind="kic")]),
        "control_planes.2.name",
        "is the same control plane as control_planes.0: same name, same geo",
    ),
    "zones of a gateway": (
        line(control_planes=[control_plane(zones=0)]),
        "control_planes.0.zones",
        "stands only where the kind is mesh_global",
    ),
    "mesh without zones": (
        line(control_planes=[control_plane(kind="mesh_global")]),
        "control_planes.0.zones",
        "is missing",
    ),
    "unknown metric": (line(usage=[usage(metric="apps")]), "usage.0.metric", "is not a known metric"),
    "unknown geo of usage": (line(usage=[usage(geo="")]), "usage.0.geo", "is not a known geo"),
    "usage below none": (line(usage=[usage(quantity=-1)]), "usage.0.quantity", "is not between 0 and"),
    "usage past all bounds": (line(usage=[usage(quantity=2**63)]), "usage.0.quantity", "is not between 0 and"),
    "no day": (line(usage=[usage(day="2026-13-01")]), "usage.0.day", "is not a day like 2026-11-20"),
    "same usage": (line(usage=[usage(), usage()]), "usage.1", "tells of the same day, geo and metric as usage.0"),
    "NUL": (line(name="a\x00b"), "name", "has a NUL or a lone surrogate in it"),
    "lone surrogate": (members(full_name="a\ud800b"), "members.1.full_name", "has a NUL or a lone surrogate in it"),
    "a field twice": (
        json.dumps(line())[:-1].encode() + b', "name": "B"}',
        None,
        "names a field twice",
    ),
    "a field of a member twice": (
        json.dumps(line()).replace('"full_name"', '"email": "b@acme.example", "full_name"').encode(),
        "members.0",
        "names a field twice",
    ),
    "raw NUL": (b'{"id": "\x00"}', None, "is not JSON"),
    "broken UTF-8": (json.dumps(line(name="caf!")).encode().replace(b"!", b"\xe9"), None, "is not UTF-8 from byte"),
    "broken off": (json.dumps(line()).encode()[:-5], None, "is not JSON"),
    "not a number": (json.dumps(line(never_deactivate=float("nan"))).encode(), None, "is not JSON"),
    "empty": (b"", None, "is not JSON"),
    "list": (b"[]", None, "is not an object"),
    "null": (b"null", None, "is not an object"),
    "deep": (b"[" * 500_000, None, "is not JSON"),
    "number of many digits": (b'{"id": ' + b"9" * 5000 + b"}", None, "is not JSON"),
    "over 1 MB": (json.dumps(line(name="x" * LINE_BYTES_MAX)).encode(), None, "is over 1 MB"),
}


@pytest.mark.parametrize(("told", "field", "reason"), REJECTED.values(), ids=REJECTED.keys())
def test_a_line_that_is_not_in_order_is_told_and_the_others_are_taken(told, field, reason):
    before, after = organization(), organization()

    tally = imported(before, told, after)

    assert (tally.read, tally.created, tally.unchanged) == (3, 2, 0)
    [rejection] = tally.rejected
    assert (rejection.line, rejection.field) == (2, field)
    assert rejection.reason.startswith(reason)
    assert {str(pk) for pk in Organization.objects.values_list("pk", flat=True)} == {before["id"], after["id"]}
    assert User.objects.count() == 2


def test_a_line_of_just_one_megabyte_is_taken():
    told = json.dumps(organization()).encode()

    assert imported(told + b" " * (LINE_BYTES_MAX - len(told))).created == 1
    assert imported(told + b" " * (LINE_BYTES_MAX - len(told) + 1)).rejected[0].reason == "is over 1 MB"


def test_five_minutes_ahead_is_no_future():
    soon = moment(seconds=5 * MINUTE)

    tally = imported(
        line(
            created_at=soon,
            plan_changed_at=soon,
            reactivated_at=soon,
            last_api_request_at=soon,
            members=[member(OWNER, last_login_at=soon)],
        )
    )

    assert tally.created == 1


def test_trial_and_billing_may_lie_ahead():
    assert imported(line(plan="trial", trial_ends_at=moment(days=30), billing_anchor_at=moment(days=40))).created == 1


def test_an_id_that_is_here_with_other_content_is_rejected_and_nothing_changes():
    told = organization()
    imported(told)

    tally = imported(told | {"name": "Renamed"})

    assert [(each.line, each.field) for each in tally.rejected] == [(1, "id")]
    assert Organization.objects.get().name == told["name"]


def test_of_two_lines_with_one_id_the_first_is_taken():
    told = organization()

    tally = imported(told, told, told | {"name": "Other"})

    assert (tally.created, tally.unchanged) == (1, 1)
    assert [(each.line, each.field) for each in tally.rejected] == [(3, "id")]


def test_the_id_of_an_organization_that_was_not_imported_is_taken(acme):
    tally = imported(organization(id=str(acme.pk)))

    assert [each.field for each in tally.rejected] == ["id"]


def test_a_staff_address_is_no_customers(lead):
    """P1"""
    tally = imported(line(members=[member(OWNER), member(lead.email.upper())]), organization())

    assert tally.created == 1
    assert [(each.line, each.field) for each in tally.rejected] == [(1, "members.1.email")]


def test_one_line_that_the_database_refuses_takes_no_other_along():
    poison_the_name("Poison")
    told = [organization() for _ in range(6)]
    told[3]["name"] = "Poison"

    tally = imported(*told)

    assert tally.created == 5
    assert [(each.line, each.field) for each in tally.rejected] == [(4, None)]
    assert tally.rejected[0].reason.startswith("the database refused it")
    assert Organization.objects.count() == User.objects.count() == 5


def test_a_rejected_line_names_nobody():
    """The first line that is taken gives a person their name."""
    shared = "shared@acme.example"
    first = organization(home_geo="xx")
    first["members"].append(member(shared, full_name="From a bad line"))
    second = organization()
    second["members"].append(member(shared, full_name="From a good line"))

    imported(first, second)

    assert User.objects.get(email=shared).full_name == "From a good line"


def poison_the_name(name: str) -> None:
    """Have the database refuse an organization of this name, as it would one that no check here foresaw."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE accounts_organization ADD CONSTRAINT poisoned CHECK (name <> '{name}')")
