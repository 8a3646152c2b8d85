"""For which organizations usage of a geo counts, and from which hour on (P32, P41)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from billing.models import BillingAccount, UsageApart
from billing.services.activity import last_second_of
from billing.services.cycles import cycle_of, cycle_start

HOLD = """
SELECT organization.id, account.anchor_at, account.last_api_request_at, organization.reactivated_at,
    here.id IS NOT NULL
FROM accounts_organization AS organization
JOIN billing_billingaccount AS account ON account.organization_id = organization.id
LEFT JOIN geos_organizationgeo AS here ON here.organization_id = organization.id AND here.geo_id = %s
WHERE organization.id = ANY(%s) AND organization.state = 'active'
ORDER BY organization.id FOR KEY SHARE OF organization
"""
"""Thousands at a time, so by the weakest lock that a deactivation's FOR UPDATE waits for: neither geos wait for each
other nor people, whose acts take a lock that goes with it."""


class Standing(NamedTuple):
    """What is known of an active organization that is held."""

    anchor: datetime
    last_api_request_at: datetime | None
    reactivated_at: datetime | None
    is_here: bool
    previous_cycle: datetime

    def why_apart(self, hour: datetime) -> UsageApart.Reason | None:
        """Why usage of an hour never counts; None where it does."""
        if not self.is_here:
            return UsageApart.Reason.GEO_NOT_OPENED
        if hour < self.previous_cycle:
            return UsageApart.Reason.TOO_OLD
        if self.reactivated_at is not None and hour + timedelta(hours=1) <= self.reactivated_at:
            return UsageApart.Reason.DEACTIVATED
        return None

    def moves(self, hour: datetime) -> bool:
        """Whether a request in that hour is the first of its cycle, or a later one than known (P62)."""
        return self.last_api_request_at is None or (
            cycle_of(self.anchor, last_second_of(hour)) > cycle_of(self.anchor, self.last_api_request_at)
        )


def hold_active(ids: Collection[UUID], *, geo: str, at: datetime) -> dict[UUID, Standing]:
    """Those of `ids` that are active, kept so until the transaction ends, locked in order of id (habit 1)."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [geo, list(ids)])
        return {
            id: Standing(anchor, last, reactivated_at, is_here, cycle_start(anchor, cycle_of(anchor, at) - 1))
            for id, anchor, last, reactivated_at, is_here in cursor.fetchall()
        }


def why_not_held(ids: Collection[UUID]) -> dict[UUID, UsageApart.Reason]:
    """Why organizations are not active; who is missing is unknown."""
    accounts = BillingAccount.objects.filter(pk__in=ids).values_list("pk", "organization__state")
    return {
        id: UsageApart.Reason.PURGED if state in ("deleting", "deleted") else UsageApart.Reason.DEACTIVATED
        for id, state in accounts
    }
