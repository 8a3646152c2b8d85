"""A provider in the portal's own database, for demo, development and tests.

It is as far away as any other: every call runs in a thread, on a connection of its own, so that what it has done stays
done, whatever becomes of the caller's transaction.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial, wraps
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.urls import reverse
from django.utils import timezone

from billing.models import EmbeddedCard, EmbeddedCharge, EmbeddedSubscription
from billing.provider import Card, LiveSubscription, ProviderAway, ProviderRefused, SetupPage

LAST_DIGITS = {
    EmbeddedCard.Kind.ACCEPTED: "4242",
    EmbeddedCard.Kind.REFUSED: "0002",
    EmbeddedCard.Kind.EXPIRING: "1111",
    EmbeddedCard.Kind.SILENT: "0408",
}


def far_away[**Given, Answer](act: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Have `act` done on the other side; a database that is down is a provider that does not answer."""

    @wraps(act)
    def ask(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        with ThreadPoolExecutor(1) as other_side:
            try:
                return other_side.submit(_alone, partial(act, *args, **kwargs)).result()
            except DatabaseError as error:
                raise ProviderAway(f"The embedded provider did not answer: {error}") from error

    return ask


def _alone[Answer](act: Callable[[], Answer]) -> Answer:
    with closing(connection):
        return act()


class EmbeddedProvider:
    """See `billing.provider.Provider`."""

    def make_customer(self, organization_id: UUID, *, name: str, email: str) -> str:
        return f"customer_{organization_id}"

    @far_away
    def begin_card_setup(self, customer: str, *, setup_id: UUID, return_url: str) -> SetupPage:
        card, _ = EmbeddedCard.objects.get_or_create(
            pk=setup_id, defaults={"customer": customer, "return_url": return_url}
        )
        return SetupPage(str(card.pk), reverse("test_provider", args=[card.pk]))

    @far_away
    def card_of_setup(self, customer: str, reference: str) -> Card:
        card = _card(customer, reference)
        if card is None or not card.kind:
            raise ProviderRefused("No card was given.")
        expires = timezone.now() + timedelta(days=0 if card.kind == EmbeddedCard.Kind.EXPIRING else 1000)
        return Card(str(card.pk), "Test card", LAST_DIGITS[EmbeddedCard.Kind(card.kind)], expires.year, expires.month)

    @far_away
    def charge(self, customer: str, card: str, *, cents: int, charge_id: UUID, attempt: int) -> str:
        kept = _card(customer, card)
        taken = EmbeddedCharge.objects.filter(charge_id=charge_id).first()
        if taken is not None:
            return str(taken.pk)
        if kept is None or kept.kind == EmbeddedCard.Kind.REFUSED:
            raise ProviderRefused("The card was declined.")
        taken, _ = EmbeddedCharge.objects.get_or_create(
            charge_id=charge_id, defaults={"customer": customer, "card": card, "cents": cents}
        )
        if kept.kind == EmbeddedCard.Kind.SILENT:
            raise ProviderAway("The embedded provider did not answer.")
        return str(taken.pk)

    @far_away
    def payment_of(self, customer: str, charge_id: UUID) -> str | None:
        taken = EmbeddedCharge.objects.filter(customer=customer, charge_id=charge_id).first()
        return str(taken.pk) if taken else None

    @far_away
    def start_subscription(self, customer: str, *, organization_id: UUID, subscription_id: UUID) -> str:
        started, _ = EmbeddedSubscription.objects.get_or_create(
            subscription_id=subscription_id,
            ended_at=None,
            defaults={"customer": customer, "organization_id": organization_id},
        )
        return str(started.pk)

    @far_away
    def end_subscription(self, customer: str, *, subscription_id: UUID) -> None:
        live = EmbeddedSubscription.objects.filter(customer=customer, subscription_id=subscription_id, ended_at=None)
        live.update(ended_at=timezone.now())

    def live_subscriptions(self) -> Iterator[LiveSubscription]:
        yield from _live()


@far_away
def setup_asked(setup_id: UUID) -> EmbeddedCard | None:
    """The card that a customer is asked for, whether or not one was chosen."""
    return EmbeddedCard.objects.filter(pk=setup_id).first()


@far_away
def give_card(setup_id: UUID, kind: str) -> None:
    """Choose the card that a customer was asked for; the first choice stays."""
    EmbeddedCard.objects.filter(pk=setup_id, kind="").update(kind=kind)


@far_away
def _live() -> list[LiveSubscription]:
    rows = EmbeddedSubscription.objects.filter(ended_at=None).order_by("started_at")
    return [LiveSubscription(str(row.pk), row.organization_id, row.subscription_id) for row in rows]


def _card(customer: str, reference: str) -> EmbeddedCard | None:
    try:
        return EmbeddedCard.objects.filter(pk=reference, customer=customer).first()
    except ValidationError:
        return None
