"""Where an organization stands with its plan, in one look."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from billing.models import BillingAccount, Plan, Subscription
from billing.services.credits import credits_left
from billing.services.cycles import cycle_of, cycle_start
from konnect_portal.foundation.money import dollars


@dataclass(frozen=True)
class Standing:
    """The plan in force, until when where it ends, the end of the running cycle, and the credits left in cents."""

    plan: Plan
    is_trial: bool
    ends_at: datetime | None
    cycle_ends_at: datetime
    credit_cents: int

    @property
    def credits(self) -> str:
        return dollars(self.credit_cents)


def standing_of(organization_id: UUID, *, at: datetime) -> Standing:
    """Free where no subscription runs; a trial is over when its end has come (P30)."""
    subscription = Subscription.objects.running(at).filter(organization=organization_id).first()
    anchor = BillingAccount.objects.values_list("anchor_at", flat=True).get(pk=organization_id)
    credit = credits_left(at).filter(organization=organization_id).aggregate(cents=Sum("remaining_cents"))
    return Standing(
        plan=Plan(subscription.plan) if subscription else Plan.FREE,
        is_trial=subscription is not None and subscription.is_trial,
        ends_at=subscription.ends_at if subscription else None,
        cycle_ends_at=cycle_start(anchor, cycle_of(anchor, at) + 1),
        credit_cents=credit["cents"] or 0,
    )


def sales_contact_of(organization_id: UUID, *, at: datetime) -> str:
    """Whom it asks about licenses and contracts, by address or web page: its contract's, else everybody's (P21)."""
    contracts = Subscription.objects.running(at).filter(organization=organization_id, plan=Plan.ENTERPRISE)
    return contracts.values_list("sales_contact", flat=True).first() or settings.SALES_CONTACT
