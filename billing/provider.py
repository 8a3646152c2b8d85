"""The one door to the payment provider, chosen by `settings.PAYMENT_PROVIDER`.

What is asked of it carries an id of ours and may be asked again for ever: it is done once, and answered alike. An
answer that never came (ProviderAway) tells nothing, so whoever asked asks again with the same id.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

PROVIDERS = {
    "embedded": "billing.providers.embedded.EmbeddedProvider",
    "stripe": "billing.providers.stripe.StripeProvider",
}


class ProviderError(Exception):
    """The provider did not do what it was asked; the message is for support."""


class ProviderAway(ProviderError):
    """Nobody knows whether it was done: no answer, or none that could be read. Ask again with the same id."""


class ProviderRefused(ProviderError):
    """It was not done. The message is a sentence that customers may read."""


@dataclass(frozen=True)
class Card:
    """A card kept at the provider; it is good through the last day of its month."""

    reference: str
    brand: str
    last_digits: str
    expires_year: int
    expires_month: int


@dataclass(frozen=True)
class SetupPage:
    """The provider's page on which a person gives a card; its number never comes to us."""

    reference: str
    url: str


@dataclass(frozen=True)
class LiveSubscription:
    """A subscription that runs at the provider, with what it was told of ours."""

    reference: str
    organization_id: UUID | None
    subscription_id: UUID | None


class Provider(Protocol):
    """What every provider can do. Each call raises ProviderAway or ProviderRefused, and takes 30 seconds at most."""

    def make_customer(self, organization_id: UUID, *, name: str, email: str) -> str:
        """The reference of the organization as a customer."""

    def begin_card_setup(self, customer: str, *, setup_id: UUID, return_url: str) -> SetupPage:
        """Open a page for one card of this customer, which sends the person to `return_url` when it has one."""

    def card_of_setup(self, customer: str, reference: str) -> Card:
        """The card that was given there; ProviderRefused where none was, or not by this customer."""

    def charge(self, customer: str, card: str, *, cents: int, charge_id: UUID, attempt: int) -> str:
        """Take money off a card and give the payment's reference. What is paid is not taken again, at any attempt.

        `attempt` grows after a refusal, not after silence.
        """

    def payment_of(self, customer: str, charge_id: UUID) -> str | None:
        """The reference of the payment where that charge was paid; asks and changes nothing."""

    def start_subscription(self, customer: str, *, organization_id: UUID, subscription_id: UUID) -> str:
        """Give the reference of the one subscription that stands for ours; it is started where there is none."""

    def end_subscription(self, customer: str, *, subscription_id: UUID) -> None:
        """End what stands for ours. Returns only when nothing of it runs any longer, or never did."""

    def live_subscriptions(self) -> Iterator[LiveSubscription]:
        """All that run, page by page; an error in the middle is raised there."""


def provider() -> Provider:
    """The provider by its name, or by the dotted path of a class."""
    made: Provider = import_string(PROVIDERS.get(settings.PAYMENT_PROVIDER, settings.PAYMENT_PROVIDER))()
    return made
