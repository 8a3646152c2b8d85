from time import monotonic

import structlog
from celery import shared_task
from django.utils import timezone

from geos.models import ControlPlane
from geos.services import hint_take_down, take_down_next

TURN_SECONDS = 120

logger = structlog.get_logger(__name__)


@shared_task
def take_down_control_planes(geo: str) -> None:
    """Take down what is due in one geo, on its own queue; a message twice, or two at once, changes nothing more.

    A long row of them is worked off in turns well below the time limit.
    """
    ends = monotonic() + TURN_SECONDS
    while take_down_next(geo):
        if monotonic() > ends:
            hint_take_down([geo])
            return


@shared_task
def find_decommissions() -> None:
    """Run every minute: ask the geos' workers for what hints have missed and what is to be tried again (P48)."""
    hint_take_down(ControlPlane.objects.claimable(timezone.now()).geos())


@shared_task
def report_stuck_decommissions() -> None:
    """Run hourly: tell those who watch the log which geos have not confirmed for 24 hours (P42)."""
    stuck = ControlPlane.objects.stuck(timezone.now())
    if count := stuck.count():
        logger.error("control planes not taken down after 24 hours", count=count, geos=stuck.geos())
