"""Enterprise by support: a lead begins, changes and ends contracts, after preview, reason and ticket (P30, P71)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import inactivity
from accounts.checks import run_check
from accounts.models import LifecycleEvent, Organization
from accounts.words import Act
from billing.models import Credit, Metric, Plan, PriceList, Subscription
from billing.provider import Card
from billing.services import activity_facts, plans
from billing.services.plans import set_payment_method, upgrade
from billing.services.prices import Tier, price_book
from tests import factories
from tests.customers import words
from tests.desk import signed_in

pytestmark = pytest.mark.django_db

TERMS = {"contract_number": "C-1", "support_level": "24x7x365", "sales_contact": "sam@konghq.example"}


def page_of(organization, act="begin-contract"):
    return f"/admin/accounts/organization/{organization.pk}/{act}/"


def case_of(organization):
    return f"/admin/accounts/organization/{organization.pk}/change/"


def do(client, organization, act="begin-contract", **answers):
    digest = re.search(r'name="digest" value="(.*?)"', client.get(page_of(organization, act)).text)[1]
    usual = {"digest": digest, "note": "Signed", "ticket": "T-1", "proof": "lead_word", "name": organization.name}
    return client.post(page_of(organization, act), {**usual, **answers})


def plan_of(organization, at=None):
    return plans([organization.pk], at=at or timezone.now())[organization.pk]


def contract_of(organization) -> Subscription:
    return organization.subscriptions.get(plan=Plan.ENTERPRISE)


def hour_ago(count):
    return timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=count)


@pytest.fixture
def client(lead):
    return signed_in(lead)


@pytest.fixture
def paying(acme):
    """On Plus for 30 hours, with usage for 10.50 USD."""
    set_payment_method(acme.pk, Card("card_1", "Visa", "4242", 2099, 12), by_id=acme.owner_id)
    upgrade(acme.pk, by_id=acme.owner_id)
    acme.subscriptions.update(starts_at=hour_ago(30), anchor_at=hour_ago(30))
    factories.usage(acme, hour_ago(2), 72, metric=Metric.GATEWAY_SERVICES)
    return acme


@pytest.mark.parametrize(("tier", "status"), [("viewer", 403), ("agent", 403), ("lead", 200), ("administrator", 200)])
def test_who_may(request, acme, tier, status):
    """P70"""
    client = signed_in(request.getfixturevalue(tier))

    assert client.get(page_of(acme)).status_code == status
    assert (page_of(acme) in client.get(case_of(acme)).text) == (status == 200)


def test_a_contract_begins_now_and_leaves_one_event(client, acme, globex, lead):
    """P30, P47"""
    answer = do(client, acme, last_day="2098-12-31", has_professional_services="on", **TERMS)
    contract = contract_of(acme)

    assert answer["Location"] == case_of(acme)
    assert [plan_of(acme), plan_of(globex)] == [Plan.ENTERPRISE, Plan.FREE]
    assert contract.ends_at == datetime(2099, 1, 1, tzinfo=UTC)
    assert {name: getattr(contract, name) for name in TERMS} == TERMS
    assert (contract.has_professional_services, contract.made_by_id, contract.closes_at) == (True, lead.pk, None)
    assert not PriceList.objects.filter(subscription=contract).exists()
    event = LifecycleEvent.objects.get()
    assert (event.act, event.note, event.ticket, event.proof) == (Act.CONTRACT_BEGUN, "Signed", "T-1", "lead_word")
    assert event.details == {"subscription": str(contract.pk), "contract_number": "C-1", "ended": []}


def test_plus_ends_and_what_was_used_of_it_will_be_invoiced(client, paying):
    """P34, P71"""
    assert "End Plus now: 10.50 USD for this cycle will be invoiced" in words(client.get(page_of(paying)))
    do(client, paying, **TERMS)
    plus = paying.subscriptions.get(plan=Plan.PLUS)

    assert plus.ended_at == plus.closes_at == contract_of(paying).starts_at
    assert LifecycleEvent.objects.get().details["ended"] == [str(plus.pk)]


def test_a_trial_ends_with_its_credits_and_the_plus_that_was_to_follow(client, acme):
    """P30"""
    trial = factories.subscription(acme, "trial")
    money = {"kind": "free", "granted_cents": 500, "remaining_cents": 500, "granted_at": trial.starts_at}
    Credit.objects.create(organization=acme, expires_at=trial.ends_at, **money)
    set_payment_method(acme.pk, Card("card_1", "Visa", "4242", 2099, 12), by_id=acme.owner_id)
    do(client, acme, **TERMS)

    assert plan_of(acme) == plan_of(acme, trial.ends_at) == Plan.ENTERPRISE
    assert Credit.objects.get().lapsed_at == contract_of(acme).starts_at
    assert not acme.subscriptions.filter(closes_at__isnull=False).exists()


def test_what_changed_since_it_was_shown_is_shown_again(client, paying):
    """P71, habit 4"""
    digest = re.search(r'name="digest" value="(.*?)"', client.get(page_of(paying)).text)[1]
    Subscription.objects.update(ended_at=timezone.now(), closes_at=None)
    answers = {"digest": digest, "note": "x", "ticket": "T-1", "proof": "session", "name": "Acme", **TERMS}
    page = words(client.post(page_of(paying), answers))

    assert "End nothing: it is on Free" in page
    assert plan_of(paying) == Plan.FREE


def test_agreed_prices_are_lines_of_tiers_and_what_is_not_agreed_is_everybodys(client, acme):
    """P30"""
    do(client, acme, gateway_services="0: 90.00\n50: 75.50", **TERMS)
    contract = contract_of(acme)
    agreed = price_book([contract.pk]).at(contract.starts_at, subscription_id=contract.pk)

    assert agreed.tiers["gateway_services"] == (Tier(0, 720, 9_000), Tier(36_000, 720, 7_550))
    assert agreed.included("api_requests") == 1_000_000
    assert "0: 90.00\n50: 75.50" in client.get(page_of(acme, "change-contract")).text


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        ("10: 90.00", "Line 1 leaves a gap: the first line begins with 0."),
        ("0: 90.00\n\n50: 80.00\n50: 70.00", "Line 4 does not begin above the line before it."),
        ("0 90.00", "Line 1 has no colon"),
        ("0: cheap", "Line 1: &#x27;cheap&#x27; is no price in USD."),
        ("0: 0.005", "Line 1: a price is 0.00 USD or more, in whole cents."),
        ("0: -1", "Line 1: a price is 0.00 USD or more, in whole cents."),
        ("0: 9e999999", "Line 1: &#x27;9e999999&#x27; is no price in USD."),
        ("0: NaN", "Line 1: a price is 0.00 USD or more, in whole cents."),
        ("1.5: 3", "Line 1: &#x27;1.5&#x27; is no whole number."),
    ],
)
def test_prices_with_a_gap_are_refused_with_what_and_where(client, acme, prices, why):
    """P30"""
    assert why in words(do(client, acme, gateway_services=prices, **TERMS))
    assert plan_of(acme) == Plan.FREE


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"last_day": "2020-01-01"}, "The term would be over already."),
        ({"last_day": "9999-12-31"}, "Ensure this value is less than or equal to"),
        ({"ticket": ""}, "This field is required."),
        ({"sales_contact": "Sam"}, "Enter a valid email address."),
        ({"name": "Globex"}, "This is not “Acme”."),
    ],
)
def test_what_cannot_be_is_refused(client, acme, answers, why):
    """P71"""
    assert why in words(do(client, acme, **TERMS | answers))
    assert plan_of(acme) == Plan.FREE


def test_a_contract_is_changed_where_it_stands(client, acme):
    """P30"""
    do(client, acme, **TERMS)
    before = contract_of(acme)
    do(client, acme, "change-contract", **TERMS | {"contract_number": "C-2"}, api_requests="0: 100.00")
    after = contract_of(acme)

    assert (after.pk, after.contract_number, after.starts_at) == (before.pk, "C-2", before.starts_at)
    assert LifecycleEvent.objects.get(act=Act.CONTRACT_CHANGED).details["fields"] == ["contract_number", "prices"]
    do(client, acme, "change-contract", **TERMS | {"contract_number": "C-2"}, api_requests="0: 100.00")
    assert PriceList.objects.filter(subscription=after).count() == 1


def test_a_contract_that_is_ended_leaves_the_organization_on_free(client, acme, lead):
    """P30, P61"""
    do(client, acme, **TERMS)
    do(client, acme, "end-contract")
    contract = contract_of(acme)

    assert plan_of(acme) == Plan.FREE
    assert contract.ended_by_id == lead.pk
    assert activity_facts([acme.pk], at=timezone.now())[acme.pk].free_since == contract.ended_at
    assert LifecycleEvent.objects.get(act=Act.CONTRACT_ENDED).details["contract_number"] == "C-1"


def test_acts_on_a_contract_are_offered_where_they_make_sense(client, acme):
    """P70"""
    assert "has no contract" in words(client.get(page_of(acme, "end-contract"), follow=True))
    do(client, acme, **TERMS)
    assert "is on an Enterprise contract" in words(client.get(page_of(acme), follow=True))
    page = client.get(case_of(acme)).text
    assert page_of(acme, "change-contract") in page
    assert page_of(acme) not in page


def test_a_trial_that_a_contract_cut_short_keeps_the_lower_bound(client, acme):
    """P62, habit 7: the check had raised it to 30 days after the trial's end."""
    trial = factories.subscription(acme, "trial")
    run_check()
    assert Organization.objects.get(pk=acme.pk).inactive_at >= trial.ends_at + timedelta(days=30)

    do(client, acme, **TERMS)
    do(client, acme, "end-contract")

    assert Organization.objects.get(pk=acme.pk).inactive_at <= inactivity.explain(acme.pk).inactive_at
    assert Organization.objects.get(pk=acme.pk).inactive_at > timezone.now() + timedelta(days=29)
