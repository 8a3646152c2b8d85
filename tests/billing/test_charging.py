"""Issued invoices are charged once, and none after a deactivation (P34, P41)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.lifecycle import deactivate_organizations
from accounts.models import LifecycleEvent
from accounts.services.logins import record_login
from accounts.words import Reason, Via
from billing.models import Charge, EmbeddedCard, Invoice
from billing.provider import Card
from billing.services import charging
from billing.services.plans import set_payment_method
from tests import factories
from tests.billing.payments import AWAY, KILLED, LOST, Killed
from tests.customers import mails_to
from tests.races import collide, meanwhile

pytestmark = pytest.mark.django_db


def invoice(organization, cents=1230, number=1, **charge) -> Invoice:
    charge.setdefault("next_attempt_at", timezone.now())
    line = ("api_requests", 5, cents)
    return factories.invoice(organization, line, number=number, charge=charge, organization_name=organization.name)


def work(*, later=timedelta(0)) -> Charge:
    """A worker's turn, `later` than it would come."""
    waiting = Charge.objects.filter(next_attempt_at__isnull=False)
    for charge in waiting:
        charge.next_attempt_at -= later
        charge.save()
    while charging.charge_next():
        pass
    return Charge.objects.order_by("created_at").first()


def deactivate(organization, lead):
    deactivate_organizations([organization.pk], reason=Reason.FRAUD, via=Via.ADMIN, actor=lead, ticket="T-1")


def test_an_issued_invoice_is_charged_once(acme, other_side):
    """P34"""
    other_side.card(acme)
    invoice(acme)

    charge = work()
    work(later=timedelta(days=30))

    assert other_side.taken(acme) == [1230]
    assert charge.paid_at
    assert charge.reference
    assert charge.next_attempt_at is None


@pytest.mark.parametrize("trouble", [AWAY, LOST])
def test_silence_is_asked_again_and_charges_once(acme, other_side, trouble):
    """P34: whether or not the provider had done it."""
    other_side.card(acme)
    other_side.trouble("charge", trouble)
    invoice(acme)

    charge = work()
    assert (charge.paid_at, charge.refusals) == (None, 0)
    assert charge.last_error
    assert timezone.now() < charge.next_attempt_at <= timezone.now() + timedelta(hours=1)

    assert work(later=timedelta(hours=1)).paid_at
    assert other_side.taken(acme) == [1230]
    assert mails_to("alice@acme.example") == []


def test_a_worker_that_is_killed_after_the_providers_yes_charges_nothing_twice(acme, other_side):
    """P48"""
    other_side.card(acme)
    other_side.trouble("charge", KILLED)
    invoice(acme)

    with pytest.raises(Killed):
        work()
    assert other_side.taken(acme) == [1230]

    assert work(later=timedelta(hours=1)).paid_at
    assert other_side.taken(acme) == [1230]


def test_a_refusal_is_tried_again_after_1_3_5_and_7_days_then_given_up(acme, other_side):
    other_side.card(acme, EmbeddedCard.Kind.REFUSED)
    invoice(acme)
    waits = []
    while (charge := work(later=timedelta(days=sum(waits[-1:])))).next_attempt_at:
        waits.append(round((charge.next_attempt_at - timezone.now()) / timedelta(days=1)))

    assert waits == [1, 3, 5, 7]
    assert charge.refused_at
    assert charge.last_error == "The card was declined."
    assert other_side.taken(acme) == []


def test_owner_and_admins_hear_of_the_first_refusal_and_of_the_last(acme, globex, other_side):
    admin = factories.member(acme, None, "Organization Admin")
    other_side.card(acme, EmbeddedCard.Kind.REFUSED)
    invoice(acme)
    for _ in range(6):
        work(later=timedelta(days=8))

    for person in (acme.owner, admin):
        first, last = mails_to(person.email)
        assert "12.30 USD for Acme could not be paid" in first.subject
        assert "It is tried again on" in first.message
        assert "not tried again by itself" in last.message
        assert first.message.count("http") == 2, "one link, and support's"
    assert mails_to("bob@acme.example") == mails_to(globex.owner.email) == []


def test_without_a_card_nothing_is_charged_and_with_one_it_is_at_once(acme, other_side):
    invoice(acme)
    assert work().last_error == "There is no payment method."

    other_side.card(acme)
    charging.try_again(acme.pk, at=timezone.now())

    assert work().paid_at
    assert other_side.taken(acme) == [1230]


def test_after_a_deactivation_no_card_is_charged(acme, globex, other_side, lead):
    """P41. Globex is charged as before, and the event says what stays uncharged."""
    for number, organization in enumerate((acme, globex), 1):
        other_side.card(organization)
        invoice(organization, number=number)
    deactivate(acme, lead)

    work(later=timedelta(days=1))

    event = LifecycleEvent.objects.get(organization_id=acme.pk)
    assert event.details["uncharged_cents"] == 1230
    assert event.details["charges"] == [str(Charge.objects.get(invoice__organization=acme).pk)]
    assert (other_side.taken(acme), other_side.taken(globex)) == ([], [1230])


@pytest.mark.parametrize(("trouble", "is_paid"), [(LOST, True), (AWAY, False)])
def test_a_charge_of_unknown_outcome_is_looked_up_after_the_stop_and_never_made(
    acme, other_side, lead, trouble, is_paid
):
    """P41: what was paid before the stop is told as paid."""
    other_side.card(acme)
    other_side.trouble("charge", trouble)
    invoice(acme)
    work()
    deactivate(acme, lead)

    charge = work(later=timedelta(hours=1))

    assert other_side.asked("charge") == 1
    assert (charge.paid_at is not None, charge.voided_at is None) == (is_paid, is_paid)
    assert charge.next_attempt_at is None


def test_who_never_became_a_customer_is_not_looked_up_after_the_stop(acme, other_side, lead):
    """P41, P48: with nobody's name a provider knows no answer, and would be asked for ever."""
    other_side.card(acme)
    other_side.trouble("make_customer", AWAY)
    invoice(acme)
    work()
    deactivate(acme, lead)

    assert work(later=timedelta(hours=1)).next_attempt_at is None
    assert other_side.asked("payment_of") == 0


@pytest.mark.django_db(transaction=True)
def test_a_deactivation_waits_for_the_charge_that_is_under_way(acme, other_side, lead):
    """P41"""
    other_side.card(acme)
    invoice(acme)

    collide(charging.charge_next, lambda: deactivate(acme, lead))

    charge = Charge.objects.get()
    assert charge.paid_at
    assert charge.voided_at is None
    assert other_side.taken(acme) == [1230]


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_does_not_wait_for_the_charge_that_is_under_way_and_lets_no_deactivation_by(
    acme, alice, other_side, lead
):
    """P5, P41: the provider may be silent for long."""
    other_side.card(acme)
    invoice(acme)

    def charge_and_sign_in():
        charging.charge_next()
        meanwhile(lambda: record_login(acme.pk, alice, timezone.now()))

    collide(charge_and_sign_in, lambda: deactivate(acme, lead))

    charge = Charge.objects.get()
    assert (charge.paid_at is not None, charge.voided_at) == (True, None)


@pytest.mark.django_db(transaction=True)
def test_a_card_that_is_added_while_the_one_before_is_refused_is_charged_at_once(acme, other_side):
    """P33"""
    other_side.card(acme, EmbeddedCard.Kind.REFUSED)
    invoice(acme)
    new = Card("card_2", "Visa", "4242", 2099, 12)

    collide(charging.charge_next, lambda: set_payment_method(acme.pk, new, by_id=acme.owner_id))

    charge = Charge.objects.get()
    assert charge.refusals == 1
    assert charge.next_attempt_at <= timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_charge_that_was_claimed_before_a_deactivation_is_not_made_after_it(acme, other_side, lead):
    """P41"""
    other_side.card(acme)
    charge = invoice(acme).charge

    collide(
        lambda: deactivate(acme, lead),
        lambda: charging._ask(charge, acme.pk, f"customer_{acme.pk}"),  # what follows the claim
    )

    assert Charge.objects.get().voided_at
    assert other_side.taken(acme) == []


def test_the_provider_that_says_yes_twice_is_believed_once(acme, other_side):
    other_side.card(acme, EmbeddedCard.Kind.SILENT)
    invoice(acme)

    paid = [work(later=timedelta(hours=1)).paid_at for _ in range(3)]

    assert paid[0] is None
    assert paid[1] == paid[2]
    assert other_side.taken(acme) == [1230]
