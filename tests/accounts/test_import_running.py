"""How an import runs: in sets, twice, two at once, killed half-way, on a long line (docs/export-format.md)."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from post_office.models import Email

from accounts import demo
from accounts.importing import Tally, import_organizations, running
from accounts.models import EmailLock, LifecycleEvent, Membership, Organization, TeamMembership, User
from accounts.words import State
from billing.models import DailyUsage
from geos.models import ControlPlane, DataPlaneNode, GatewayService, MeshZone
from licensing.models import License
from tests.exports import AT, control_plane, file_of, imported, member, moment, organization
from tests.races import collide
from tests.workers import database_url, eventually

EVERYTHING = (
    Organization,
    User,
    Membership,
    TeamMembership,
    LifecycleEvent,
    EmailLock,
    License,
    ControlPlane,
    DataPlaneNode,
    GatewayService,
    MeshZone,
    DailyUsage,
)


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in EVERYTHING}


def import_sample():
    with demo.SAMPLE.open("rb") as file:
        return [tally for tally in import_organizations(file, at=demo.SAMPLE_MOMENT) if tally.read]


@pytest.mark.django_db
def test_the_sample_is_taken_whole():
    tallies = import_sample()

    assert sum(tally.created for tally in tallies) == 300
    assert [tally.rejected for tally in tallies] == [[], []]
    assert counts() == {
        "Organization": 300,
        "User": 883,
        "Membership": 890,
        "TeamMembership": 1436,
        "LifecycleEvent": 7,
        "EmailLock": 8,
        "License": 3 * 293,
        "ControlPlane": 422,
        "DataPlaneNode": 801,
        "GatewayService": 1658,
        "MeshZone": 142,
        "DailyUsage": 878,
    }
    assert not Email.objects.exists()


@pytest.mark.django_db
def test_a_second_import_changes_nothing_also_after_organizations_lived_on():
    told = [organization(), organization(state="inactive")]
    imported(*told)
    Organization.objects.filter(state=State.ACTIVE).update(name="Renamed", last_login_at=AT + timedelta(days=3))
    before = counts(), list(Organization.objects.values())

    tally = imported(*told, at=AT + timedelta(days=10))

    assert (tally.created, tally.unchanged, tally.rejected) == (0, 2, [])
    assert (counts(), list(Organization.objects.values())) == before


@pytest.mark.django_db
def test_the_same_content_in_another_spelling_is_unchanged():
    told = organization(name="Café")
    imported(told)

    spelled = json.dumps(dict(reversed(told.items())), ensure_ascii=False, indent=None, separators=(" , ", ":  "))

    assert imported(spelled.encode()).unchanged == 1


@pytest.mark.django_db
def test_a_set_takes_as_many_statements_as_one_line():
    def told(**fields):
        return organization(
            plan="trial",
            trial_ends_at=moment(days=3),
            never_deactivate=True,
            control_planes=[control_plane(), control_plane("mesh", kind="mesh_global", zones=2)],
            usage=[{"day": "2026-11-01", "geo": "us", "metric": "api_requests", "quantity": 1}],
            **fields,
        )

    with CaptureQueriesContext(connection) as few:
        imported(told(), told(state="inactive"))
    with CaptureQueriesContext(connection) as many:
        imported(*(told(state=state) for state in ["active", "inactive"] * 100))

    assert len(many) == len(few) < 40


@pytest.mark.django_db
def test_sets_are_of_bounded_size(monkeypatch):
    monkeypatch.setattr(running, "SET_LINES", 3)

    tallies = list(import_organizations(file_of(*(organization() for _ in range(7)), b"bad"), at=AT))

    assert [tally.read for tally in tallies] == [3, 3, 2]
    assert [len(tally.rejected) for tally in tallies] == [0, 0, 1]


@pytest.mark.django_db
def test_a_file_of_bad_lines_is_told_line_by_line():
    tally = imported(*[b"bad"] * 1000, organization())

    assert (tally.read, tally.created) == (1001, 1)
    assert [each.line for each in tally.rejected] == list(range(1, 1001))


@pytest.mark.django_db
def test_a_line_of_fifty_megabytes_is_never_held(tmp_path):
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(json.dumps(organization()).encode() + b'\n{"name": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + json.dumps(organization()).encode())

    tracemalloc.start()
    with path.open("rb") as file:
        tallies = list(import_organizations(file, at=AT))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [(tally.read, tally.created) for tally in tallies] == [(3, 2)]
    assert [(each.line, each.reason) for each in tallies[0].rejected] == [(2, "is over 1 MB")]
    assert peak < 10_000_000


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_make_each_organization_once():
    told = [organization() for _ in range(40)]
    shared = member("shared@acme.example")
    for line in told:
        line["members"].append(shared)

    second = collide(lambda: imported(*told), lambda: imported(*reversed(told)))

    assert second == Tally(read=40, unchanged=40)
    assert (Organization.objects.count(), User.objects.count(), Membership.objects.count()) == (40, 41, 80)


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_an_import_killed_half_way_is_completed_by_the_next(tmp_path):
    path = tmp_path / "export.jsonl"
    told = [organization(state=["active", "inactive"][n % 5 == 0]) for n in range(900)]
    path.write_bytes(file_of(*told).getvalue())
    command = [sys.executable, "manage.py", "import_organizations", str(path), "--json"]
    environment = {**os.environ, "DATABASE_URL": database_url()}

    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(Organization.objects.exists, within=30)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE licensing_license IN SHARE MODE")
        eventually(somebody_waits_to_write_a_license, within=30)
        process.send_signal(signal.SIGKILL)
        process.wait()
    half = Organization.objects.count()
    again = subprocess.run(command, env=environment, capture_output=True, check=True)

    assert half in (250, 500, 750)
    answer = json.loads(again.stdout)
    assert answer == {"read": 900, "created": 900 - half, "unchanged": half, "rejected": []}
    assert Organization.objects.count() == Membership.objects.count() == 900
    assert LifecycleEvent.objects.count() == EmailLock.objects.count() == 180
    assert License.objects.count() == 3 * 720


def somebody_waits_to_write_a_license() -> bool:
    """By then the rest of the set is written, and not committed."""
    waits = "SELECT 1 FROM pg_locks WHERE relation = 'licensing_license'::regclass AND NOT granted"
    with connection.cursor() as cursor:
        return cursor.execute(waits).fetchone() is not None
