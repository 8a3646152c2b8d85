"""Subscriptions as the provider has them: started and ended by workers, until the provider confirms (P41, P48).

An errand is claimed and its next attempt set before the provider is asked, so whatever becomes of the worker, it is
asked again. The provider does nothing twice.
"""

import random
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from billing.models import ProviderSubscription, Subscription
from billing.provider import ProviderError, provider
from billing.services.customers import customer_of, known_customer
from konnect_portal.foundation.hints import hint
from konnect_portal.foundation.organizations import keep_active

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=59)
DOUBLINGS_AT_MOST = 10

logger = structlog.get_logger(__name__)


def mirror_start(*subscriptions: Subscription) -> None:
    """Have paid Plus subscriptions start at the provider. In the transaction that makes them."""
    now = timezone.now()
    ProviderSubscription.objects.bulk_create(
        ProviderSubscription(subscription=each, created_at=now, next_attempt_at=now) for each in subscriptions
    )
    hint_errands()


def mirror_end(subscription_ids: Collection[UUID], *, at: datetime) -> None:
    """Have subscriptions end at the provider, if they are there. In the transaction that ends them (P41).

    What the provider was never asked to start is stopped already.
    """
    wanted = ProviderSubscription.objects.filter(subscription_id__in=subscription_ids, stop_asked_at=None)
    wanted.filter(attempts=0).update(stop_asked_at=at, stopped_at=at, next_attempt_at=None)
    wanted.update(stop_asked_at=at, next_attempt_at=at, attempts=0, last_error="")
    hint_errands()


def hint_errands() -> None:
    hint("billing.tasks.run_errands")


def run_next_errand() -> bool:
    """Claim one errand that is due and have it done; False where none can be claimed now."""
    errand = _claim(timezone.now())
    if errand is None:
        return False
    try:
        if errand.stop_asked_at is None:
            _start(errand)
        else:
            _end(errand)
    except ProviderError as error:
        logger.warning("errand at the payment provider put off", errand=str(errand.pk), error=str(error))
        ProviderSubscription.objects.filter(pk=errand.pk).update(last_error=str(error))
    return True


@transaction.atomic
def _claim(at: datetime) -> ProviderSubscription | None:
    due = ProviderSubscription.objects.filter(next_attempt_at__lte=at).order_by("next_attempt_at")
    errand = due.select_for_update(skip_locked=True).first()
    if errand is None:
        return None
    errand.attempts += 1
    errand.next_attempt_at = at + pause_after(errand.attempts)
    errand.save(update_fields=["attempts", "next_attempt_at"])
    return errand


def _start(errand: ProviderSubscription) -> None:
    """With the organization kept active: a deactivation waits, and its stop finds what was started."""
    organization_id = errand.subscription.organization_id
    customer = customer_of(organization_id)
    with transaction.atomic():
        if not keep_active(organization_id):
            return
        wanted = ProviderSubscription.objects.select_for_update().filter(pk=errand.pk, stop_asked_at=None).first()
        if wanted is None:
            return
        wanted.reference = provider().start_subscription(
            customer, organization_id=organization_id, subscription_id=wanted.subscription_id
        )
        wanted.started_at = timezone.now()
        wanted.next_attempt_at = None
        wanted.last_error = ""
        wanted.save(update_fields=["reference", "started_at", "next_attempt_at", "last_error"])


def _end(errand: ProviderSubscription) -> None:
    """Who is no customer there never had a subscription there."""
    customer = known_customer(errand.subscription.organization_id)
    if customer:
        provider().end_subscription(customer, subscription_id=errand.subscription_id)
    ProviderSubscription.objects.filter(pk=errand.pk, stopped_at=None).update(
        stopped_at=timezone.now(), next_attempt_at=None, last_error=""
    )


def pause_after(attempts: int) -> timedelta:
    """Twice as long after each attempt, never the same for all, at most an hour until beat finds it (P41)."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, DOUBLINGS_AT_MOST)
    return min(doubled, LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret
