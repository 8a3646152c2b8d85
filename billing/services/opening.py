"""What billing writes when an organization is opened, by sign-up or by import."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import batched
from uuid import UUID, uuid4

from django.conf import settings

from billing.models import BillingAccount, Credit, DailyUsage, Plan, Subscription, TrialClaim
from billing.services.errands import mirror_start
from billing.services.subscribing import first_close
from konnect_portal.foundation.addresses import address_hash

ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True)
class NewBillingAccount:
    """`free_since_at` and `usage_known_until` are facts of an import; see BillingAccount."""

    organization_id: UUID
    anchor_at: datetime
    last_api_request_at: datetime | None = None
    free_since_at: datetime | None = None
    usage_known_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewSubscription:
    """A trial (of Plus) where `trial_ends_at` is set; over already where `ended_at` is.

    A paid one counts its cycles from `anchor_at` (P31). The first to be invoiced is that of `billed_from`, by default
    that of its start.
    """

    id: UUID
    organization_id: UUID
    plan: str
    starts_at: datetime
    anchor_at: datetime | None = None
    billed_from: datetime | None = None
    trial_ends_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewTrialClaim:
    organization_id: UUID
    person_id: UUID
    address: str
    claimed_at: datetime


@dataclass(frozen=True, kw_only=True)
class DayOfUsage:
    organization_id: UUID
    geo: str
    metric: str
    day: date
    quantity: int


def open_billing_accounts(accounts: Iterable[NewBillingAccount]) -> None:
    BillingAccount.objects.bulk_create(BillingAccount(**vars(account)) for account in accounts)


def start_subscriptions(subscriptions: Iterable[NewSubscription]) -> None:
    """Start each; no organization may have another at the same time (IntegrityError).

    Those that are billed here start at the payment provider too.
    """
    started = Subscription.objects.bulk_create(_subscription(new) for new in subscriptions)
    mirror_start(*(each for each in started if each.closes_at))


def claim_trials(claims: Iterable[NewTrialClaim]) -> None:
    """Note that address and person have taken their trial (P30). Whoever's is taken already stays as noted."""
    rows = [
        TrialClaim(
            organization_id=claim.organization_id,
            person_id=claim.person_id,
            address_hash=address_hash(claim.address),
            claimed_at=claim.claimed_at,
        )
        for claim in claims
    ]
    TrialClaim.objects.bulk_create(sorted(rows, key=lambda row: row.address_hash), ignore_conflicts=True)


def keep_daily_usage(usage: Iterable[DayOfUsage]) -> None:
    """Keep counts by day, for the charts alone: never billed, no request counted (P33)."""
    for some in batched(usage, ROWS_AT_ONCE):
        DailyUsage.objects.bulk_create(DailyUsage(**vars(day)) for day in some)


def _subscription(new: NewSubscription) -> Subscription:
    is_trial = new.trial_ends_at is not None
    plan = Plan.PLUS if is_trial else Plan(new.plan)
    anchor = None if is_trial else new.anchor_at or new.starts_at
    is_closed = plan != Plan.PLUS or new.ended_at is not None
    return Subscription(
        id=new.id,
        organization_id=new.organization_id,
        plan=plan,
        is_trial=is_trial,
        starts_at=_start(new),
        anchor_at=anchor,
        closes_at=first_close(anchor, new.billed_from or new.starts_at) if anchor and not is_closed else None,
        ends_at=new.trial_ends_at,
        ended_at=new.ended_at,
    )


def _start(new: NewSubscription) -> datetime:
    """A trial that was over before its organization was opened here ran its length before that."""
    if new.trial_ends_at is not None and new.trial_ends_at <= new.starts_at:
        return new.trial_ends_at - timedelta(days=settings.TRIAL_DAYS)
    return new.starts_at


def begin_trial(*, organization_id: UUID, person_id: UUID, address: str, at: datetime) -> bool:
    """Start the 30-day trial of Plus with its credits (P30); False where address or person has had theirs.

    Of two that ask at once for the same one, the second waits for the first and then gets none.
    """
    claim = NewTrialClaim(organization_id=organization_id, person_id=person_id, address=address, claimed_at=at)
    claim_trials([claim])
    if not TrialClaim.objects.filter(organization_id=organization_id).exists():
        return False
    ends_at = at + timedelta(days=settings.TRIAL_DAYS)
    start_subscriptions(
        [
            NewSubscription(
                id=uuid4(), organization_id=organization_id, plan=Plan.PLUS, starts_at=at, trial_ends_at=ends_at
            )
        ]
    )
    Credit.objects.create(
        organization_id=organization_id,
        kind=Credit.Kind.FREE,
        granted_cents=settings.TRIAL_CREDIT_CENTS,
        remaining_cents=settings.TRIAL_CREDIT_CENTS,
        granted_at=at,
        expires_at=ends_at,
    )
    return True
