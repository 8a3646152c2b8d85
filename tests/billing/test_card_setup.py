"""A card is given on the provider's page and taken back once, by the organization that asked for it."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.utils import timezone

from billing.checks import check_money_moves, check_payment_provider
from billing.models import BillingAccount, PaymentMethod
from billing.provider import ProviderRefused
from billing.services.customers import CardSetupError, begin_card_setup, finish_card_setup
from billing.tasks import tell_of_expiring_cards
from tests.customers import mails_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def embedded(settings, other_side):
    settings.PAYMENT_PROVIDER = "embedded"


def begin(organization) -> str:
    return begin_card_setup(
        organization.pk, person_id=organization.owner_id, return_url="http://testserver/billing/plan/"
    )


def give(client, url, kind="accepted") -> UUID:
    """Choose a card on the provider's page; what it leads back with."""
    response = client.post(url, {"card": kind})
    assert response.status_code == 302
    back = urlsplit(response["Location"])
    assert back.path == "/billing/plan/"
    return UUID(parse_qs(back.query)["setup"][0])


def test_the_card_comes_back_once(acme, client, embedded):
    url = begin(acme)
    setup = give(client, url)

    card = finish_card_setup(acme.pk, setup)

    assert (card.brand, card.last_digits) == ("Test card", "4242")
    with pytest.raises(CardSetupError, match="used already"):
        finish_card_setup(acme.pk, setup)


def test_another_organization_cannot_take_it(acme, globex, client, embedded):
    setup = give(client, begin(acme))

    with pytest.raises(CardSetupError, match="another organization"):
        finish_card_setup(globex.pk, setup)

    assert finish_card_setup(acme.pk, setup)


def test_who_comes_back_without_a_card_gets_none(acme, embedded):
    setup = UUID(urlsplit(begin(acme)).path.split("/")[-2])

    with pytest.raises(ProviderRefused, match="No card was given"):
        finish_card_setup(acme.pk, setup)


def test_the_first_choice_stays_and_leads_back_again(acme, client, embedded):
    url = begin(acme)
    setup = give(client, url)

    assert give(client, url, "refused") == setup
    assert finish_card_setup(acme.pk, setup).last_digits == "4242"


def test_the_page_asks_for_one_of_its_cards(acme, client, embedded):
    url = begin(acme)

    assert "No money moves" in client.get(url).text
    assert "Please choose a test card." in client.post(url).text
    assert "Please choose a test card." in client.post(url, {"card": "gold"}).text


def test_the_page_is_gone_where_money_moves(acme, client, embedded, settings):
    url = begin(acme)
    settings.PAYMENT_PROVIDER = "stripe"

    assert client.get(url).status_code == client.post(url, {"card": "accepted"}).status_code == 404


def test_an_organization_is_made_known_to_the_provider_once(acme, other_side):
    begin(acme)
    begin(acme)

    assert other_side.asked("make_customer") == 1
    assert BillingAccount.objects.get(pk=acme.pk).customer_reference == f"customer_{acme.pk}"


def test_owner_and_admins_are_told_once_of_a_card_that_expires(acme, globex, other_side):
    """Globex's card is good for longer."""
    now = timezone.now()
    card = other_side.card(acme)
    PaymentMethod.objects.filter(pk=card.pk).update(expires_year=now.year, expires_month=now.month)
    other_side.card(globex)
    for _ in range(2):
        tell_of_expiring_cards()

    [mail] = mails_to(acme.owner.email)
    card.refresh_from_db()
    assert mail.subject == f"The card of Acme expires on 1 {card.expires_at:%b %Y}"
    assert "/billing/plan/" in mail.message
    assert mails_to(globex.owner.email) == []


def test_settings_that_keep_money_from_moving_are_told(settings):
    assert [told.id for told in check_money_moves()] == ["billing.W001"]

    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = ""

    assert [told.id for told in check_payment_provider()] == ["billing.E001"]
    assert check_money_moves() == []
