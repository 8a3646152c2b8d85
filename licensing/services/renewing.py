"""Licenses are renewed long before they expire (P22)."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import batched
from time import monotonic
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from konnect_portal.foundation.organizations import hold_organizations
from licensing.models import License
from licensing.services.licenses import issue_licenses

SET_SIZE = 500
TURN_SECONDS = 120

logger = structlog.get_logger(__name__)


def renew_licenses(*, at: datetime) -> tuple[int, int]:
    """Replace the licenses that are due in active organizations by new ones; gives how many, and how many failed.

    A set that fails is tried again one organization at a time. A long row of sets is left after two minutes for the
    next run; twice, or two at once, renews nothing more.
    """
    ends = monotonic() + TURN_SECONDS
    renewed = failed = 0
    for organization_ids in _due_in_sets(at):
        try:
            renewed += _renew(organization_ids, at)
        except DatabaseError:
            logger.exception("a set of licenses was not renewed and is tried one by one", size=len(organization_ids))
            told = [_renew_one(id, at) for id in organization_ids]
            renewed += sum(count or 0 for count in told)
            failed += told.count(None)
        if monotonic() > ends:
            break
    return renewed, failed


def _due_in_sets(at: datetime) -> Iterator[set[UUID]]:
    """Organizations with a license to renew, those that expire first at the front."""
    due = License.objects.to_renew(at).filter(organization__state="active").order_by("expires_at")
    for ids in batched(due.values_list("organization_id", flat=True).iterator(), SET_SIZE):
        yield set(ids)


@transaction.atomic
def _renew(organization_ids: Collection[UUID], at: datetime) -> int:
    held = hold_organizations(organization_ids)
    due = list(License.objects.to_renew(at).filter(organization__in=held).defer("document"))
    License.objects.filter(pk__in=[license.pk for license in due]).update(replaced_at=at)
    return len(issue_licenses([(license.organization_id, license.product) for license in due], at=at))


def _renew_one(organization_id: UUID, at: datetime) -> int | None:
    try:
        return _renew([organization_id], at)
    except DatabaseError:
        logger.exception("the licenses of an organization were not renewed", organization=str(organization_id))
        return None
