"""Reading the records of a report one by one, so that a bad one takes no good one with it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, PlainValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from billing.models import Metric
from billing.services import AHEAD_AT_MOST
from billing.services.reports import Fault, Usage
from konnect_portal.foundation.api import reason_of
from konnect_portal.foundation.bodies import Body, MomentIn, Whole

QUANTITY_MAX = 10**12
"""Of one record; beyond what a gateway can serve in an hour, and millions of times less than the database can add."""
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Before it no usage was, and what lies much farther back the database can keep and Python not read."""


type UsageMoment = Annotated[MomentIn, Field(ge=EARLIEST)]
MOMENT: TypeAdapter[datetime] = TypeAdapter(UsageMoment)


NO_MOMENT = PydanticCustomError("datetime_type", "must be a moment since 2020 as in 2026-11-24T08:00:00Z")


@lru_cache(maxsize=1024)
def _hour(text: str) -> datetime:
    """Remembered where it is one, since a batch has few different hours."""
    try:
        hour = MOMENT.validate_python(text).astimezone(UTC)
    except ValidationError:
        raise NO_MOMENT from None
    if (hour.minute, hour.second, hour.microsecond) != (0, 0, 0):
        raise PydanticCustomError("hour", "must be the beginning of an hour in UTC")
    return hour


def _begun_hour(given: Any, info: ValidationInfo[dict[str, datetime]]) -> datetime:
    if not isinstance(given, str):
        raise NO_MOMENT
    hour = _hour(given)
    if hour > info.context["at"] + AHEAD_AT_MOST:
        raise PydanticCustomError("future", "must not lie more than 5 minutes ahead")
    return hour


type Hour = Annotated[datetime, PlainValidator(_begun_hour)]
type Quantity = Annotated[Whole, Field(ge=0, le=QUANTITY_MAX)]


class UsageIn(Body):
    organization_id: UUID
    metric: Metric
    hour: Hour
    quantity: Quantity


RECORD = TypeAdapter(UsageIn)
PARTS: dict[str, TypeAdapter] = {
    "organization_id": TypeAdapter(UUID),
    "metric": TypeAdapter(Metric),
    "hour": TypeAdapter(Hour),
}


def read_records(records: Sequence[Any], *, at: datetime) -> tuple[list[Usage], list[Fault]]:
    """Those that can be counted, and what is wrong with the others; an hour is of the future by `at`."""
    usage: list[Usage] = []
    faults: list[Fault] = []
    context = {"at": at}
    for position, record in enumerate(records):
        try:
            read = RECORD.validate_python(record, context=context)
        except ValidationError as error:
            faults.append(_fault(position, record, error, context))
        else:
            usage.append(Usage(position, read.organization_id, read.metric.value, read.hour, read.quantity))
    return usage, faults


def _fault(position: int, record: Any, error: ValidationError, context: dict) -> Fault:
    found = error.errors(include_url=False)[0]
    parts = {name: _part(name, record, context) for name in PARTS}
    field = _plain(str(found["loc"][0])) if found["loc"] else "record"
    return Fault(
        position=position,
        field=field,
        reason=reason_of(found, field),
        organization_id=parts["organization_id"],
        metric=parts["metric"] or "",
        hour=parts["hour"],
    )


def _part(name: str, record: Any, context: dict) -> Any:
    """One part of a record as far as it can be read, else None."""
    try:
        return PARTS[name].validate_python(record[name], context=context)
    except (ValidationError, LookupError, TypeError):
        return None


def _plain(name: str) -> str:
    """The name of a property that nobody knows, which may be anything, as it can be kept and shown."""
    return ascii(name)[1:-1][:100]
