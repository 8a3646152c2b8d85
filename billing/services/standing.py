"""Where an organization stands with its plan, in one look."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from billing.models import Plan, Subscription


@dataclass(frozen=True)
class Standing:
    """The plan in force, and until when where it ends."""

    plan: Plan
    is_trial: bool
    ends_at: datetime | None


def standing_of(organization_id: UUID, *, at: datetime) -> Standing:
    """Free where no subscription runs; a trial is over when its end has come (P30)."""
    subscription = Subscription.objects.running(at).filter(organization=organization_id).first()
    return Standing(
        plan=Plan(subscription.plan) if subscription else Plan.FREE,
        is_trial=subscription is not None and subscription.is_trial,
        ends_at=subscription.ends_at if subscription else None,
    )


def sales_contact_of(organization_id: UUID, *, at: datetime) -> str:
    """Whom it asks about licenses and contracts, by address or web page: its contract's, else everybody's (P21)."""
    contracts = Subscription.objects.running(at).filter(organization=organization_id, plan=Plan.ENTERPRISE)
    return contracts.values_list("sales_contact", flat=True).first() or settings.SALES_CONTACT
