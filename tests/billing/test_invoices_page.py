"""Owners and admins read the organization's invoices, with what explains each amount, on screen and as PDF (P34)."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.words import ORGANIZATION_ADMIN
from billing.models import Invoice, UsageRecord
from tests import factories
from tests.billing.test_closing import END, HOUR, START, close, on_plus, use
from tests.customers import entered, words

pytestmark = pytest.mark.django_db
PAGE = "/billing/invoices/"


@pytest.fixture
def acme(alice):
    return on_plus("Acme", owner=alice)


@pytest.fixture
def invoice(acme):
    use(acme, 1_500_000)
    use(acme, 250_000, geo="eu")
    factories.OrganizationGeo.objects.create(organization=acme, geo_id="eu")
    close(END + 72 * HOUR)
    return Invoice.objects.get()


def test_the_list_names_period_payment_and_what_is_due(acme, invoice, alice):
    page = words(entered(alice, acme).get(PAGE))

    assert "Invoice 1" in page
    assert "1 Mar 2026 to 31 Mar 2026" in page
    assert "Not paid" in page
    assert "150.00 USD" in page


def test_a_draft_is_told_as_being_prepared(acme, alice):
    factories.invoice(acme, ends_at=END, is_draft=True)

    page = words(entered(alice, acme).get(PAGE))

    assert "1 Mar 2026, 10:00 UTC to 31 Mar 2026, 10:00 UTC is being prepared" in page
    assert "after 3 days at most" in page
    assert "No invoice yet" in page


def test_a_line_is_explained_by_tier_and_geo(acme, invoice, alice):
    page = words(entered(alice, acme).get(f"{PAGE}{invoice.pk}/"))

    assert "1,750,000 requests" in page
    assert "1,000,000 requests included" in page
    assert "750,000 requests at 200.00 USD per 1,000,000 requests" in page
    assert "Europe 250,000, United States 1,500,000" in page
    assert f"{PAGE}{invoice.pk}/invoice-1.pdf" in page


def test_what_came_late_says_of_when_it_is_and_what_was_invoiced_before(acme, invoice, alice):
    """P34"""
    use(acme, 10_000, hour=START + HOUR)
    close(END + 40 * 24 * HOUR)

    page = words(entered(alice, acme).get(f"{PAGE}{Invoice.objects.get(number=2).pk}/"))

    assert "Used from 1 Mar 2026, 10:00 UTC to 31 Mar 2026, 10:00 UTC, reported late" in page
    assert "1,750,000 requests of these were invoiced before, for 150.00 USD" in page
    assert "2.00 USD" in page


@pytest.mark.parametrize(
    ("name", "is_readable"),
    [
        ("株式会社コング 한국", True),
        ("भारत प्रौद्योगिकी தமிழ் বাংলা", True),
        ("Ελλάς Україна عربية עברית ไทย", True),
        ('#evil() $x$ \\ *b* ", {{ x }}', True),
        ("Cuneiform \U00012000", False),
    ],
    ids=["east", "india", "west", "markup", "no font has it"],
)
def test_the_pdf_is_made_whatever_script_a_name_is_in(name, is_readable, acme, alice):
    """Only a document in which every character has its glyph may call itself PDF/UA."""
    acme.name = name
    acme.save()
    close(END)

    response = entered(alice, acme).get(f"{PAGE}{Invoice.objects.get().pk}/invoice-1.pdf")

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert (b"pdfuaid:part" in response.content) is is_readable


@pytest.mark.parametrize("case", ["other organization", "draft", "unknown", "other number"])
def test_every_other_invoice_is_not_there(case, acme, globex, invoice, alice):
    asked, number = invoice.pk, 1
    if case == "other organization":
        asked, number = factories.invoice(globex, number=9).pk, 9
    if case == "draft":
        asked = factories.invoice(acme, ends_at=START, is_draft=True).pk
    if case == "unknown":
        asked = uuid4()
    if case == "other number":
        number = 2
    client = entered(alice, acme)

    assert client.get(f"{PAGE}{asked}/invoice-{number}.pdf").status_code == 404
    assert client.get(f"{PAGE}{asked}/").status_code == (200 if case == "other number" else 404)


def test_an_admin_may_read_them_and_another_member_not(acme, invoice, bob, charlie):
    """P33"""
    factories.member(acme, bob, ORGANIZATION_ADMIN)
    factories.member(acme, charlie)

    assert entered(bob, acme).get(PAGE).status_code == 200
    assert entered(charlie, acme).get(PAGE).status_code == 403


def test_a_long_list_comes_page_by_page_at_the_same_cost(acme, alice):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        return len(queries)

    client = entered(alice, acme)
    factories.invoice(acme, ends_at=START, number=1)
    cost()
    before = cost()
    for number in range(2, 29):
        factories.invoice(acme, ends_at=START - number * 30 * 24 * HOUR, number=number)

    assert cost() == before
    first = client.get(PAGE).text
    assert "Invoice 28" in first
    assert "Invoice 3<" not in first
    assert "Invoice 3<" in client.get(f"{PAGE}?after={Invoice.objects.get(number=4).pk}").text


def test_nothing_of_an_invoice_needs_the_usage_that_it_is_for(acme, invoice, alice):
    """P34, P55: usage may be purged, an invoice explains itself."""
    UsageRecord.objects.all().delete()

    assert "1,750,000 requests" in words(entered(alice, acme).get(f"{PAGE}{invoice.pk}/"))
