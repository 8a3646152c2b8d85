"""All that the plan page says of one organization, in a fixed number of statements (P30, P33)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from billing.models import Charge, Metric, PaymentMethod, Plan, Subscription
from billing.services.costs import Costs, costs_so_far
from billing.services.plans import scheduled_subscription
from billing.services.price_words import price_words
from billing.services.prices import price_book
from billing.services.standing import Standing, sales_contact_of, standing_of

TRIAL_ENDS_SOON = timedelta(days=7)


@dataclass(frozen=True)
class Used:
    """What was used of a metric and what it costs, in cents."""

    metric: Metric
    quantity: int
    cents: int

    @property
    def label(self) -> str:
        return self.metric.label

    @property
    def unit(self) -> str:
        return "requests" if self.metric == Metric.API_REQUESTS else "hours, all of them together"


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """The plan in force, what follows it, the card, the cost so far, and prices in words.

    `running` is the trial or subscription in force, `scheduled` one that begins later. `agreed` are the prices of a
    contract that has its own. `refused` is the oldest charge that a card refused and none has paid since.
    """

    at: datetime
    standing: Standing
    running: Subscription | None
    scheduled: Subscription | None
    method: PaymentMethod | None
    refused: Charge | None
    costs: Costs
    prices: list[tuple[str, str]]
    agreed: list[tuple[str, str]]
    sales_contact: str

    @property
    def used(self) -> list[Used]:
        return [Used(Metric(line.metric), line.quantity, line.cents) for line in self.costs.lines]

    @property
    def is_free(self) -> bool:
        return self.running is None

    @property
    def is_paid_plus(self) -> bool:
        return self.running is not None and self.running.plan == Plan.PLUS and not self.running.is_trial

    @property
    def contract(self) -> Subscription | None:
        return self.running if self.running is not None and self.running.plan == Plan.ENTERPRISE else None

    @property
    def sales_link(self) -> str:
        """Where whoever wants a contract is sent."""
        is_page = self.sales_contact.startswith(("https://", "http://"))
        return self.sales_contact if is_page else f"mailto:{self.sales_contact}"

    @property
    def card_has_expired(self) -> bool:
        return self.method is not None and self.method.has_expired(self.at)

    @property
    def invoiced_at(self) -> datetime | None:
        """When the next invoice comes that the card is to pay; None where none will."""
        if self.scheduled is not None:
            return self.scheduled.closes_at
        return self.costs.end if self.is_paid_plus else None

    @property
    def card_expires_before_invoice(self) -> bool:
        return self.method is not None and self.invoiced_at is not None and self.method.has_expired(self.invoiced_at)


def plan_facts(organization_id: UUID, *, at: datetime) -> PlanFacts:
    begun_last = Subscription.objects.unended(at).filter(organization=organization_id).order_by("starts_at")
    unended = list(begun_last)
    running = next((each for each in unended if each.starts_at <= at), None)
    book = price_book([each.pk for each in unended])
    agreed = book.agreed.get(running.pk) if running else None
    return PlanFacts(
        at=at,
        standing=standing_of(organization_id, at=at),
        running=running,
        scheduled=next((each for each in unended if each.starts_at > at), None),
        method=PaymentMethod.objects.live().filter(organization=organization_id).first(),
        refused=_refused(organization_id).select_related("invoice").order_by("created_at").first(),
        costs=costs_so_far([organization_id], at=at)[organization_id],
        prices=price_words(book.at(at)),
        agreed=price_words(agreed[0]) if agreed else [],
        sales_contact=sales_contact_of(organization_id, at=at),
    )


def payment_need(organization_id: UUID, standing: Standing, *, at: datetime) -> str:
    """Why an organization that stands so should see to its payment method soon; empty where nothing presses."""
    if _refused(organization_id).exists():
        return "Its payment method was refused: an invoice is not paid."
    ends_at = standing.ends_at if standing.is_trial else None
    if ends_at is None or ends_at > at + TRIAL_ENDS_SOON or scheduled_subscription(organization_id, at=at):
        return ""
    return f"The trial ends on {ends_at:%-d %b %Y}. Without a payment method Free follows it."


def _refused(organization_id: UUID) -> QuerySet[Charge]:
    charges = Charge.objects.filter(invoice__organization=organization_id, paid_at=None, voided_at=None)
    return charges.filter(refusals__gt=0)
