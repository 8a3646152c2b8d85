"""Notices beside logins, deactivations, bounces and another run, on rows that are committed (P64, P65)."""

import pytest
from django.db import transaction
from django.utils import timezone
from post_office.models import Email

from accounts import inactivity, notices
from accounts.checks import run_check
from accounts.lifecycle import deactivate_organizations
from accounts.models import InactivityNotice, Organization
from accounts.services.logins import record_login
from accounts.words import Reason, Via
from konnect_portal.foundation.delivery import send_due_mails
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.notices import DAY, live, server
from tests.races import at_once, collide

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["server"]


@pytest.fixture
def silent(alice):
    return factories.organization("Silent", owner=alice, created_at=timezone.now() - 20 * DAY)


def log_in(organization):
    return record_login(organization.pk, organization.owner, timezone.now())


def deactivate(organization):
    return deactivate_organizations(
        [organization.pk], reason=Reason.OWNER_REQUEST, via=Via.SETTINGS, actor=organization.owner
    )


@pytest.mark.parametrize("act", [log_in, deactivate], ids=["logs in", "is deactivated"])
def test_who_logs_in_or_is_deactivated_just_before_is_not_told(silent, act):
    told = collide(lambda: act(silent), lambda: notices.tell([silent.pk]))

    assert told == []
    assert not Mail.objects.filter(kind="inactivity_notice").exists()


def test_who_logs_in_just_after_voids_what_was_started(silent):
    login = collide(lambda: notices.tell([silent.pk]), lambda: log_in(silent))

    assert isinstance(login, Organization)
    run_check()
    assert live(silent) == {}
    assert not Mail.objects.filter(kind="inactivity_notice").exists()


def test_two_runs_at_once_tell_once(silent):
    """P65"""
    at_once(run_check, run_check)

    assert list(live(silent)) == [14]
    assert Mail.objects.count() == 1


def test_a_bounce_during_the_record_of_an_acceptance_is_not_lost(silent, server):
    run_check()
    send_due_mails()
    unsettled = InactivityNotice.objects.live().unsettled()
    bounce = Mail.objects.get().email.message_id

    collide(lambda: notices.settle(unsettled.all()), lambda: notices.record_bounce(bounce))
    first = InactivityNotice.objects.get()

    assert first.accepted_at is None
    assert first.undeliverable_at == Mail.objects.get().bounced_at


def test_a_mail_that_is_being_sent_is_not_waited_for_when_its_notice_is_void(silent):
    run_check()
    log_in(silent)
    with transaction.atomic():
        Email.objects.select_for_update().get()
        [answer] = at_once(run_check)
        assert not isinstance(answer, Exception)

    assert Mail.objects.count() == 1
    assert not inactivity.live_notices([silent.pk])[silent.pk]
