"""The plan page and its acts, as owners, admins and readers meet them (P30, P33)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Metric, PaymentMethod, Plan
from billing.provider import Card, ProviderAway
from billing.services import plans
from billing.services.plans import set_payment_method, upgrade
from tests import factories
from tests.customers import entered, words

pytestmark = pytest.mark.django_db

PAGE = "/billing/plan/"


def add_card(organization, year=2099, month=12):
    card = Card(f"card_{uuid4()}", "Visa", "4242", year, month)
    return set_payment_method(organization.pk, card, by_id=organization.owner_id)


def give_card(client, kind="accepted"):
    """By the embedded provider's page, as a person would."""
    there = client.post(f"{PAGE}payment-method/")["Location"]
    return client.post(there, {"card": kind})["Location"]


def plan_of(organization):
    return plans([organization.pk], at=timezone.now())[organization.pk]


@pytest.fixture
def tried(alice):
    return factories.organization("Tried", owner=alice, plan="trial")


@pytest.fixture
def paying(acme):
    add_card(acme)
    upgrade(acme.pk, by_id=acme.owner_id)
    return acme


def test_prices_are_said_in_words(acme, alice):
    """P30"""
    page = words(entered(alice, acme).get(PAGE))

    assert "Acme is on Free: nothing is billed." in page
    assert "105.00 USD for a service that runs the whole cycle" in page
    assert "The first 1,000,000 included, then 200.00 USD a million, 150.00 USD above 10,000,000" in page
    assert "The first 2 Dev Portals included, then 20.00 USD for a Dev Portal that is there the whole cycle" in page


def test_a_trial_says_when_it_ends_and_what_follows(tried, alice):
    """P30"""
    client = entered(alice, tried)
    assert "without one with Free" in words(client.get(PAGE))
    add_card(tried)
    page = words(client.get(PAGE))

    assert "You go on with Plus then" in page
    assert f'Your trial ends on <time datetime="{tried.subscriptions.get(is_trial=True).ends_at.isoformat()}' in page


@pytest.mark.parametrize(("team", "acts"), [("Organization Admin", True), ("Organization Admin (Read Only)", False)])
def test_only_those_who_change_plans_see_the_acts(paying, team, acts):
    """P4"""
    client = entered(factories.member(paying, None, team), paying)
    page = client.get(PAGE).text

    assert "Visa ending in 4242" in page
    for act in ("cancel/", "payment-method/"):
        assert (f'href="{PAGE}{act}"' in page) == acts
        assert client.get(PAGE + act).status_code == (200 if acts else 403)
        assert client.post(PAGE + act).status_code == (302 if acts else 403)
    assert plan_of(paying) == (Plan.FREE if acts else Plan.PLUS)


def test_a_card_given_on_the_providers_page_pays_from_then_on_and_only_once(acme, alice):
    """P33"""
    client = entered(alice, acme)
    back = give_card(client)
    page = words(client.get(back, follow=True))
    again = words(client.get(back, follow=True))

    assert "pays for Acme from now on" in page
    assert "used already" in again
    assert PaymentMethod.objects.live().get().added_by_id == alice.pk
    assert client.get(f"{PAGE}payment-method/given/?setup=nonsense").status_code == 404


def test_a_card_given_for_one_organization_is_not_taken_by_another(acme, globex, alice):
    """P33: Alice is in both."""
    back = give_card(entered(alice, acme))
    page = words(entered(alice, globex).get(back, follow=True))

    assert "belongs to another organization" in page
    assert not PaymentMethod.objects.exists()


def test_a_provider_that_is_away_changes_nothing_and_says_so(acme, alice, settings):
    """P33, P48"""
    settings.PAYMENT_PROVIDER = "tests.billing.test_plan_page.ProviderThatIsAway"
    page = words(entered(alice, acme).post(f"{PAGE}payment-method/"))

    assert "does not answer just now. Nothing was changed and nothing was charged." in page
    assert not PaymentMethod.objects.exists()


def test_upgrading_and_cancelling_say_first_what_they_do(acme, alice):
    """P30, P34"""
    client = entered(alice, acme)
    add_card(acme)
    assert "Upgrade Acme to Plus" in words(client.get(f"{PAGE}upgrade/"))
    assert plan_of(acme) == Plan.FREE
    assert "Acme is on Plus." in words(client.post(f"{PAGE}upgrade/", follow=True))

    acme.subscriptions.update(starts_at=hour_ago(30), anchor_at=hour_ago(30))
    factories.usage(acme, hour_ago(2), 72, metric=Metric.GATEWAY_SERVICES)
    page = words(client.get(f"{PAGE}cancel/"))
    assert "Invoice what was used until now: 10.50 USD" in page
    assert plan_of(acme) == Plan.PLUS
    assert "Acme is on Free." in words(client.post(f"{PAGE}cancel/", follow=True))


def hour_ago(count):
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=count)


def test_an_act_that_cannot_be_says_why(acme, alice):
    """P30"""
    page = words(entered(alice, acme).post(f"{PAGE}upgrade/", follow=True))

    assert "Nothing was changed. Plus needs a payment method. Please add one first." in page


@pytest.mark.parametrize(("days", "says"), [(-40, "This card has expired"), (0, "This card expires on"), (90, "")])
def test_a_card_that_expires_before_the_cycle_is_invoiced_is_warned_of(paying, alice, days, says):
    """P33"""
    good_in = timezone.now() + timedelta(days=days)
    PaymentMethod.objects.update(expires_year=good_in.year, expires_month=good_in.month)
    page = words(entered(alice, paying).get(PAGE))

    assert [text for text in ("This card has expired", "This card expires on") if text in page] == [says] * bool(says)


@pytest.mark.parametrize(
    ("next_attempt_at", "says"),
    [
        (
            datetime(2099, 1, 1, tzinfo=UTC),
            "It is tried again on 1 Jan 2099, 00:00 UTC, and at once with another card.",
        ),
        (None, "It is tried again as soon as there is another card."),
    ],
    ids=["again", "given up"],
)
def test_a_refused_payment_stands_above_the_card_until_it_is_paid(paying, alice, next_attempt_at, says):
    """P34"""
    charge = {"refusals": 1, "attempts": 1, "next_attempt_at": next_attempt_at}
    made = factories.invoice(paying, ("api_requests", 5, 1_250), number=7, charge=charge)
    client = entered(alice, paying)

    assert f"Invoice 7</a> of 12.50 USD is not paid: the payment was refused. {says}" in words(client.get(PAGE))
    made.charge.paid_at, made.charge.next_attempt_at = timezone.now(), None
    made.charge.save()
    assert "is not paid" not in words(client.get(PAGE))


def test_a_contract_stands_on_the_page(alice):
    """P30"""
    terms = {"contract_number": "C-2026-7", "support_level": "24x7x365", "sales_contact": "sam@konghq.example"}
    acme = factories.organization("Acme", owner=alice)
    until = datetime(2099, 1, 1, tzinfo=UTC)
    factories.subscription(acme, "enterprise", ends_at=until, has_professional_services=True, **terms)
    page = words(entered(alice, acme).get(PAGE))

    for text in ("C-2026-7", "24x7x365", "Included", "mailto:sam@konghq.example", "until 1 Jan 2099, 00:00 UTC"):
        assert text in page


def test_the_page_asks_as_much_of_a_long_history_as_of_none(acme, alice):
    client = entered(alice, acme)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as first:
        client.get(PAGE)
    for number in range(1, 6):
        start = hour_ago(24 * 30 * (number + 1))
        factories.subscription(acme, starts_at=start, ended_at=start + timedelta(days=20))
    add_card(acme)
    upgrade(acme.pk, by_id=alice.pk)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as second:
        client.get(PAGE)

    assert len(second) <= len(first) + 1  # the usage of a running plan


class ProviderThatIsAway:
    """Stands for a provider whose network is down: every call comes back without an answer."""

    def __getattr__(self, name):
        raise ProviderAway("no answer")
