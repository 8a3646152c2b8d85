from time import monotonic

import structlog
from celery import shared_task
from django.utils import timezone

from billing import services
from billing.services import charging, errands, subscribing

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
