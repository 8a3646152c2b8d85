from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import DateTimeField, IntegerField, Value
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billing.services import CYCLE, CycleOf, CycleStart, cycle_of, cycle_start
from geos.models import Geo

ANCHOR = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
seconds = st.integers(-30_000_000_000, 200_000_000_000)
moments = st.builds(lambda s, us: ANCHOR + timedelta(seconds=s, microseconds=us), seconds, st.integers(0, 999_999))


def in_sql(expression):
    """What PostgreSQL makes of an expression; any row serves to ask it."""
    return Geo.objects.values_list(expression, flat=True)[:1].get()


def moment(value):
    return Value(value, output_field=DateTimeField())


def test_a_cycle_is_exactly_2592000_seconds():
    """P31"""
    assert (cycle_start(ANCHOR, 8) - cycle_start(ANCHOR, 7)).total_seconds() == 2_592_000


@pytest.mark.parametrize(
    ("after", "k"),
    [
        (timedelta(0), 0),
        (-MICROSECOND, -1),
        (CYCLE - MICROSECOND, 0),
        (CYCLE, 1),
        (-CYCLE, -1),
        (-CYCLE - MICROSECOND, -2),
    ],
)
def test_cycles_floor_also_before_the_anchor(after, k):
    """P31"""
    assert cycle_of(ANCHOR, ANCHOR + after) == k


@given(moments, moments)
def test_every_moment_lies_in_its_cycle_and_in_no_other(anchor, moment):
    """P31"""
    k = cycle_of(anchor, moment)

    assert cycle_start(anchor, k) <= moment < cycle_start(anchor, k + 1)


@pytest.mark.django_db
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moments, moments)
@example(ANCHOR, ANCHOR + 10_000 * CYCLE - MICROSECOND)
@example(ANCHOR, ANCHOR - 10_000 * CYCLE)
@example(ANCHOR, ANCHOR - MICROSECOND)
def test_postgresql_counts_cycles_alike(anchor, at):
    """P31, habit 5"""
    assert in_sql(CycleOf(moment(anchor), moment(at))) == cycle_of(anchor, at)


@pytest.mark.django_db
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moments, st.integers(-10_000, 10_000))
def test_postgresql_starts_cycles_alike(anchor, k):
    """P31, habit 5"""
    assert in_sql(CycleStart(moment(anchor), Value(k, output_field=IntegerField()))) == cycle_start(anchor, k)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Apia"])
def test_clock_changes_of_a_time_zone_move_no_cycle(zone):
    """P31"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])

    assert in_sql(CycleOf(moment(ANCHOR), CycleStart(moment(ANCHOR), Value(7)))) == 7
    assert in_sql(CycleOf(moment(ANCHOR + MICROSECOND), CycleStart(moment(ANCHOR), Value(7)))) == 6
