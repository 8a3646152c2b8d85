"""Telling owner and admins that a trial ends: 7 days before and 1 day before (P30)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from billing.models import Subscription
from billing.services.costs import costs_so_far
from billing.services.plans import scheduled_subscription
from konnect_portal.foundation.money import dollars
from konnect_portal.foundation.organizations import people_to_tell
from konnect_portal.foundation.outbox import NewMail, queue_mails

FIRST_NOTICE, LAST_NOTICE = 7, 1
SET_SIZE = 100


@transaction.atomic
def tell_of_trial_ends(*, at: datetime, at_most: int = SET_SIZE) -> int:
    """Queue the mails that are due of a set of trials; gives how many trials it has dealt with.

    A missed night is made up by one mail that says what is true now. What two runs find at once, one of them tells.
    A deactivation has ended its trial, so nobody is told of that.
    """
    trials = list(_due(at).select_related("organization").select_for_update(of=("self",), skip_locked=True)[:at_most])
    queue_mails(mail for trial in trials for mail in _mails(trial, at))
    for trial in trials:
        trial.told_days_before = LAST_NOTICE if _is_last(trial, at) else FIRST_NOTICE
    Subscription.objects.bulk_update(trials, ["told_days_before"])
    return len(trials)


def _due(at: datetime):
    """Running trials of which less was told than is due."""
    running = Subscription.objects.filter(is_trial=True, ended_at__isnull=True, starts_at__lte=at, ends_at__gt=at)
    untold = Q(told_days_before=None, ends_at__lte=at + timedelta(days=FIRST_NOTICE))
    told_once = Q(told_days_before__gt=LAST_NOTICE, ends_at__lte=at + timedelta(days=LAST_NOTICE))
    return running.filter(untold | told_once).order_by("ends_at")


def _is_last(trial: Subscription, at: datetime) -> bool:
    assert trial.ends_at is not None
    return trial.ends_at <= at + timedelta(days=LAST_NOTICE)


def _mails(trial: Subscription, at: datetime) -> Iterator[NewMail]:
    organization = trial.organization
    context = {
        "organization_name": organization.name,
        "ends_at": trial.ends_at,
        "credits_left": dollars(costs_so_far([organization.pk], at=at)[organization.pk].credit_left_cents),
        "goes_on": scheduled_subscription(organization.pk, at=at) is not None,
    }
    for person in people_to_tell(organization.pk):
        yield NewMail(person.email, "trial_ends", context, organization_id=organization.pk, person_id=person.person_id)
