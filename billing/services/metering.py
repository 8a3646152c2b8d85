"""Usage as geos report it (P32, P63): each batch counted once, what does not count kept apart.

A geo's batches come one after another: each holds the geo's row first, which nobody who holds an organization ever
waits for. Then the organizations, in order of id, and after them what is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from billing.models import GeoUsage, Metric, UsageApart, UsageBatch, UsageFault
from billing.services.activity import hold_geo, record_api_hours, refuse_future, tell_through
from billing.services.counting import Standing, hold_active, why_not_held
from billing.services.late import Ended, ended
from billing.services.mending import mended_by
from billing.services.reports import Answer, Fault, Usage
from billing.services.rollups import add_to_rollups

REQUESTS = Metric.API_REQUESTS.value
UNKNOWN = UsageApart.Reason.UNKNOWN
KEPT_DAYS = 90
"""How long a batch is known again. By then its hours are older than any previous cycle, and so would be kept apart."""


class OtherContent(Exception):
    """The batch's id was used for other content; nothing of this one was taken (P32)."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a geo reports: usage that could be read, faults that could not, and through when it is complete then."""

    geo: str
    batch_id: str
    digest: str
    complete_through: datetime
    usage: Sequence[Usage]
    faults: Sequence[Fault] = ()


@transaction.atomic
def record_usage(batch: Batch, *, at: datetime) -> Answer:
    """Count a batch, once however often it comes; the same one again gets the answer that it got before.

    Usage that never counts is kept apart (P41). Until a later batch mends its faults, the geo's usage is not complete
    any further. Raises OtherContent, and FutureFactError where `complete_through` lies ahead.
    """
    refuse_future([batch.complete_through], at=at)
    geo = hold_geo(batch.geo)
    known = UsageBatch.objects.filter(geo=batch.geo, batch_id=batch.batch_id).first()
    if known is not None:
        if known.digest != batch.digest:
            raise OtherContent
        return known.answer
    standings = hold_active({usage.organization_id for usage in batch.usage}, geo=batch.geo, at=at)
    counted, apart = _sort_out(batch, standings)
    add_to_rollups(batch.geo, counted)
    record_api_hours(_last_hours(counted, standings), at=at)
    _keep_apart(batch, apart, ended({usage.organization_id for usage, _ in apart}), at)
    _mend(geo, batch, at)
    _keep_faults(geo, batch, at)
    tell_through(geo, batch.complete_through, at=at)
    answer: Answer = {
        "batch_id": batch.batch_id,
        "accepted": len(counted),
        "rejected": [fault.told for fault in batch.faults],
        "kept_apart": [{"index": usage.position, "reason": reason.value} for usage, reason in apart],
        "complete_through": geo.complete_through.isoformat() if geo.complete_through else None,
    }
    UsageBatch.objects.create(
        geo=batch.geo, batch_id=batch.batch_id, digest=batch.digest, answer=answer, received_at=at
    )
    return answer


def forget_batches(*, at: datetime) -> None:
    """Forget batches that came more than 90 days ago."""
    UsageBatch.objects.filter(received_at__lt=at - timedelta(days=KEPT_DAYS)).delete()


type Apart = tuple[Usage, UsageApart.Reason]


def _sort_out(batch: Batch, standings: dict[UUID, Standing]) -> tuple[list[Usage], list[Apart]]:
    """What counts, and what never will, with the reason."""
    missing = why_not_held({usage.organization_id for usage in batch.usage} - standings.keys())
    counted: list[Usage] = []
    apart: list[Apart] = []
    for usage in batch.usage:
        standing = standings.get(usage.organization_id)
        reason = standing.why_apart(usage.hour) if standing else missing.get(usage.organization_id, UNKNOWN)
        if reason is None:
            counted.append(usage)
        else:
            apart.append((usage, reason))
    return counted, apart


def _last_hours(counted: Iterable[Usage], standings: dict[UUID, Standing]) -> dict[UUID, datetime]:
    """The hour of the last API request of each organization that it is news for."""
    last: dict[UUID, datetime] = {}
    for id, hour in ((one.organization_id, one.hour) for one in counted if one.metric == REQUESTS and one.quantity):
        if standings[id].moves(hour):
            last[id] = max(last.get(id, hour), hour)
    return last


def _keep_apart(batch: Batch, apart: Iterable[Apart], stopped: dict[UUID, Ended], at: datetime) -> None:
    UsageApart.objects.bulk_create(
        UsageApart(
            geo=batch.geo,
            batch_id=batch.batch_id,
            organization_id=usage.organization_id,
            metric=usage.metric,
            hour=usage.hour,
            quantity=usage.quantity,
            reason=reason,
            received_at=at,
            came_late=usage.organization_id in stopped and stopped[usage.organization_id].misses(usage),
        )
        for usage, reason in apart
    )


def _mend(geo: GeoUsage, batch: Batch, at: datetime) -> None:
    if geo.open_faults:
        mended = mended_by(UsageFault.objects.filter(geo=geo.pk, mended_at__isnull=True), batch.usage)
        UsageFault.objects.filter(pk__in=[fault.pk for fault in mended]).update(mended_at=at)
        geo.open_faults -= len(mended)


def _keep_faults(geo: GeoUsage, batch: Batch, at: datetime) -> None:
    UsageFault.objects.bulk_create(
        UsageFault(
            geo=geo.pk, batch_id=batch.batch_id, before=batch.complete_through, received_at=at, **fault._asdict()
        )
        for fault in batch.faults
    )
    geo.open_faults += len(batch.faults)
