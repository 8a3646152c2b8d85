"""`manage.py benchmark`: figures beside their floor and rival, in a database of its own."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Organization
from konnect_portal.benchmarks import desk, pages, usage
from konnect_portal.benchmarks.management.commands import benchmark
from konnect_portal.benchmarks.measuring import Case, ResultsDiffer, same
from tests import factories


@pytest.mark.parametrize(
    ("floor", "rival", "holds"), [(80, 10, True), (81, 10, False), (80, 10.1, False), (None, 10, False)]
)
def test_a_goal_holds_where_every_part_of_it_is_reached(floor, rival, holds):
    case = Case("fast", 40, 1.0, floor=floor, rival=rival, least_of_floor=0.5, least_of_rival=4)

    assert case.holds is holds
    assert case.goal == "0.5 of the floor and 4 times the rival"


def test_times_are_not_told_where_results_differ():
    with pytest.raises(ResultsDiffer):
        same("Ingestion", {"a": 1}, {"a": 2})


@pytest.fixture
def in_this_database(monkeypatch, transactional_db):
    """Making one of its own takes seconds."""
    monkeypatch.setattr(benchmark, "own_database", lambda: connection.cursor())
    monkeypatch.setattr(usage, "HOURS", 1)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bare")


@pytest.mark.usefixtures("in_this_database")
def test_it_answers_in_json_and_fails_where_a_goal_does_not_hold(monkeypatch):
    monkeypatch.setattr(benchmark.Case, "holds", property(lambda case: case.case != "the same hours again"))
    out = StringIO()
    with pytest.raises(CommandError, match="does not hold of the same hours again") as failed:
        call_command("benchmark", "usage", "--organizations", "3", "--json", stdout=out)

    assert failed.value.returncode == 1
    told = json.loads(out.getvalue())
    assert (told["benchmark"], told["organizations"]) == ("usage", 3)
    names = {"case", "seconds", "per_second", "to_floor", "to_rival", "goal", "holds"}
    assert {frozenset(case) for case in told["cases"]} == {frozenset(names)}


@pytest.mark.slow
def test_the_page_shows_what_its_rival_shows(monkeypatch, transactional_db):
    monkeypatch.setattr(pages, "ROUNDS", 1)
    monkeypatch.setattr(pages, "A_PLAIN_ONE_EACH", 1)
    monkeypatch.setattr(pages, "DAYS", 40)

    assert [case.case for case in pages.run(2)] == ["hello", "Billing and Usage, plain ORM", "Billing and Usage"]


def test_it_takes_an_organization_to_measure_with():
    with pytest.raises(CommandError, match="at least one") as refused:
        call_command("benchmark", "usage", "--organizations", "0")

    assert refused.value.returncode == 2


@pytest.mark.slow
def test_it_leaves_the_portals_database_alone(transactional_db):
    factories.organization()
    before = connection.settings_dict["NAME"]
    try:
        call_command("benchmark", "usage", "--organizations", "10", stdout=StringIO())
    except CommandError as missed:
        assert missed.returncode == 1  # noqa: PT017 -- so few organizations reach no goal

    assert connection.settings_dict["NAME"] == before
    assert Organization.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'benchmark_%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.slow
@pytest.mark.usefixtures("transactional_db")
def test_the_desks_pages_show_what_the_stock_admin_shows(monkeypatch):
    """P72: or `same` raises. So few organizations reach no goal."""
    monkeypatch.setattr(desk, "TIMES", 1)
    monkeypatch.setattr(desk, "RIVAL_TIMES", 1)

    cases = {case.case: case for case in desk.run(120)}

    pages = [
        "first page",
        "deep page",
        "state filter",
        "search rare",
        "search by e-mail",
        "search common",
        "case page",
    ]
    assert list(cases) == [name for page in pages for name in (page, f"{page}, beside 1")]
    assert cases["search common"].goal == "0.04 of the floor and 10 times the rival"
    assert cases["case page"].to_rival is None


@pytest.mark.slow
@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("name", ["deactivation", "inactivity"])
def test_the_checks_ways_come_to_the_same_as_their_rivals(monkeypatch, settings, name):
    """P62, P65: or `same` raises. So few organizations reach no goal."""
    settings.INACTIVITY_NOTICES = True
    monkeypatch.setattr(benchmark.Case, "holds", True)

    call_command("benchmark", name, "--organizations", "200", stdout=StringIO())
