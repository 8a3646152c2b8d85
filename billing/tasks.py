from time import monotonic

import structlog
from celery import shared_task
from django.utils import timezone

from billing.services import charging, errands, subscribing, trial_notices

TURN_SECONDS = 120

logger = structlog.get_logger(__name__)


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
def tell_of_trial_ends() -> None:
    """Run hourly: what a run missed the next one finds, and nobody is told the same thing twice."""
    now = timezone.now()
    while trial_notices.tell_of_trial_ends(at=now):
        pass
