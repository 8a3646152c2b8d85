"""What owners and admins change of an organization's plan, and the card that pays for it (P30, P33, P34).

Each act holds the organization first, refuses by PlanRefused, and raises the organization's DoesNotExist where it is
not active. Whoever comes second of two finds what the first has done.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.models import Charge, Invoice, PaymentMethod, Plan, Subscription
from billing.provider import Card
from billing.services.charging import try_again
from billing.services.errands import mirror_end, mirror_start
from billing.services.subscribing import end_plus, start_plus
from konnect_portal.foundation.organizations import hold_organization, note_plan_change


class PlanRefused(ValueError):
    """Plan and payment method stay as they are; the text says why and what to do, worded for people."""


@transaction.atomic
def upgrade(organization_id: UUID, *, by_id: UUID) -> Subscription:
    """Start paid Plus now, with a new anchor (P31), for an organization on Free whose card has not expired."""
    at = _hold(organization_id)
    running = running_subscription(organization_id, at=at)
    if running is not None and running.is_trial:
        raise PlanRefused("The trial of Plus still runs. With a payment method Plus follows it by itself.")
    if running is not None:
        raise PlanRefused(f"The organization is on {running} already.")
    method = PaymentMethod.objects.live().filter(organization=organization_id).first()
    if method is None:
        raise PlanRefused("Plus needs a payment method. Please add one first.")
    if method.has_expired(at):
        raise PlanRefused(f"{method} has expired. Please replace it first.")
    started = start_plus(organization_id, starts_at=at, made_by_id=by_id, at=at)
    mirror_start(started)
    note_plan_change(organization_id, at=at)
    return started


@transaction.atomic
def cancel_plan(organization_id: UUID, *, by_id: UUID) -> None:
    """End paid Plus now: from then on the organization is on Free, and what was used until then is invoiced (P34)."""
    at = _hold(organization_id)
    running = running_subscription(organization_id, at=at)
    if running is None:
        raise PlanRefused("The organization is on Free already.")
    if running.is_trial:
        raise PlanRefused("A trial ends by itself. Without a payment method the organization is on Free then.")
    if running.plan == Plan.ENTERPRISE:
        raise PlanRefused("An Enterprise contract is not ended here. Please ask your sales contact.")
    stop_plus(organization_id, at=at, by_id=by_id)
    note_plan_change(organization_id, at=at)


@transaction.atomic
def set_payment_method(organization_id: UUID, card: Card, *, by_id: UUID) -> PaymentMethod:
    """Take a card that the provider keeps, instead of the present one if there is one.

    During a trial it schedules the paid Plus that follows, so that no worker is needed for P30 to be true. What the
    card before it did not pay is charged to it. The same card again changes nothing.
    """
    at = _hold(organization_id)
    present = PaymentMethod.objects.live().filter(organization=organization_id).first()
    if present is not None and present.reference == card.reference:
        return present
    method = PaymentMethod(organization_id=organization_id, added_at=at, added_by_id=by_id, **vars(card))
    if method.has_expired(at):
        raise PlanRefused(f"{method} has expired. Please use another card.")
    if present is not None:
        _take_away(present, at=at, by_id=by_id)
    method.save(force_insert=True)
    _schedule_plus(organization_id, at=at, by_id=by_id)
    try_again(organization_id, at=at)
    return method


@transaction.atomic
def remove_payment_method(organization_id: UUID, *, by_id: UUID) -> PaymentMethod:
    """Forget the card. The Plus that was to follow a trial ends before it has begun.

    Refused while paid Plus runs or something that was used is still to be paid.
    """
    at = _hold(organization_id)
    method = PaymentMethod.objects.live().filter(organization=organization_id).first()
    if method is None:
        raise PlanRefused("There is no payment method to remove.")
    why = why_method_stays(organization_id, at=at)
    if why:
        raise PlanRefused(why)
    _take_away(method, at=at, by_id=by_id)
    stop_plus(organization_id, at=at, by_id=by_id)
    return method


def why_method_stays(organization_id: UUID, *, at: datetime) -> str | None:
    """Why the payment method can only be replaced; None where it can be removed."""
    running = running_subscription(organization_id, at=at)
    if running is not None and running.plan == Plan.PLUS and not running.is_trial:
        return "Plus is paid with it. Please replace it, or cancel Plus first."
    if _is_owed(organization_id, at):
        return "What was used of Plus is still to be paid with it. It can be removed once the last invoice is paid."
    return None


def stop_plus(organization_id: UUID, *, at: datetime, by_id: UUID) -> None:
    """End paid Plus, running or scheduled, here and at the provider. The caller holds the organization."""
    paid = Subscription.objects.unended(at).filter(organization=organization_id, plan=Plan.PLUS, is_trial=False)
    ids = list(paid.values_list("pk", flat=True))
    end_plus(organization_id, at=at, ended_by_id=by_id)
    mirror_end(ids, at=at)


def running_subscription(organization_id: UUID, *, at: datetime) -> Subscription | None:
    """The trial or subscription in force at `at`; None on Free."""
    return Subscription.objects.running(at).filter(organization=organization_id).first()


def scheduled_subscription(organization_id: UUID, *, at: datetime) -> Subscription | None:
    """The subscription that begins later than `at`."""
    return Subscription.objects.unended(at).filter(organization=organization_id, starts_at__gt=at).first()


def _hold(organization_id: UUID) -> datetime:
    """Hold the organization (habit 1), and only then ask for the time, so that acts follow each other in its order."""
    hold_organization(organization_id)
    return timezone.now()


def _take_away(method: PaymentMethod, *, at: datetime, by_id: UUID) -> None:
    method.removed_at, method.removed_by_id = at, by_id
    method.save(update_fields=["removed_at", "removed_by_id"])


def _schedule_plus(organization_id: UUID, *, at: datetime, by_id: UUID) -> None:
    running = running_subscription(organization_id, at=at)
    if running is None or not running.is_trial or scheduled_subscription(organization_id, at=at):
        return
    assert running.ends_at is not None
    mirror_start(start_plus(organization_id, starts_at=running.ends_at, made_by_id=by_id, at=at))


def _is_owed(organization_id: UUID, at: datetime) -> bool:
    """Something is still to be invoiced or charged."""
    to_close = Subscription.objects.filter(organization=organization_id, closes_at__isnull=False, starts_at__lte=at)
    drafts = Invoice.objects.filter(organization=organization_id, issued_at__isnull=True, voided_at__isnull=True)
    charges = Charge.objects.filter(
        invoice__organization=organization_id, paid_at__isnull=True, voided_at__isnull=True
    )
    return any(rows.exists() for rows in (to_close, drafts, charges))
