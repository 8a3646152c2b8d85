"""Stripe, by its own library. The library repeats nothing by itself, and no secret stands in an error."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from uuid import UUID

import stripe
from django.conf import settings

from billing.provider import Card, LiveSubscription, ProviderAway, ProviderError, ProviderRefused, SetupPage

TIMEOUT_SECONDS = 10
PAGE_SIZE = 100
PLAN = "konnect-portal-plus"
CYCLE = timedelta(days=30)
NO = {
    "resource_missing": "The card can't be used any more.",
    "amount_too_large": "Stripe takes no amount as large as this from a card.",
    "amount_too_small": "Stripe takes no amount as small as this from a card.",
}
"""What Stripe never does, by its code; other errors are those of a moment, or of a setting."""


def asked[**Given, Answer](ask: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Tell a no from an answer that is not known. Of an error only its kind is kept: messages may hold keys."""

    @wraps(ask)
    def answer(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return ask(*args, **kwargs)
        except stripe.StripeError as error:
            raise _meaning(error) from None

    return answer


class StripeProvider:
    """See `billing.provider.Provider`. What it did is found again by our ids in Stripe's metadata, at any later time;
    idempotency keys, which Stripe forgets after a day, only keep two requests of one moment apart."""

    def __init__(self) -> None:
        self.stripe = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        ).v1

    @asked
    def make_customer(self, organization_id: UUID, *, name: str, email: str) -> str:
        """Asked again after more than a day, Stripe may have it twice; the first one then stays empty."""
        made = self.stripe.customers.create(
            {"name": name, "email": email, "metadata": {"organization_id": str(organization_id)}},
            {"idempotency_key": f"customer-{organization_id}"},
        )
        return made.id

    @asked
    def begin_card_setup(self, customer: str, *, setup_id: UUID, return_url: str) -> SetupPage:
        session = self.stripe.checkout.sessions.create(
            {
                "mode": "setup",
                "currency": "usd",
                "customer": customer,
                "allowed_payment_method_types": ["card"],
                "client_reference_id": str(setup_id),
                "success_url": return_url,
                "cancel_url": return_url,
            },
            {"idempotency_key": f"setup-{setup_id}"},
        )
        return SetupPage(session.id, session.url or "")

    @asked
    def card_of_setup(self, customer: str, reference: str) -> Card:
        session = self.stripe.checkout.sessions.retrieve(reference, {"expand": ["setup_intent.payment_method"]})
        intent = session.setup_intent
        if session.customer != customer or not isinstance(intent, stripe.SetupIntent) or intent.status != "succeeded":
            raise ProviderRefused("No card was given.")
        return _card(intent.payment_method)

    @asked
    def charge(self, customer: str, card: str, *, cents: int, charge_id: UUID, attempt: int) -> str:
        paid = self._payment(customer, charge_id)
        if paid is not None:
            return paid
        intent = self.stripe.payment_intents.create(
            {
                "amount": cents,
                "currency": "usd",
                "customer": customer,
                "payment_method": card,
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "off_session": True,
                "metadata": {"charge_id": str(charge_id)},
            },
            {"idempotency_key": f"charge-{charge_id}-{attempt}"},
        )
        if intent.status == "processing":
            raise ProviderAway("Stripe has not decided yet.")
        if intent.status != "succeeded":
            raise ProviderRefused("The bank asks for a confirmation, which it can't be given here.")
        return intent.id

    @asked
    def payment_of(self, customer: str, charge_id: UUID) -> str | None:
        return self._payment(customer, charge_id)

    @asked
    def start_subscription(self, customer: str, *, organization_id: UUID, subscription_id: UUID) -> str:
        for running in self._subscriptions(customer, subscription_id):
            return running.id
        self._make_plan()
        started = self.stripe.subscriptions.create(
            {
                "customer": customer,
                "items": [{"plan": PLAN}],
                "metadata": {"organization_id": str(organization_id), "subscription_id": str(subscription_id)},
            },
            {"idempotency_key": f"subscription-{subscription_id}"},
        )
        return started.id

    @asked
    def end_subscription(self, customer: str, *, subscription_id: UUID) -> None:
        try:
            for running in self._subscriptions(customer, subscription_id):
                self.stripe.subscriptions.cancel(running.id)
            still_running = any(self._subscriptions(customer, subscription_id))
        except stripe.InvalidRequestError as error:
            if error.http_status != HTTPStatus.NOT_FOUND:
                raise
            still_running = False  # no such customer
        if still_running:
            raise ProviderAway("Stripe still runs the subscription.")

    def live_subscriptions(self) -> Iterator[LiveSubscription]:
        try:
            for each in self.stripe.subscriptions.list({"limit": PAGE_SIZE}).auto_paging_iter():
                yield LiveSubscription(each.id, _told(each, "organization_id"), _told(each, "subscription_id"))
        except stripe.StripeError as error:
            raise _meaning(error) from None

    def _payment(self, customer: str, charge_id: UUID) -> str | None:
        """ProviderAway while one that was asked for is not decided."""
        intents = self.stripe.payment_intents.list({"customer": customer, "limit": PAGE_SIZE})
        ours = [each for each in intents.auto_paging_iter() if _told(each, "charge_id") == charge_id]
        if any(each.status == "processing" for each in ours):
            raise ProviderAway("Stripe has not decided yet.")
        return next((each.id for each in ours if each.status == "succeeded"), None)

    def _subscriptions(self, customer: str, subscription_id: UUID) -> Iterator[stripe.Subscription]:
        running = self.stripe.subscriptions.list({"customer": customer, "limit": PAGE_SIZE})
        for each in running.auto_paging_iter():
            if _told(each, "subscription_id") == subscription_id:
                yield each

    def _make_plan(self) -> None:
        """One plan for all, at no price: what is paid goes by our invoices."""
        try:
            self.stripe.plans.retrieve(PLAN)
        except stripe.InvalidRequestError:
            self.stripe.plans.create(
                {
                    "id": PLAN,
                    "amount": 0,
                    "currency": "usd",
                    "interval": "day",
                    "interval_count": CYCLE.days,
                    "product": {"name": "Konnect Plus"},
                }
            )


def _card(given: stripe.PaymentMethod | str | None) -> Card:
    assert isinstance(given, stripe.PaymentMethod)
    assert given.card is not None
    return Card(given.id, given.card.brand.title(), given.card.last4, given.card.exp_year, given.card.exp_month)


def _told(thing: stripe.PaymentIntent | stripe.Subscription, name: str) -> UUID | None:
    """An id of ours that Stripe was told; None of what somebody else has made there."""
    try:
        return UUID(thing.metadata[name])
    except (KeyError, ValueError):
        return None


def _meaning(error: stripe.StripeError) -> ProviderError:
    if isinstance(error, stripe.CardError):
        return ProviderRefused(error.user_message or "The card was declined.")
    if error.code in NO:
        return ProviderRefused(NO[error.code])
    if error.http_status is None:
        return ProviderAway("Stripe did not answer.")
    return ProviderAway(f"Stripe answered {error.http_status}: {error.code or type(error).__name__}.")
