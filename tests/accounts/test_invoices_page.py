"""A former owner reads the issued invoices of organizations that are no longer active (P41)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services.ownership import transfer_ownership
from accounts.words import ORGANIZATION_ADMIN, Via
from tests import factories
from tests.accounts.test_deactivation import deactivate
from tests.customers import signed_in, words
from tests.factories import moment

pytestmark = pytest.mark.django_db
PAGE = "/account/invoices/"


def invoice(organization, cycles_ago, *lines, **fields):
    end = timezone.now() - timedelta(days=30 * cycles_ago)
    return factories.invoice(organization, *lines, ends_at=end, number=cycles_ago, **fields)


@pytest.fixture
def issued(acme):
    return invoice(acme, 7, ("api_requests", 1_234_567, 125_456), ("dev_portals", 2_160, 2_000), credit_cents=4_000)


@pytest.fixture
def ended(acme, issued, lead):
    """Acme, deactivated, with one invoice issued and a draft that was voided."""
    invoice(acme, 8, is_draft=True)
    deactivate(acme, actor=lead)
    return acme


def test_they_stand_by_organization_with_their_totals(ended, alice):
    """P41"""
    page = words(signed_in(alice).get(PAGE))

    assert "Acme" in page
    assert "Invoice 7" in page
    assert "1,274.56 USD" in page
    assert "Draft" not in page


def test_one_can_be_read_line_by_line(ended, issued, alice):
    """P41"""
    page = words(signed_in(alice).get(f"{PAGE}{issued.pk}/"))

    assert "1,234,567" in page
    assert "1,254.56 USD" in page
    assert "−40.00 USD" in page
    assert "1,234.56 USD" in page
    assert "Not paid" in page


@pytest.mark.parametrize(
    ("charge", "told"),
    [
        ({}, "Not paid"),
        ({"paid_at": moment("2026-03-02T10:00")}, "on 2 Mar 2026, 10:00 UTC"),
        (
            {"refusals": 1, "attempts": 1, "next_attempt_at": moment("2026-03-05T10:00")},
            "next try 5 Mar 2026, 10:00 UTC",
        ),
        ({"refused_at": moment("2026-03-02T10:00")}, "Payment refused"),
        ({"voided_at": moment("2026-03-02T10:00")}, "Not paid"),
    ],
    ids=["waiting", "paid", "refused", "refused for good", "voided"],
)
def test_it_says_whether_it_was_paid(charge, told, acme, alice, lead):
    """P34: the invoice never changes, its payment stands beside it."""
    deactivate(acme, actor=lead)
    made = invoice(acme, 7, ("api_requests", 5, 100), charge=charge)

    assert told in words(signed_in(alice).get(f"{PAGE}{made.pk}/"))


def test_where_credits_paid_for_all_there_is_nothing_to_pay(acme, alice, lead):
    made = invoice(acme, 7, ("api_requests", 5, 100), credit_cents=100)
    deactivate(acme, actor=lead)

    assert "Nothing to pay" in words(signed_in(alice).get(f"{PAGE}{made.pk}/"))


@pytest.mark.parametrize("case", ["member", "former owner", "active", "draft", "unknown"])
def test_every_other_invoice_is_not_there(case, acme, issued, alice, bob, lead):
    """P41"""
    who, asked = alice, issued.pk
    if case == "draft":
        asked = invoice(acme, 8, is_draft=True).pk
    if case == "unknown":
        asked = uuid4()
    if case == "former owner":
        dora = factories.member(acme, None, ORGANIZATION_ADMIN)
        transfer_ownership(acme.pk, to=dora.pk, actor=alice, via=Via.SETTINGS)
    if case == "member":
        who = bob
    if case != "active":
        deactivate(acme, actor=lead)

    assert signed_in(who).get(f"{PAGE}{asked}/").status_code == 404


def test_where_there_is_none_the_page_says_so_and_my_account_names_it_not(acme, issued, alice):
    client = signed_in(alice)

    assert "There are none." in words(client.get(PAGE))
    assert PAGE not in client.get("/account/").text


def test_my_account_leads_there(ended, alice):
    assert PAGE in signed_in(alice).get("/account/").text


def test_many_organizations_and_invoices_cost_the_same(ended, alice, lead):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        return len(queries)

    client = signed_in(alice)
    cost()  # the first request of a session notes where it comes from
    before = cost()
    others = [factories.organization(f"Other {n}", owner=alice) for n in range(3)]
    for n, each in enumerate(others):
        invoice(each, 10 + n)
        invoice(each, 20 + n)
    deactivate(*others, actor=lead)

    assert cost() == before
