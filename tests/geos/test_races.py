"""Claims against what else may happen to an organization at the same moment, with threads on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Organization
from geos.models import ControlPlane
from geos.services import begin_decommission, request_decommission, restore_control_planes
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(acme):
    """Acme's control planes in two geos, waiting to be taken down."""
    planes = [factories.control_plane(acme, geo=geo) for geo in ("us", "eu")]
    request_decommission([acme.pk], at=timezone.now(), begins_at=timezone.now())
    return planes


def elsewhere(act, *arguments, **keywords):
    """What comes of an act on another connection, while ours goes on."""

    def run():
        try:
            return act(*arguments, **keywords)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=5)


def hold(organization):
    """Put on hold as the lifecycle would."""
    with transaction.atomic():
        [held] = Organization.objects.hold_all([organization.pk])
        Organization.objects.filter(pk=held.pk).update(
            hold_until=timezone.now() + timedelta(days=1), hold_reason="Court order", hold_ticket="T-9"
        )


def restore(organization):
    with transaction.atomic():
        Organization.objects.hold_all([organization.pk])
        return restore_control_planes(organization.pk, at=timezone.now())


@pytest.mark.parametrize("act", [hold, restore])
def test_what_an_act_has_in_hand_is_neither_claimed_nor_waited_for(acme, waiting, act):
    """P51, P58"""
    with transaction.atomic():
        act(acme)
        assert elsewhere(begin_decommission, "us", at=timezone.now()) is None

    assert begin_decommission("us", at=timezone.now()) is None
    assert not ControlPlane.objects.filter(begun_at__isnull=False).exists()


def test_two_geos_of_one_organization_are_claimed_at_the_same_time(acme, waiting):
    """P42: the geos do not wait for each other"""
    with transaction.atomic():
        assert begin_decommission("us", at=timezone.now())
        assert elsewhere(begin_decommission, "eu", at=timezone.now())


def test_one_control_plane_is_claimed_by_one_worker(acme, waiting):
    """P48"""
    with transaction.atomic():
        assert begin_decommission("us", at=timezone.now())
        assert elsewhere(begin_decommission, "us", at=timezone.now()) is None


@pytest.mark.parametrize("act", [hold, restore])
def test_whoever_commits_first_wins(acme, act):
    """P51, P58: thirty times at once; never begun and restored, never begun after the hold"""
    for turn in range(30):
        control_plane = factories.control_plane(acme, f"turn-{turn}")
        request_decommission([acme.pk], at=timezone.now(), begins_at=timezone.now())
        at_once = Barrier(2)

        def claim(at_once=at_once):
            try:
                at_once.wait()
                return begin_decommission("us", at=timezone.now())
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            claiming = pool.submit(claim)
            at_once.wait()
            restored = act(acme)
            claimed = claiming.result(timeout=5)

        control_plane.refresh_from_db()
        if act is restore:
            assert (claimed is None) == (restored == [control_plane.pk])
            assert control_plane.state == ("active" if restored else "decommissioning")
        else:
            assert (claimed is None) == (control_plane.begun_at is None)
            assert begin_decommission("us", at=timezone.now() + timedelta(hours=2)) is None
        Organization.objects.update(hold_until=None, hold_reason="", hold_ticket="")
        ControlPlane.objects.filter(organization=acme).delete()
