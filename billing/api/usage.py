"""The usage that a geo reports (P32, P63)."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from ninja import Router, Schema
from ninja.security import HttpBearer

from billing.api.reading import UsageMoment, read_records
from billing.services import Batch, FutureFactError, OtherContent, record_usage
from billing.services.reports import Answer
from konnect_portal.foundation.bodies import Body, Name
from konnect_portal.foundation.problems import Problem, invalid

router = Router()


class GeoToken(HttpBearer):
    """Lets in the geo whose token it is, at its own host; nothing is found there with another geo's."""

    def authenticate(self, request: Any, token: str) -> str:
        geos = [
            geo for geo, tokens in settings.GEO_TOKENS.items() for each in tokens if constant_time_compare(each, token)
        ]
        if not geos:
            raise Problem(401)
        if request.geo not in geos:
            raise Problem(404)
        return request.geo


class BatchIn(Body):
    batch_id: Name
    complete_through: UsageMoment
    records: list[Any]


class RejectedOut(Schema):
    index: int
    field: str
    reason: str


class KeptApartOut(Schema):
    index: int
    reason: str


class AnswerOut(Schema):
    batch_id: str
    accepted: int
    rejected: list[RejectedOut]
    kept_apart: list[KeptApartOut]
    complete_through: str | None


@router.post("/usage", auth=GeoToken(), response=AnswerOut)
def report_usage(request: HttpRequest, body: BatchIn) -> Answer:
    """Take a batch: what is wrong in it is told record by record and the rest counts."""
    if len(body.records) > settings.USAGE_RECORDS_MAX:
        raise Problem(413, f"A batch may have {settings.USAGE_RECORDS_MAX:,} records at most. Send them in several.")
    at = timezone.now()
    usage, faults = read_records(body.records, at=at)
    batch = Batch(
        geo=request.geo,  # type: ignore[attr-defined]
        batch_id=body.batch_id,
        digest=_digest(body),
        complete_through=body.complete_through,
        usage=usage,
        faults=faults,
    )
    try:
        return record_usage(batch, at=at)
    except OtherContent:
        raise Problem(409, f"Batch {body.batch_id} was taken with other content. Send this under a new id.") from None
    except FutureFactError:
        raise invalid("complete_through", "must not lie more than 5 minutes ahead") from None


def _digest(body: BatchIn) -> str:
    """Of the content, however its JSON was written."""
    content = json.dumps([body.complete_through.timestamp(), body.records], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
