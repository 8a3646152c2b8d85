"""P63: a lead marks an organization "never deactivate", saying why and until when, and ends it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.inactivity import ask, standings
from accounts.lifecycle import deactivate_organizations
from accounts.models import Exemption, LifecycleEvent
from accounts.services.exemptions import exempt
from accounts.words import Act, Reason, State, Via
from tests import factories
from tests.desk import signed_in
from tests.races import collide

SAID = {"via": Via.ADMIN, "note": "Seasonal shop", "ticket": "T-1"}
pytestmark = pytest.mark.django_db


def page_of(act, organization):
    return reverse(f"admin:accounts_organization_{act}", args=[organization.pk])


def confirm(client, page, **answers):
    digest = client.get(page).context["shown"].digest
    return client.post(page, {"digest": digest, "note": "Seasonal", "ticket": "T-1", "name": "Acme", **answers})


def is_checked(organization):
    [standing] = standings([organization], ask(timezone.now()))
    return standing.is_checked


def test_marked_until_a_day_it_is_not_checked_before_it(acme, lead):
    day = timezone.now().date() + timedelta(days=30)
    confirm(signed_in(lead), page_of("exempt", acme), until=day.isoformat())

    exemption = Exemption.objects.get()
    assert (exemption.made_by_id, exemption.reason, exemption.until.date()) == (lead.pk, "Seasonal", day)
    assert LifecycleEvent.objects.get().act == Act.EXEMPTION_MADE
    assert (
        "Seasonal"
        in signed_in(lead).get(reverse("admin:accounts_organization_change", args=[acme.pk])).content.decode()
    )
    assert not Exemption.objects.live(exemption.until).exists()


@pytest.mark.parametrize("day", ["2020-01-01", "tomorrow"])
def test_a_day_that_is_over_or_none_marks_nothing(acme, lead, day):
    confirm(signed_in(lead), page_of("exempt", acme), until=day)

    assert not Exemption.objects.exists()


def test_it_is_ended_by_another_act_and_can_be_made_again(acme, lead):
    exempt(acme.pk, actor=lead, **SAID)
    with pytest.raises(LifecycleError, match="already"):
        exempt(acme.pk, actor=lead, **SAID)
    confirm(signed_in(lead), page_of("end-exemption", acme))

    assert Exemption.objects.get().ended_by_id == lead.pk
    again = exempt(acme.pk, actor=lead, until=timezone.now() + timedelta(days=1), **SAID)
    Exemption.objects.filter(pk=again.pk).update(until=timezone.now())
    exempt(acme.pk, actor=lead, **SAID)
    assert Exemption.objects.live(timezone.now()).count() == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_exempts_what_is_their_own_since_staff_belong_to_none(acme, lead, alice):
    """P70: the database refuses a member who is staff, the service whoever is none."""
    with pytest.raises(IntegrityError):
        factories.member(acme, lead)
    with pytest.raises(LifecycleError, match="needs a lead"):
        exempt(acme.pk, actor=alice, **SAID)


@pytest.mark.django_db(transaction=True)
def test_an_organization_that_is_deactivated_just_now_is_not_marked(acme, lead):
    """Habit 1"""
    refused = collide(
        lambda: deactivate_organizations([acme.pk], reason=Reason.SPAM, actor=lead, via=Via.ADMIN, ticket="T-2"),
        lambda: exempt(acme.pk, actor=lead, **SAID),
    )

    assert isinstance(refused, LifecycleError)
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE
    assert not Exemption.objects.exists()
