"""Taking control planes down at their geo, one by one, until the geo confirms (P42).

A claim is committed before the geo is asked. Whatever happens to the worker then, its next attempt is already set.
"""

import random
from datetime import datetime, timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from geos import client
from geos.models import ControlPlane, TakeDownAttempt
from geos.services import breaking

FIRST_PAUSE = timedelta(minutes=1)
FOUND_WITHIN = timedelta(minutes=1)
DOUBLINGS_AT_MOST = 10

logger = structlog.get_logger(__name__)


def take_down_next(geo: str) -> bool:
    """Claim one control plane of the geo and have it taken down; False where none can be claimed now."""
    control_plane = begin_decommission(geo, at=timezone.now())
    if control_plane is None:
        return False
    began = monotonic()
    try:
        status = client.take_down(control_plane)
    except client.GeoError as error:
        put_off(control_plane, error, at=timezone.now(), milliseconds=_milliseconds(began))
    else:
        finish_decommission(control_plane, at=timezone.now(), status=status, milliseconds=_milliseconds(began))
    return True


@transaction.atomic
def begin_decommission(geo: str, *, at: datetime) -> ControlPlane | None:
    """Claim one control plane that is due, unless its organization is on hold (P58); from now on it cannot come back.

    A hold or a reactivation that commits first wins (P51); what one of them has in hand is passed over. While the
    geo's service is left alone one is claimed now and then, for all the others.
    """
    control_plane = _locked(ControlPlane.objects.claimable(at).filter(geo=geo).order_by("next_attempt_at")[:1])
    if control_plane is None or not breaking.admits(geo, at=at):
        return None
    control_plane.begun_at = control_plane.begun_at or at
    control_plane.attempts += 1
    control_plane.last_attempt_at = at
    control_plane.next_attempt_at = at + pause_after(control_plane.attempts)
    control_plane.save(update_fields=["begun_at", "attempts", "last_attempt_at", "next_attempt_at", "updated_at"])
    return control_plane


def _locked(claimable: QuerySet[ControlPlane]) -> ControlPlane | None:
    """Lock the control plane, and its organization against change but not against the claims of other geos.

    Django has no words for FOR SHARE. Nothing is waited for, so the order of locks does not matter here.
    """
    query, parameters = claimable.query.sql_with_params()
    locks = "FOR NO KEY UPDATE OF geos_controlplane SKIP LOCKED FOR SHARE OF accounts_organization SKIP LOCKED"
    return next(iter(ControlPlane.objects.raw(f"{query} {locks}", parameters)), None)


@transaction.atomic
def finish_decommission(
    control_plane: ControlPlane, *, at: datetime, status: int | None = None, milliseconds: int = 0
) -> bool:
    """Record that the geo has confirmed; False where that was known already."""
    confirmed = ControlPlane.objects.decommissioning().filter(pk=control_plane.pk, begun_at__isnull=False)
    is_news = confirmed.update(
        state=ControlPlane.State.DECOMMISSIONED,
        decommissioned_at=at,
        next_attempt_at=None,
        last_error="",
        updated_at=at,
    )
    TakeDownAttempt.objects.create(
        control_plane_id=control_plane.pk,
        at=at,
        outcome=TakeDownAttempt.Outcome.CONFIRMED,
        status=status,
        milliseconds=milliseconds,
    )
    breaking.note_answer(control_plane.geo_id)
    return bool(is_news)


@transaction.atomic
def put_off(control_plane: ControlPlane, error: client.GeoError, *, at: datetime, milliseconds: int = 0) -> None:
    """Record why the geo did not confirm. The next attempt stands as claimed, later only where the geo asks for it."""
    log = logger.error if error.misconfigured else logger.warning
    log("control plane not taken down", control_plane=str(control_plane.pk), error=str(error))
    unconfirmed = ControlPlane.objects.decommissioning().filter(pk=control_plane.pk)
    unconfirmed.update(last_error=str(error), updated_at=at)
    if error.retry_after:
        asked_for = at + error.retry_after
        unconfirmed.filter(next_attempt_at__lt=asked_for).update(next_attempt_at=asked_for)
    TakeDownAttempt.objects.create(
        control_plane_id=control_plane.pk,
        at=at,
        outcome=TakeDownAttempt.Outcome.FAILED,
        status=error.status,
        error=str(error),
        milliseconds=milliseconds,
    )
    if error.of_service:
        breaking.note_failure(control_plane.geo_id, at=at)
    else:
        breaking.note_answer(control_plane.geo_id)


def pause_after(attempts: int) -> timedelta:
    """Twice as long after each attempt, never the same for all, and found by beat within the hour of P42."""
    longest = timedelta(seconds=settings.TAKE_DOWN_RETRY_SECONDS_MAX) - FOUND_WITHIN
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, DOUBLINGS_AT_MOST)
    return min(doubled, longest) * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret


def _milliseconds(began: float) -> int:
    return round((monotonic() - began) * 1000)
