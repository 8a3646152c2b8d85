"""The organization as the payment provider's customer, and its cards."""

from uuid import UUID

from django.utils import timezone

from billing.models import BillingAccount, CardSetup
from billing.provider import Card, provider


class CardSetupError(Exception):
    """The card could not be taken; the message says why, and what to do next."""


def customer_of(organization_id: UUID) -> str:
    """How the provider knows the organization; it is made known where it was not. Raises ProviderError.

    Call it outside of the transaction whose effects at the provider are to be found again.
    """
    account = BillingAccount.objects.select_related("organization").get(pk=organization_id)
    if account.customer_reference:
        return account.customer_reference
    organization = account.organization
    made = provider().make_customer(organization_id, name=organization.name, email=organization.contact_email)
    BillingAccount.objects.filter(pk=organization_id, customer_reference="").update(customer_reference=made)
    return made


def known_customer(organization_id: UUID) -> str:
    """How the provider knows the organization; empty where it was never made known."""
    return BillingAccount.objects.values_list("customer_reference", flat=True).get(pk=organization_id)


def begin_card_setup(organization_id: UUID, *, person_id: UUID, return_url: str) -> str:
    """The address of the provider's page that asks for a card. It returns to `return_url` with `?setup=…` added.

    A page of ours sends there by a redirect. Raises ProviderError.
    """
    customer = customer_of(organization_id)
    setup = CardSetup.objects.create(organization_id=organization_id, begun_by_id=person_id)
    page = provider().begin_card_setup(customer, setup_id=setup.pk, return_url=f"{return_url}?setup={setup.pk}")
    setup.reference = page.reference
    setup.save(update_fields=["reference"])
    return page.url


def finish_card_setup(organization_id: UUID, setup_id: UUID) -> Card:
    """The card that was given, once: for the organization that asked for it. Raises CardSetupError, ProviderError."""
    waiting = CardSetup.objects.filter(pk=setup_id, organization_id=organization_id, finished_at=None)
    setup = waiting.first()
    if setup is None:
        raise CardSetupError("This page was used already, or belongs to another organization. Add the card again.")
    card = provider().card_of_setup(customer_of(organization_id), setup.reference)
    if not waiting.update(finished_at=timezone.now()):
        raise CardSetupError("This card was added already.")
    return card
