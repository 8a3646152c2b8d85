"""What the database refuses whoever writes it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import InactivityNotice, LifecycleEvent
from billing.models import Charge, Invoice
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "told",
    [
        {"act": "suspended", "via": "admin"},
        {"act": "reactivated", "via": "telepathy"},
        {"act": "reactivated", "via": "admin", "proof": "hearsay"},
        {"act": "reactivated", "via": "admin", "reason": "spam"},
        {"act": "deactivated", "via": "admin"},
        {"act": "deactivated", "via": "admin", "reason": "boredom"},
    ],
)
def test_an_event_says_what_the_policy_has_a_word_for(told, acme):
    """P47"""
    with pytest.raises(IntegrityError):
        LifecycleEvent.objects.create(organization_id=acme.pk, **told)


def test_a_deactivation_is_of_an_organization():
    """P47"""
    with pytest.raises(IntegrityError):
        LifecycleEvent.objects.create(act="deactivated", via="admin", reason="spam")


@pytest.mark.parametrize("address", ["Office@acme.example", " office@acme.example"])
def test_a_contact_address_has_the_form_that_addresses_are_compared_by(address, acme):
    """P1"""
    acme.contact_email = address
    with pytest.raises(IntegrityError):
        acme.save()


def test_a_notice_comes_14_7_or_1_days_before(acme):
    """P64"""
    now = timezone.now()
    with pytest.raises(IntegrityError):
        InactivityNotice.objects.create(organization=acme, inactive_at=now, announced_at=now, days_before=3)


def test_what_is_paid_is_not_voided(acme):
    """P41"""
    invoice = factories.invoice(acme, ("api_requests", 5, 10))
    now = timezone.now()
    with pytest.raises(IntegrityError):
        Charge.objects.create(invoice=invoice, amount_cents=10, paid_at=now, voided_at=now)


@pytest.mark.parametrize("fields", [{"number": 1}, {"issued_at": timezone.now()}], ids=["draft", "issued"])
def test_an_invoice_has_a_number_once_it_is_issued(fields, acme):
    """P34"""
    now = timezone.now()
    with pytest.raises(IntegrityError):
        Invoice.objects.create(organization=acme, period_start=now, period_end=now + timedelta(days=30), **fields)
