"""Licenses are renewed when 182 of their 365 days are left (P22), in active organizations only (P46)."""

import secrets
from datetime import timedelta

import pytest
from django.conf import settings as live_settings
from django.db import connection
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations
from accounts.words import Reason, Via
from konnect_portal.celery import app
from licensing.models import License
from licensing.services import license_to_deliver, record_deliveries, renew_licenses, renewing
from licensing.signing import signing_key, verify
from licensing.tasks import renew_licenses as task
from tests import factories
from tests.races import collide

pytestmark = pytest.mark.django_db

AT = factories.moment("2026-11-24 14:30:05")
DUE = AT + timedelta(days=365 - 182)
SECOND = timedelta(seconds=1)
DONE = (3, 0)
NOTHING = (0, 0)


@pytest.fixture
def acme(acme):
    """Its licenses were issued at AT."""
    return with_licenses_of(AT, acme)


def with_licenses_of(issued_at, organization):
    organization.licenses.all().delete()
    factories.licenses(organization, issued_at)
    return organization


def deactivate(organization, lead):
    return deactivate_organizations(
        [organization.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1", note="n"
    )


def test_with_182_days_left_it_is_renewed_and_a_second_earlier_it_is_not(acme):
    """P22"""
    assert renew_licenses(at=DUE - SECOND) == NOTHING
    assert renew_licenses(at=DUE) == DONE

    found = acme.licenses.order_by("issued_at").values_list("issued_at", "expires_at", "replaced_at", "lapsed_at")
    assert (
        list(found)
        == [(AT, AT + timedelta(days=365), DUE, None)] * 3 + [(DUE, DUE + timedelta(days=365), None, None)] * 3
    )


def test_nodes_get_the_new_one_and_the_old_one_stays_as_it_was(acme):
    """P22, P43"""
    old = license_to_deliver(acme.pk, "mesh")
    record_deliveries(old.pk, [acme.pk], AT)
    renew_licenses(at=DUE)

    new = license_to_deliver(acme.pk, "mesh")
    assert (new.issued_at, new.product, new.deliveries.count()) == (DUE, "mesh", 0)
    assert old.deliveries.count() == 1
    assert verify(old.document, at=DUE).expires_on < verify(new.document, at=DUE).expires_on


def test_twice_renews_nothing_more(acme):
    """P22"""
    assert [renew_licenses(at=DUE), renew_licenses(at=DUE)] == [DONE, NOTHING]
    assert acme.licenses.count() == 6


def test_only_what_is_due_is_renewed(acme, globex):
    """P22"""
    with_licenses_of(AT + SECOND, globex)

    assert renew_licenses(at=DUE) == DONE
    assert globex.licenses.count() == 3


def test_one_that_has_expired_long_ago_is_renewed_too(acme):
    """P22: what runs missed is made up."""
    assert renew_licenses(at=AT + timedelta(days=900)) == DONE


def test_a_deactivated_organization_gets_none(acme, lead):
    """P46"""
    deactivate(acme, lead)

    assert renew_licenses(at=timezone.now() + timedelta(days=900)) == NOTHING
    assert not acme.licenses.live().exists()


def test_a_renewed_license_is_signed_with_the_new_key(acme, settings):
    """P22: a rotation renews nothing by itself."""
    settings.LICENSE_SIGNING_KEY = secrets.token_hex(32)
    assert renew_licenses(at=DUE - SECOND) == NOTHING

    renew_licenses(at=DUE)

    assert set(acme.licenses.live().values_list("key_id", flat=True)) == {signing_key().id}


def test_how_many_days_are_left_is_a_setting(acme, settings):
    """P22"""
    settings.LICENSE_RENEW_DAYS_LEFT = 183

    assert renew_licenses(at=DUE - timedelta(days=1)) == DONE


def test_many_cost_no_more_statements_than_one(acme, django_assert_num_queries, globex):
    """P22, habit 2: the due ones, the organizations held, the licenses read, replaced and written, savepoints."""
    with django_assert_num_queries(7):
        renew_licenses(at=DUE)
    for organization in [acme, globex, *(factories.organization(f"Other {n}") for n in range(3))]:
        with_licenses_of(AT, organization)

    with django_assert_num_queries(7):
        assert renew_licenses(at=DUE) == (15, 0)


def test_one_that_cannot_be_renewed_stops_no_other(acme, globex):
    """Habit 2"""
    with_licenses_of(AT, globex)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE licensing_license ADD CONSTRAINT broken"
            f" CHECK (organization_id <> '{globex.pk}' OR issued_at < '2026-12-01')"
        )

    assert renew_licenses(at=DUE) == (3, 1)
    assert (acme.licenses.count(), globex.licenses.live().count()) == (6, 3)


def test_a_long_row_is_left_for_the_next_run(acme, globex, monkeypatch):
    """P22: a run ends well below a worker's time limit."""
    with_licenses_of(AT, globex)
    monkeypatch.setattr(renewing, "SET_SIZE", 3)
    monkeypatch.setattr(renewing, "TURN_SECONDS", 0)

    assert [renew_licenses(at=DUE) for _ in range(3)] == [DONE, DONE, NOTHING]


def test_what_is_due_is_found_by_its_index(acme):
    """P22, habit 7"""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "license_to_renew" in License.objects.to_renew(DUE).order_by("expires_at").explain()


def test_beat_runs_it_hourly(acme):
    """P22"""
    entry = app.conf.beat_schedule["renew licenses"]
    assert (entry["task"], entry["schedule"]._orig_hour) == (task.name, "*")
    with_licenses_of(timezone.now() - timedelta(days=live_settings.LICENSE_DAYS - 182), acme)

    task()

    assert acme.licenses.live().count() == acme.licenses.filter(replaced_at=None).count() == 3
    assert acme.licenses.count() == 6


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_deactivation_before_a_renewal_leaves_nothing_live(self, acme, lead):
        """P46, habit 1"""
        assert collide(lambda: deactivate(acme, lead), lambda: renew_licenses(at=DUE)) == NOTHING

        assert not acme.licenses.live().exists()
        assert acme.licenses.count() == 3

    def test_a_deactivation_after_a_renewal_lapses_what_it_made(self, acme, lead):
        """P46, habit 1"""
        [event] = collide(lambda: renew_licenses(at=DUE), lambda: deactivate(acme, lead))

        assert event.details["counts"]["licenses"] == 3
        assert not acme.licenses.live().exists()
        assert acme.licenses.count() == 6

    def test_two_renewals_at_once_renew_once(self, acme):
        """P22"""
        assert collide(lambda: renew_licenses(at=DUE), lambda: renew_licenses(at=DUE)) == NOTHING

        assert acme.licenses.count() == 6
