"""Mails before a trial ends: 7 days and 1 day, each once, a missed night made up (P30)."""

from datetime import timedelta

import pytest
from django.utils import timezone
from post_office.models import Email

from accounts.lifecycle import deactivate_organizations
from accounts.words import ORGANIZATION_ADMIN, Reason, Via
from billing.models import Credit, Metric
from billing.provider import Card
from billing.services.plans import set_payment_method
from billing.services.trial_notices import tell_of_trial_ends
from billing.tasks import tell_of_trial_ends as task
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.customers import read
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried(alice):
    return factories.organization("Tried", owner=alice, plan="trial")


def told_at(organization, *days_before: float) -> int:
    """How many mails there are after runs so many days before the trial's end."""
    ends_at = organization.subscriptions.get(is_trial=True).ends_at
    for days in days_before:
        tell_of_trial_ends(at=ends_at - timedelta(days=days))
    return Mail.objects.filter(organization_id=organization.pk, kind="trial_ends").count()


def test_owner_and_admins_are_told_7_days_and_1_day_before_and_never_again(tried, acme, bob):
    factories.member(tried, factories.UserFactory(), ORGANIZATION_ADMIN)
    factories.member(tried, bob)
    every_three_hours = [hours / 24 for hours in range(24 * 9, -24, -3)]

    assert told_at(tried, *every_three_hours) == 2 * 2
    assert not Mail.objects.filter(person_id=bob.pk).exists()
    assert not Mail.objects.filter(organization_id=acme.pk).exists()


def test_not_a_second_before(tried):
    assert told_at(tried, 7 + 1 / 86400) == 0
    assert told_at(tried, 7) == 1
    assert told_at(tried, 1 + 1 / 86400) == 1
    assert told_at(tried, 1) == 2


def test_missed_nights_are_made_up_by_one_mail(tried):
    assert told_at(tried, 3, 2) == 1
    assert told_at(tried, 0.5, 0.4) == 2


def test_who_missed_both_is_told_once_and_who_missed_the_end_not_at_all(tried):
    assert told_at(tried, 0, -1) == 0
    assert told_at(tried, 0.5, 0.4) == 1


def test_the_mail_says_date_credits_and_what_follows(tried):
    trial = tried.subscriptions.get()
    Credit.objects.create(
        organization=tried,
        kind="free",
        granted_cents=50_000,
        remaining_cents=50_000,
        granted_at=trial.starts_at,
        expires_at=trial.ends_at,
    )
    hour = (timezone.now() - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    factories.usage(tried, hour, 72, metric=Metric.GATEWAY_SERVICES)
    told_at(tried, 7)
    mail = read(Email.objects.get())

    assert mail.subject == f"The trial of Tried ends on {trial.ends_at:%-d %b %Y}"
    for text in (f"{trial.ends_at:%-d %b %Y, %H:%M} UTC", "489.50 USD of credits", "Without one it is on Free"):
        assert text in mail.message


def test_with_a_payment_method_it_says_that_plus_follows(tried):
    set_payment_method(tried.pk, Card("card_1", "Visa", "4242", 2099, 12), by_id=tried.owner_id)
    told_at(tried, 7)

    assert "goes on with Plus" in read(Email.objects.get()).message
    assert "Free" not in read(Email.objects.get()).message


def test_nobody_is_told_of_a_deactivated_organization(tried, lead):
    """P41"""
    said = {"reason": Reason.SPAM, "actor": lead, "via": Via.ADMIN, "ticket": "T-1"}
    deactivate_organizations([tried.pk], **said)

    assert told_at(tried, 7, 1) == 0


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_once(tried):
    tried.subscriptions.update(ends_at=timezone.now() + timedelta(days=6))
    at_once(task, task)

    assert Mail.objects.filter(kind="trial_ends").count() == 1
