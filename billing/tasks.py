from time import monotonic

import structlog
from celery import shared_task
from django.utils import timezone

from billing import services
from billing.provider import ProviderError
from billing.services import charging, errands, subscribing, trial_notices
from billing.services.expiring_cards import tell_of_expiring_cards as tell_of_cards
from billing.services.reconciling import reconcile

TURN_SECONDS = 120

logger = structlog.get_logger(__name__)


@shared_task
def close_cycles() -> None:
    """Run hourly (P34). What a run missed the next one finds; running twice changes nothing."""
    closed = services.close_cycles(at=timezone.now())
    if any(closed):
        logger.info("closed cycles", **closed._asdict())


@shared_task
def run_errands() -> None:
    """Run every minute and on hints: start and end subscriptions at the payment provider; twice changes nothing."""
    ends = monotonic() + TURN_SECONDS
    while errands.run_next_errand():
        if monotonic() > ends:
            errands.hint_errands()
            return


@shared_task
def charge_invoices() -> None:
    """Run every minute and on hints: charge what is due; twice at once charges nothing twice."""
    ends = monotonic() + TURN_SECONDS
    while charging.charge_next():
        if monotonic() > ends:
            charging.hint_charges()
            return


@shared_task
def move_anchors() -> None:
    """Run hourly: plans that were scheduled and have begun count their cycles from then; twice changes nothing."""
    logger.info("moved anchors", moved=subscribing.move_begun_anchors(timezone.now()))


@shared_task
def tell_of_expiring_cards() -> None:
    """Run daily: tell owners and admins, once, of the card that expires in 30 days."""
    while tell_of_cards(at=timezone.now()):
        pass


@shared_task
def reconcile_billing() -> None:
    """Run nightly: list what lives here or at the payment provider only. What fails is listed the next night."""
    try:
        found = reconcile()
    except ProviderError as error:
        logger.error("billing not reconciled", error=str(error))
    else:
        logger.info("billing reconciled", **found._asdict())


@shared_task
def tell_of_trial_ends() -> None:
    """Run hourly: what a run missed the next one finds, and nobody is told the same thing twice."""
    now = timezone.now()
    while trial_notices.tell_of_trial_ends(at=now):
        pass
