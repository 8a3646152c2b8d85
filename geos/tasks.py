from time import monotonic

from celery import shared_task
from django.utils import timezone

from geos.models import ControlPlane
from geos.services import hint_take_down, take_down_next

TURN_SECONDS = 120


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
