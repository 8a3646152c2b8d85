"""Every subscription that lives on one side only is listed while that lasts (P41)."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import ProviderMismatch, ProviderSubscription
from billing.provider import LiveSubscription, ProviderAway
from billing.services import errands
from billing.services.reconciling import Reconciled, reconcile
from tests import desk, factories
from tests.billing.payments import Troubled
from tests.customers import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def plus(acme, other_side):
    """A subscription of Acme that runs on both sides."""
    subscription = factories.subscription(acme, created_at=timezone.now() - timedelta(days=1))
    errands.mirror_start(subscription)
    assert errands.run_next_errand()
    return subscription


def listed() -> set[tuple[str, str]]:
    return set(ProviderMismatch.objects.filter(resolved_at=None).values_list("side", "reference"))


def test_what_runs_on_both_sides_is_not_listed(plus):
    assert reconcile() == Reconciled(open=0, found=0, resolved=0)
    assert not ProviderMismatch.objects.exists()


def test_each_side_is_listed_once_while_it_lasts(acme, globex, plus, other_side):
    theirs = other_side.start(globex)
    twice = other_side.start(acme)
    untold = factories.subscription(globex, created_at=timezone.now() - timedelta(days=1))
    lost = {("provider", theirs), ("provider", twice), ("here", str(untold.pk))}

    assert reconcile() == Reconciled(open=3, found=3, resolved=0)
    assert reconcile() == Reconciled(open=3, found=0, resolved=0)

    assert listed() == lost
    assert ProviderMismatch.objects.get(reference=theirs).organization_id == globex.pk


def test_what_is_gone_from_the_provider_is_listed_and_resolved_when_it_is_back(acme, plus, other_side):
    Troubled().end_subscription(f"customer_{acme.pk}", subscription_id=plus.pk)
    assert reconcile().found == 1
    assert listed() == {("here", str(plus.pk))}

    mirror = ProviderSubscription.objects.get()
    mirror.reference = other_side.start(acme, plus.pk)
    mirror.save()

    assert reconcile() == Reconciled(open=0, found=0, resolved=1)
    assert ProviderMismatch.objects.get().resolved_at


def test_what_should_have_stopped_and_runs_on_is_listed(plus, other_side):
    now = timezone.now()
    ProviderSubscription.objects.update(stop_asked_at=now, stopped_at=now)

    assert reconcile().found == 1


def test_what_begins_or_ends_while_the_provider_answers_is_on_both_sides(acme, globex, plus, other_side, monkeypatch):
    """The list was read before the one began here, and after the other had ended."""
    late = factories.subscription(globex)

    def list_slowly(self):
        yield LiveSubscription(ProviderSubscription.objects.get().reference, acme.pk, plus.pk)
        errands.mirror_end([plus.pk], at=timezone.now())
        errands.mirror_start(late)
        assert errands.run_next_errand()

    monkeypatch.setattr(Troubled, "live_subscriptions", list_slowly)

    assert reconcile().open == 0


def test_a_provider_that_fails_in_the_middle_lists_and_resolves_nothing(globex, other_side, monkeypatch):
    other_side.start(globex)
    reconcile()
    before = list(ProviderMismatch.objects.values())

    def break_off(self):
        yield LiveSubscription("another", uuid4(), uuid4())
        raise ProviderAway("The provider did not answer.")

    monkeypatch.setattr(Troubled, "live_subscriptions", break_off)
    with pytest.raises(CommandError, match="nothing changed"):
        call_command("reconcile_billing")

    assert list(ProviderMismatch.objects.values()) == before


def test_the_command_tells_them_in_json(globex, other_side, capsys):
    reference = other_side.start(globex)
    call_command("reconcile_billing", "--json")

    told = json.loads(capsys.readouterr().out)
    [row] = told["listed"]
    assert (told["open"], told["found"], told["resolved"]) == (1, 1, 0)
    assert (row["side"], row["reference"], row["organization_id"]) == ("provider", reference, str(globex.pk))


def test_support_has_the_list_and_the_number(globex, other_side, viewer):
    reference = other_side.start(globex)
    reconcile()
    client = desk.signed_in(viewer)

    assert reference in words(client.get("/admin/billing/providermismatch/?state=open"))
    assert "Subscriptions on one side only" in words(client.get("/admin/"))
