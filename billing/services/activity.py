"""What billing knows of an organization's activity: plan, last API request, how far usage is known (P60 to P63)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from billing.models import GeoUsage, Plan, Subscription
from billing.services.cycles import CYCLE, CycleOf, cycle_of, cycle_start

AHEAD_AT_MOST = timedelta(minutes=5)
HOUR_TO_ITS_LAST_SECOND = timedelta(minutes=59, seconds=59)


class FutureFactError(ValueError):
    """A fact lies more than 5 minutes ahead (P62); the message names it."""


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """What billing knows of one organization at a moment.

    `plan_until` is the end of what runs then: None on Free, and for a subscription without end. `free_since` is the
    latest end of a subscription or trial until then, or None.
    """

    plan: Plan
    on_trial: bool
    plan_until: datetime | None
    free_since: datetime | None
    anchor: datetime
    last_api_request_at: datetime | None
    usage_known_until: datetime | None

    @property
    def is_free(self) -> bool:
        """On Free: no paid subscription, no running trial (P60)."""
        return self.plan == Plan.FREE

    @property
    def request_cycle(self) -> tuple[datetime, datetime] | None:
        """Begin and end of the cycle in which the last API request came."""
        if self.last_api_request_at is None:
            return None
        begin = cycle_start(self.anchor, cycle_of(self.anchor, self.last_api_request_at))
        return begin, begin + CYCLE

    @property
    def requests_count_until(self) -> datetime | None:
        """The start of the second cycle after the one of the last API request (P62)."""
        return self.request_cycle[1] + CYCLE if self.request_cycle else None

    def cycles_since(self, at: datetime) -> datetime:
        """The start of the cycle before the one that `at` lies in."""
        return cycle_start(self.anchor, cycle_of(self.anchor, at) - 1)


FACTS = """
SELECT account.organization_id,
    max(plan) FILTER (WHERE runs),
    coalesce(bool_or(is_trial) FILTER (WHERE runs), false),
    max(until) FILTER (WHERE runs),
    greatest(account.free_since_at, max(until) FILTER (WHERE is_over)),
    account.anchor_at, account.last_api_request_at, account.usage_known_until
FROM billing_billingaccount AS account
LEFT JOIN LATERAL (
    SELECT plan, is_trial, until,
        starts_at <= %(at)s AND (until IS NULL OR until > %(at)s) AS runs,
        until <= %(at)s AND until > starts_at AS is_over
    FROM billing_subscription AS subscription, LATERAL (SELECT least(ended_at, ends_at)) AS ends (until)
    WHERE subscription.organization_id = account.organization_id
) AS subscription ON true
WHERE account.organization_id = ANY(%(ids)s::uuid[])
GROUP BY account.organization_id
"""
"""One that was ended before it began never was a plan, so its end is no coming onto Free."""


def activity_facts(ids: Collection[UUID], *, at: datetime) -> dict[UUID, ActivityFacts]:
    """The facts of each organization at `at`, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"ids": list(ids), "at": at})
        return {id: ActivityFacts(Plan(plan or Plan.FREE), *others) for id, plan, *others in cursor.fetchall()}


def running_subscriptions(at: datetime) -> Exists:
    """A condition on organizations: a paid subscription or a trial runs at `at`."""
    return Exists(Subscription.objects.running(at).filter(organization=OuterRef("pk")))


def complete_through() -> dict[str, datetime]:
    """Through when each geo's usage is complete, by geo; one that never was complete is missing."""
    told = GeoUsage.objects.values_list("geo", "complete_through")
    return {geo: through for geo, through in told if through is not None}


def expect_usage(geos: Iterable[str], *, at: datetime) -> None:
    """Take down since when these geos should report; of those that are known nothing changes."""
    GeoUsage.objects.bulk_create([GeoUsage(geo=geo, reported_at=at) for geo in geos], ignore_conflicts=True)


@transaction.atomic
def record_completeness(geos: Iterable[str], through: datetime, *, at: datetime) -> None:
    """Take down that `geos` have told all usage through `through` (P63). It never moves back."""
    refuse_future([through], at=at)
    for geo in sorted(geos):
        tell_through(hold_geo(geo), through, at=at)


def hold_geo(geo: str) -> GeoUsage:
    """Lock what is known of a geo's usage, until the transaction ends."""
    locked = GeoUsage.objects.select_for_update()
    known = locked.filter(pk=geo).first()
    if known is None:
        GeoUsage.objects.bulk_create([GeoUsage(geo=geo)], ignore_conflicts=True)
    return known or locked.get(pk=geo)


def tell_through(held: GeoUsage, through: datetime, *, at: datetime) -> None:
    """Take down what a geo tells. Its usage is complete through then as soon as no fault is open."""
    held.told_through = max(held.told_through or through, through)
    if not held.open_faults:
        held.complete_through = held.told_through
    held.reported_at = at
    held.save()


def record_api_requests(moments: Mapping[UUID, datetime], *, at: datetime) -> None:
    """Move the last request of each organization forward (P62): only into a later cycle, and never back.

    All of them are refused by FutureFactError where one lies more than 5 minutes after `at`.
    """
    refuse_future(moments.values(), at=at)
    _move_last_requests(moments)


def record_api_hours(hours: Mapping[UUID, datetime], *, at: datetime) -> None:
    """As `record_api_requests`, where only the beginning of the hour of the last request is known."""
    refuse_future(hours.values(), at=at)
    _move_last_requests({id: last_second_of(hour) for id, hour in hours.items()})


def last_second_of(hour: datetime) -> datetime:
    """When a request counts that came in the hour beginning at `hour` (P62)."""
    return hour + HOUR_TO_ITS_LAST_SECOND


def refuse_future(moments: Iterable[datetime], *, at: datetime) -> None:
    for moment in moments:
        if moment > at + AHEAD_AT_MOST:
            raise FutureFactError(f"{moment.isoformat()} lies more than 5 minutes ahead.")


MOVE = f"""
WITH moving AS (
    SELECT organization_id, told.at FROM billing_billingaccount
    JOIN unnest(%s::uuid[], %s::timestamptz[]) AS told (id, at) ON told.id = organization_id
    WHERE last_api_request_at IS NULL
        OR {CycleOf.sql("anchor_at", "told.at")} > {CycleOf.sql("anchor_at", "last_api_request_at")}
    ORDER BY organization_id FOR UPDATE OF billing_billingaccount
)
UPDATE billing_billingaccount AS account SET last_api_request_at = moving.at
FROM moving WHERE moving.organization_id = account.organization_id
"""  # noqa: S608 -- put together from our own words


def _move_last_requests(moments: Mapping[UUID, datetime]) -> None:
    """Locks those that move, in order of id, and no other: a request in the same cycle writes nothing."""
    if moments:
        with connection.cursor() as cursor:
            cursor.execute(MOVE, [list(moments), list(moments.values())])
