"""Issued invoices are charged to the payment method, each once (P34), and none after the billing has stopped (P41).

A charge is claimed and its next attempt set before the provider is asked. Meanwhile the organization is kept active:
a deactivation waits until the provider has answered, and after its commit no card is charged; sign-ins do not wait.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from billing.models import Charge, PaymentMethod
from billing.provider import ProviderError, ProviderRefused, provider
from billing.services.customers import customer_of, known_customer
from billing.services.errands import pause_after
from konnect_portal.foundation.hints import hint
from konnect_portal.foundation.money import dollars
from konnect_portal.foundation.organizations import keep_active, people_to_tell
from konnect_portal.foundation.outbox import NewMail, queue_mails

RETRIES = [timedelta(days=days) for days in (1, 3, 5, 7)]
"""How long after each refusal it is tried again; after the one that follows, only with another payment method."""

logger = structlog.get_logger(__name__)


def try_again(organization_id: UUID, *, at: datetime) -> int:
    """Charge at once what was refused, since there is another payment method; gives how many charges that are.

    The caller holds the organization.
    """
    unpaid = Charge.objects.filter(invoice__organization=organization_id, paid_at=None, voided_at=None)
    # One that is under way may be refused yet, so it is waited for.
    asked = list(unpaid.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    hint_charges()
    return Charge.objects.filter(pk__in=asked, refusals__gt=0).update(refused_at=None, next_attempt_at=at)


def hint_charges() -> None:
    hint("billing.tasks.charge_invoices")


def charge_next() -> bool:
    """Claim one charge that is due and have it made; False where none can be claimed now."""
    charge = _claim(timezone.now())
    if charge is None:
        return False
    organization_id = charge.invoice.organization_id
    try:
        if charge.voided_at is None:
            _ask(charge, organization_id, customer_of(organization_id))
        else:
            _look_up(charge, known_customer(organization_id))
    except ProviderError as error:
        logger.warning("charge put off", charge=str(charge.pk), error=str(error))
        Charge.objects.filter(pk=charge.pk).update(last_error=str(error))
    return True


@transaction.atomic
def _claim(at: datetime) -> Charge | None:
    due = Charge.objects.filter(next_attempt_at__lte=at).order_by("next_attempt_at")
    charge = due.select_for_update(skip_locked=True).first()
    if charge is None:
        return None
    charge.attempts += 1
    charge.next_attempt_at = at + pause_after(charge.attempts)
    charge.save(update_fields=["attempts", "next_attempt_at"])
    return charge


@transaction.atomic
def _ask(claimed: Charge, organization_id: UUID, customer: str) -> None:
    """Ask the provider. What a deactivation has voided meanwhile is left alone."""
    if not keep_active(organization_id):
        return
    charge = Charge.objects.select_for_update().filter(pk=claimed.pk, paid_at=None, voided_at=None).first()
    if charge is None:
        return
    try:
        reference = _take(charge, organization_id, customer)
    except ProviderRefused as refusal:
        _note_refusal(charge, str(refusal), organization_id, at=timezone.now())
    else:
        _note_payment(charge, reference, at=timezone.now())


def _take(charge: Charge, organization_id: UUID, customer: str) -> str:
    card = PaymentMethod.objects.live().filter(organization=organization_id).first()
    if card is None:
        paid = provider().payment_of(customer, charge.pk)
        if paid is None:
            raise ProviderRefused("There is no payment method.")
        return paid
    return provider().charge(
        customer, card.reference, cents=charge.amount_cents, charge_id=charge.pk, attempt=charge.refusals
    )


def _look_up(charge: Charge, customer: str) -> None:
    """Whether a voided charge had been paid before the stop, by an answer that never came. Nothing is taken.

    Who is no customer there never paid there.
    """
    reference = provider().payment_of(customer, charge.pk) if customer else None
    if reference is not None:
        _note_payment(charge, reference, at=timezone.now())
    else:
        Charge.objects.filter(pk=charge.pk).update(next_attempt_at=None, last_error="")


def _note_payment(charge: Charge, reference: str, *, at: datetime) -> None:
    charge.reference = reference
    charge.paid_at = at
    charge.voided_at = charge.refused_at = charge.next_attempt_at = None
    charge.last_error = ""
    charge.save()


def _note_refusal(charge: Charge, sentence: str, organization_id: UUID, *, at: datetime) -> None:
    """Wait longer after each refusal, and after the last give up; owner and admins hear of the first and the last."""
    retry = RETRIES[charge.refusals] if charge.refusals < len(RETRIES) else None
    charge.refusals += 1
    charge.next_attempt_at = at + retry if retry else None
    charge.refused_at = None if retry else at
    charge.last_error = sentence
    charge.save()
    if charge.refusals == 1 or retry is None:
        _tell_of_refusal(charge, organization_id)


def _tell_of_refusal(charge: Charge, organization_id: UUID) -> None:
    context = {
        "organization_name": charge.invoice.organization_name,
        "invoice_number": charge.invoice.number,
        "amount": dollars(charge.amount_cents),
        "reason": charge.last_error,
        "next_attempt_at": charge.next_attempt_at,
    }
    queue_mails(
        NewMail(person.email, "payment_refused", context, organization_id=organization_id, person_id=person.person_id)
        for person in people_to_tell(organization_id)
    )
