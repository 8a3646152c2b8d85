"""Support reads every invoice, and sees those that should have been issued (P34)."""

import pytest
from django.urls import reverse

from billing.models import Charge
from tests import factories
from tests.billing.test_closing import DAY, END, START
from tests.customers import words
from tests.desk import signed_in

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/invoice/"


def case_of(organization_id):
    return reverse("admin:accounts_organization_change", args=[organization_id])


@pytest.fixture
def invoices(acme, globex):
    """One of each state; a draft of last March should have been issued."""
    used = ("api_requests", 1_500_000, 10_000)
    credit = factories.invoice(acme, used, number=1, ends_at=END, credit_cents=10_000)
    unpaid = factories.invoice(acme, used, number=2, ends_at=START, charge={})
    paid = factories.invoice(globex, used, number=3, ends_at=END, charge={"paid_at": END})
    draft = factories.invoice(globex, ends_at=START, is_draft=True)
    voided = factories.invoice(acme, ends_at=START, is_draft=True, voided_at=END, period_start=START - 45 * DAY)
    return {"credit": credit, "unpaid": unpaid, "paid": paid, "draft": draft, "voided": voided}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("", {"credit", "unpaid", "paid", "draft", "voided"}),
        ("draft", {"draft"}),
        ("overdue", {"draft"}),
        ("issued", {"credit", "unpaid", "paid"}),
        ("unpaid", {"unpaid"}),
        ("voided", {"voided"}),
    ],
)
def test_they_are_listed_by_state(state, shown, invoices, viewer):
    page = signed_in(viewer).get(f"{LIST}?state={state}").text

    assert {name for name, each in invoices.items() if str(each.pk) in page} == shown
    assert all(case_of(invoices[name].organization_id) in page for name in shown)


def test_one_is_read_with_its_lines_and_cannot_be_changed(invoices, lead):
    client = signed_in(lead)
    url = f"{LIST}{invoices['credit'].pk}/change/"

    page = words(client.get(url))

    assert "1500000" in page
    assert "History" not in page
    assert "100.00 USD" in page
    assert "Nothing to pay" in page
    assert client.post(url, {"total_cents": "1"}).status_code == 403
    assert Charge.objects.count() == 2


def test_the_case_says_what_is_not_paid_and_leads_to_the_organizations_invoices(invoices, acme, globex, viewer):
    """P34, P72"""
    client = signed_in(viewer)
    page = words(client.get(f"/admin/accounts/organization/{acme.pk}/change/"))

    assert "Invoice 2 <small>100.00 USD, issued" in page
    assert "Not paid" in page
    assert "Not paid" not in words(client.get(f"/admin/accounts/organization/{globex.pk}/change/"))
    assert f"{LIST}?organization={acme.pk}" in page
    shown = client.get(f"{LIST}?organization={acme.pk}").context["cl"].result_list
    assert {each.pk for each in shown} == {invoices[name].pk for name in ("credit", "unpaid", "voided")}


def test_moments_in_lists_are_written_as_everywhere(invoices, viewer):
    """P72"""
    page = signed_in(viewer).get(LIST).text

    assert f"{END:%-d %b %Y, %H:%M} UTC" in page
