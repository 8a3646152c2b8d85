"""Taking in what a geo reports, 1,000 records a batch (P32), beside a bare COPY and beside get-or-create.

The COPY goes into a table with the key of the hourly rollup and nothing else.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched, count
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership, Organization, User
from billing.api.reading import read_records
from billing.models import BillingAccount, Metric, UsageRecord
from billing.services import Batch, metering, record_usage
from geos.models import OrganizationGeo
from konnect_portal.benchmarks.measuring import Case, Watch, same

ORGANIZATIONS = 2_000
BATCH = 1_000
HOURS = 5
BARE = """
CREATE TABLE bare (
    organization_id uuid, metric text, geo text, hour timestamptz, quantity bigint,
    PRIMARY KEY (organization_id, metric, geo, hour)
)
"""
GEO, RIVALS_GEO = "us", "eu"

type Records = list[dict[str, Any]]
type Counted = dict[tuple[str, str, str], int]
"""Quantities by organization, metric and hour."""


def run(organizations: int) -> list[Case]:
    batches = _world(organizations)
    return _first_time(batches) + _once_more(batches)


def _first_time(batches: list[Records]) -> list[Case]:
    watch = Watch()
    with connection.cursor() as cursor:
        cursor.execute(BARE)
    for records in batches:
        watch.time("ingestion", _ingest, records)
        watch.time("copy", _copy, records)
    watch.time("get-or-create", _get_or_create, batches[0])
    same("Ingestion", _sent(batches), _metered(GEO))
    same("The bare COPY", _sent(batches), _copied())
    same("Get-or-create", _sent(batches[:1]), _metered(RIVALS_GEO))
    things = sum(len(records) for records in batches)
    floor = Case("bare COPY", things, watch.seconds["copy"])
    rival = Case("get-or-create", len(batches[0]), watch.seconds["get-or-create"])
    ingestion = Case(
        f"ingestion at {BATCH:,} a batch",
        things,
        watch.seconds["ingestion"],
        floor=floor.per_second,
        rival=rival.per_second,
        least_of_floor=0.12,
        least_of_rival=25,
    )
    return [floor, rival, ingestion]


def _once_more(batches: list[Records]) -> list[Case]:
    """The same hours in new batches, with and without keeping the last request."""
    watch = Watch()
    for records in batches:
        watch.time("with", _ingest, records)
        with _last_request_left_out():
            watch.time("without", _ingest, records)
    same("Ingestion of the same hours", _sent(batches, times=3), _metered(GEO))
    things = sum(len(records) for records in batches)
    without = Case("the same hours again, last request left out", things, watch.seconds["without"])
    kept = Case("the same hours again", things, watch.seconds["with"], floor=without.per_second, least_of_floor=0.8)
    return [without, kept]


NUMBERS = count()


def _ingest(records: Records) -> None:
    """As the API does with a body that it has parsed."""
    at = timezone.now()
    usage, faults = read_records(records, at=at)
    number = next(NUMBERS)
    record_usage(
        Batch(geo=GEO, batch_id=f"{number}", digest="", complete_through=at, usage=usage, faults=faults), at=at
    )


@contextmanager
def _last_request_left_out() -> Generator[None]:
    record = metering.record_api_hours
    metering.record_api_hours = _nothing
    try:
        yield
    finally:
        metering.record_api_hours = record


def _nothing(hours: Mapping[UUID, datetime], *, at: datetime) -> None:
    """In place of keeping the last request."""


@transaction.atomic
def _copy(records: Records) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
        for record in records:
            copy.write_row((record["organization_id"], record["metric"], GEO, record["hour"], record["quantity"]))


def _get_or_create(records: Records) -> None:
    """The way it is usually written: a record at a time, each committed."""
    for record in records:
        with transaction.atomic():
            row, is_new = UsageRecord.objects.select_for_update().get_or_create(
                organization_id=record["organization_id"],
                metric=record["metric"],
                geo=RIVALS_GEO,
                hour=record["hour"],
                defaults={"quantity": record["quantity"]},
            )
            if not is_new:
                row.quantity += record["quantity"]
                row.save()


def _sent(batches: list[Records], times: int = 1) -> Counted:
    """What should be metered after each batch was sent so many times: requests add up, others have their maximum."""
    return {
        (record["organization_id"], record["metric"], record["hour"]): record["quantity"]
        * (times if record["metric"] == Metric.API_REQUESTS else 1)
        for records in batches
        for record in records
    }


def _metered(geo: str) -> Counted:
    rows = UsageRecord.objects.filter(geo=geo).values_list("organization_id", "metric", "hour", "quantity")
    return _counted(rows.iterator())


def _copied() -> Counted:
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id, metric, hour, quantity FROM bare")
        return _counted(cursor)


def _counted(rows: Iterable[tuple[UUID, str, datetime, int]]) -> Counted:
    return {(str(id), metric, hour.isoformat()): quantity for id, metric, hour, quantity in rows}


def _world(organizations: int) -> list[Records]:
    """Organizations that work in the geo, and what they used in each of the last hours."""
    created_at = timezone.now() - timedelta(days=400)
    made = [
        Organization(name=f"Organization {number}", contact_email="owner@example.com", created_at=created_at)
        for number in range(organizations)
    ]
    owner = User.objects.create(email="owner@example.com")
    for organization in made:
        organization.owner, organization.inactive_at = owner, created_at
    with transaction.atomic():
        Organization.objects.bulk_create(made)
        Membership.objects.bulk_create(Membership(organization=each, user=owner) for each in made)
        BillingAccount.objects.bulk_create(BillingAccount(organization=each, anchor_at=created_at) for each in made)
        OrganizationGeo.objects.bulk_create(OrganizationGeo(organization=each, geo_id=GEO) for each in made)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [list(batch) for batch in batched(_records(made), BATCH)]


def _records(organizations: list[Organization]) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for back in range(HOURS, 0, -1):
        hour = (now - timedelta(hours=back)).isoformat()
        for number, organization in enumerate(organizations):
            for metric in (Metric.API_REQUESTS.value, Metric.GATEWAY_SERVICES.value, Metric.DEV_PORTALS.value):
                yield {
                    "organization_id": str(organization.pk),
                    "metric": metric,
                    "hour": hour,
                    "quantity": number % 997 + 1,
                }
