"""API requests that came after a deactivation, of hours that the inactivity check would have counted (P61, P68)."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from billing.models import BillingAccount, Metric, UsageApart
from billing.services.activity import last_second_of
from billing.services.cycles import cycle_of, cycle_start
from billing.services.reports import Usage


class Ended(NamedTuple):
    """When an organization was deactivated, and since when API requests would have counted then."""

    at: datetime
    counted_since: datetime

    def misses(self, usage: Usage) -> bool:
        """Whether it would have counted, had it come in time. Requests of the last hour may be from before."""
        return (
            usage.metric == Metric.API_REQUESTS
            and usage.quantity > 0
            and self.counted_since <= last_second_of(usage.hour)
            and usage.hour < self.at
        )


def ended(ids: Collection[UUID]) -> dict[UUID, Ended]:
    """Those of `ids` that are deactivated."""
    accounts = BillingAccount.objects.filter(pk__in=ids, organization__state="inactive")
    return {
        id: Ended(at, cycle_start(anchor, cycle_of(anchor, at) - 1))
        for id, anchor, at in accounts.values_list("pk", "anchor_at", "organization__deactivated_at")
        if at is not None
    }


def late_usage(*, most: int) -> dict[int, UUID]:
    """The organization of each record that came late and that nobody was told of, the first ones."""
    records = UsageApart.objects.filter(came_late=True, told_at__isnull=True).order_by("pk")
    return dict(records.values_list("pk", "organization_id")[:most])


def note_told(records: Collection[int], *, at: datetime) -> None:
    UsageApart.objects.filter(pk__in=records).update(told_at=at)
