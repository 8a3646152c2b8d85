"""The Stripe provider, over HTTP: against localstripe, and against answers that go wrong."""

import socket
import subprocess
import sys
import time
from contextlib import closing
from uuid import uuid4

import pytest
from django.conf import settings
from werkzeug import Response

from billing.provider import LiveSubscription, ProviderAway, ProviderRefused
from billing.providers.stripe import StripeProvider

KEY = "sk_test_do_not_log_this"


@pytest.fixture(scope="module")
def address():
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.billing.local_stripe", str(port)], cwd=settings.BASE_DIR)
    wait_for(port)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("localstripe did not start")


def stripe_at(address, settings) -> StripeProvider:
    settings.STRIPE_SECRET_KEY = KEY
    settings.STRIPE_API_BASE = address
    return StripeProvider()


@pytest.fixture
def stripe(address, settings):
    return stripe_at(address, settings)


@pytest.fixture
def broken(httpserver, settings):
    """A Stripe that answers as the test says."""
    return stripe_at(httpserver.url_for("").rstrip("/"), settings)


@pytest.fixture
def customer(stripe):
    return stripe.make_customer(uuid4(), name="Acme", email="owner@example.com")


def test_a_card_comes_from_stripes_own_page(stripe, customer):
    page = stripe.begin_card_setup(customer, setup_id=uuid4(), return_url="https://portal.example/back?setup=1")
    card = stripe.card_of_setup(customer, page.reference)

    assert page.url == "https://portal.example/back?setup=1"
    assert (card.brand, card.last_digits, card.expires_month, card.expires_year) == ("Visa", "4242", 12, 2030)


def test_somebody_elses_card_is_refused(stripe, customer):
    page = stripe.begin_card_setup(customer, setup_id=uuid4(), return_url="https://portal.example/back")

    with pytest.raises(ProviderRefused, match="No card was given"):
        stripe.card_of_setup("cus_other", page.reference)


def test_a_charge_is_paid_once_however_often_it_is_asked_for(stripe, customer):
    """P34"""
    charge = {"cents": 1230, "charge_id": uuid4()}
    paid = stripe.charge(customer, "pm_card_visa", **charge, attempt=0)

    assert stripe.charge(customer, "pm_card_visa", **charge, attempt=0) == paid
    assert stripe.charge(customer, "pm_card_visa", **charge, attempt=1) == paid, "another key, the same charge"
    assert stripe.payment_of(customer, charge["charge_id"]) == paid
    assert stripe.payment_of(customer, uuid4()) is None


def test_a_card_that_is_declined_is_a_no_in_stripes_words(stripe, customer):
    charge_id = uuid4()

    with pytest.raises(ProviderRefused, match="card was declined"):
        stripe.charge(customer, "pm_card_chargeCustomerFail", cents=100, charge_id=charge_id, attempt=0)

    assert stripe.payment_of(customer, charge_id) is None


def test_a_subscription_is_started_once_listed_and_ended(stripe, customer):
    """P41"""
    ours = {"organization_id": uuid4(), "subscription_id": uuid4()}
    started = stripe.start_subscription(customer, **ours)

    assert stripe.start_subscription(customer, **ours) == started
    assert LiveSubscription(started, **ours) in list(stripe.live_subscriptions())

    stripe.end_subscription(customer, subscription_id=ours["subscription_id"])
    stripe.end_subscription(customer, subscription_id=ours["subscription_id"])

    assert started not in [live.reference for live in stripe.live_subscriptions()]


def test_the_list_of_subscriptions_is_read_to_its_end(stripe, customer, monkeypatch):
    monkeypatch.setattr("billing.providers.stripe.PAGE_SIZE", 2)
    started = {stripe.start_subscription(customer, organization_id=uuid4(), subscription_id=uuid4()) for _ in range(5)}

    assert started <= {live.reference for live in stripe.live_subscriptions()}


def test_ending_what_is_not_there_is_confirmed(stripe):
    stripe.end_subscription("cus_nobody", subscription_id=uuid4())


@pytest.mark.parametrize(("status", "kind"), [(500, "api_error"), (401, "invalid_request_error"), (429, "rate_limit")])
def test_an_error_of_stripes_own_tells_nothing_and_no_key(broken, httpserver, caplog, status, kind):
    """An answer that is neither yes nor no is asked for again; what stands in it is not logged."""
    error = {"error": {"type": kind, "message": f"Bad key {KEY}"}}
    httpserver.expect_request("/v1/subscriptions").respond_with_json(error, status=status)

    with pytest.raises(ProviderAway) as told:
        broken.end_subscription("cus_1", subscription_id=uuid4())

    assert str(status) in str(told.value)
    assert KEY not in f"{told.value} {caplog.text}"


@pytest.mark.parametrize("code", ["amount_too_large", "amount_too_small"])
def test_an_amount_that_stripe_never_takes_is_a_no(broken, httpserver, code):
    """It would be asked for ever, and nobody told."""
    none = {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": []}
    error = {"error": {"type": "invalid_request_error", "code": code}}
    httpserver.expect_request("/v1/payment_intents", method="GET").respond_with_json(none)
    httpserver.expect_request("/v1/payment_intents", method="POST").respond_with_json(error, status=400)

    with pytest.raises(ProviderRefused, match="takes no amount as"):
        broken.charge("cus_1", "pm_1", cents=10**11, charge_id=uuid4(), attempt=0)


def test_a_stripe_that_does_not_answer_is_asked_once(broken, httpserver, monkeypatch):
    monkeypatch.setattr("billing.providers.stripe.TIMEOUT_SECONDS", 0.1)
    broken.__init__()
    httpserver.expect_request("/v1/customers").respond_with_handler(lambda request: time.sleep(0.3) or Response())

    with pytest.raises(ProviderAway):
        broken.make_customer(uuid4(), name="Acme", email="owner@example.com")

    assert len(httpserver.log) <= 1


def test_a_list_that_breaks_off_in_the_middle_says_so(broken, httpserver):
    page = {"object": "list", "has_more": True, "url": "/v1/subscriptions", "data": [subscription("sub_1")]}
    httpserver.expect_ordered_request("/v1/subscriptions").respond_with_json(page)
    httpserver.expect_ordered_request("/v1/subscriptions").respond_with_json({}, status=500)

    listed = broken.live_subscriptions()

    assert next(listed) == LiveSubscription("sub_1", None, None)
    with pytest.raises(ProviderAway):
        next(listed)


def subscription(id: str) -> dict:
    return {"id": id, "object": "subscription", "metadata": {"organization_id": "somebody else's"}}
