"""Finding 1,000 due organizations (P62): among many, among a hundredth of them, and by a join over what they did.

The join is asked among a tenth, where each organization has two members who signed in and, unless it is due, requests
in ten hours, which is little.
Nothing here is found by search, so its index is left out: building it would take longest.
"""

from collections.abc import Callable
from uuid import UUID

from django.db import connection

from accounts import inactivity
from billing.services import CycleOf
from konnect_portal.benchmarks.measuring import Case, median_seconds, same
from konnect_portal.benchmarks.worlds import fill, without_indexes

ORGANIZATIONS = 10_000_000
DUE = 1_000

USAGE_COMPLETE = """
INSERT INTO billing_geousage (geo, complete_through, told_through, open_faults, reported_at)
SELECT code, now(), now(), 0, now() FROM geos_geo
"""
LOGINS = """
INSERT INTO accounts_membership (id, organization_id, user_id, joined_at, last_login_at)
SELECT gen_random_uuid(), id, member, created_at, last_login_at
FROM accounts_organization CROSS JOIN LATERAL (VALUES (owner_id), (gen_random_uuid())) AS people (member)
"""
REQUESTS = """
INSERT INTO billing_usagerecord (organization_id, metric, geo, hour, quantity)
SELECT id, 'api_requests', 'us', date_trunc('hour', last_login_at) - n * interval '1 hour', 1
FROM accounts_organization CROSS JOIN generate_series(0, 9) AS n WHERE inactive_at > now()
"""
JOIN = f"""
SELECT organization.id
FROM accounts_organization AS organization
JOIN billing_billingaccount AS account ON account.organization_id = organization.id
LEFT JOIN (
    SELECT organization_id, max(last_login_at) AS at FROM accounts_membership GROUP BY organization_id
) AS login ON login.organization_id = organization.id
LEFT JOIN (
    SELECT organization_id, max(hour) AS at FROM billing_usagerecord
    WHERE metric = 'api_requests' AND quantity > 0 GROUP BY organization_id
) AS request ON request.organization_id = organization.id
WHERE organization.state = 'active'
    AND greatest(organization.created_at, organization.reactivated_at, login.at) <= now() - interval '30 days'
    AND (request.at IS NULL OR {CycleOf.sql("account.anchor_at", "now()")}
        >= {CycleOf.sql("account.anchor_at", "request.at")} + 2)
    AND NOT EXISTS (
        SELECT FROM billing_subscription AS subscription
        WHERE subscription.organization_id = organization.id AND subscription.starts_at <= now()
            AND coalesce(subscription.ended_at, subscription.ends_at, 'infinity') > now()
    )
"""  # noqa: S608 -- put together from our own words


def run(organizations: int) -> list[Case]:
    few, some = max(organizations // 100, 1), max(organizations // 10, 1)
    due = min(DUE, few)
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX organization_search")
        cursor.execute(USAGE_COMPLETE)
    _grow(1, few, due)
    found = _find()
    same("Finding", due, len(found))
    floor = _case(f"finding {due:,} due among {few:,}", found, _find)
    _grow(few + 1, some, due)
    _add_activity()
    rival = _case(f"the join among {some:,}", found, _join)
    among_some = _case(
        f"finding {due:,} due among {some:,}", found, _find, floor=floor, rival=rival, least_of_rival=100
    )
    _grow(some + 1, organizations, due)
    among_all = _case(
        f"finding {due:,} due among {organizations:,}",
        found,
        _find,
        floor=floor,
        least_of_floor=0.5,
        slack_seconds=0.005,
    )
    return [floor, rival, among_some, among_all]


def _grow(first: int, last: int, due: int) -> None:
    with without_indexes("accounts_organization"):
        fill(first, last, due=due, by_id=True)


def _add_activity() -> None:
    with without_indexes("accounts_membership"), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(LOGINS)
        cursor.execute(REQUESTS)
        cursor.execute("SET session_replication_role = DEFAULT")


def _case(
    name: str,
    due: set[UUID],
    find: Callable[[], set[UUID]],
    *,
    floor: Case | None = None,
    rival: Case | None = None,
    **goal: float,
) -> Case:
    same(name.capitalize(), due, find())
    return Case(
        name,
        len(due),
        median_seconds(find),
        floor=floor.per_second if floor else None,
        rival=rival.per_second if rival else None,
        **goal,
    )


def _find() -> set[UUID]:
    """As a check asks: the facts of each and what holds it."""
    question = inactivity.ask(notices=False)
    return {standing.id for some in inactivity.standings_in_sets(question) for standing in some if standing.is_due}


def _join() -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(JOIN)
        return {id for (id,) in cursor.fetchall()}
