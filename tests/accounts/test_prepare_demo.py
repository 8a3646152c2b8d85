"""`manage.py prepare_demo`: what `make demo` starts with."""

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts import demo, demo_customers
from accounts.checks import run_check
from accounts.models import CheckRun, InactivityNotice, Organization, User
from accounts.words import Tier
from billing.models import Invoice
from billing.services import costs_so_far, issued_invoices, standing_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def is_demo(settings):
    settings.DEMO = True


def prepare() -> str:
    said = io.StringIO()
    call_command("prepare_demo", stdout=said)
    return said.getvalue()


def test_it_refuses_where_no_demo_was_asked_for():
    with pytest.raises(CommandError, match="DEMO=true"):
        prepare()

    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_the_first_run_is_above_its_limit_and_waits(is_demo):
    """P66: 58 of the sample are due at once, whatever the clock says."""
    prepare()

    run = CheckRun.objects.get()
    assert (run.outcome, run.due_count, run.deactivated_count) == (CheckRun.Outcome.WAITING, 58, 0)
    assert Organization.objects.active().count() == 297


def test_notices_of_every_stage_are_there_and_the_next_check_begins_with_some(is_demo):
    """P64"""
    prepare()
    told = Counter(InactivityNotice.objects.values_list("days_before", flat=True))
    assert told[14] > told[7] >= told[1] > 58

    run_check()

    new = CheckRun.objects.get(kind=CheckRun.Kind.NOTIFY)
    assert (new.outcome, new.told_count > 0) == (CheckRun.Outcome.DONE, True)
    assert InactivityNotice.objects.live().count() == told.total() + new.told_count
    assert CheckRun.objects.filter(outcome=CheckRun.Outcome.WAITING, kind=CheckRun.Kind.DEACTIVATE).exists()


@pytest.mark.slow
def test_a_second_start_changes_nothing_and_tells_the_same(is_demo):
    first = prepare()
    before = list(Organization.objects.values()), list(User.objects.values()), CheckRun.objects.count()

    second = prepare()

    assert (list(Organization.objects.values()), list(User.objects.values()), CheckRun.objects.count()) == before
    assert second == first


def test_it_leaves_a_database_with_organizations_as_it_is(is_demo, acme):
    prepare()

    assert Organization.objects.get() == acme


@pytest.mark.slow
def test_staff_of_each_tier_sign_in_with_what_is_printed(is_demo):
    """P70"""
    said = prepare()

    for tier in Tier:
        user = User.objects.get(email=f"{tier}@portal.example")
        assert user.email in said
        assert (user.is_staff, user.tier) == (True, tier)
        assert user.check_password(demo.password())
        assert EmailAddress.objects.filter(user=user, verified=True, primary=True).exists()
        assert Authenticator.objects.get(user=user).wrap().validate_code(demo.totp_code())
    assert demo.password() in said
    assert demo.totp_secret() in said


@pytest.mark.slow
def test_customers_sign_in_with_what_is_printed_and_have_a_story_of_their_own(is_demo):
    """P30, P34"""
    said, now = prepare(), timezone.now()

    found = {}
    for customer in demo_customers.CUSTOMERS:
        assert User.objects.get(email=customer.email).check_password(demo.password())
        assert customer.email in said
        standing, costs = standing_of(customer.id, at=now), costs_so_far([customer.id], at=now)[customer.id]
        assert costs.total_cents > 0
        invoices = issued_invoices([customer.id]).count()
        found[customer.name] = (standing.plan, standing.is_trial, invoices, costs.credit_left_cents > 0)
    assert found == {
        "Tidewater Coffee": ("plus", False, 3, False),
        "Lantern Maps": ("plus", False, 1, False),
        "Harbour Bank": ("enterprise", False, 0, False),
        "Paper Kite": ("plus", True, 0, True),
    }
    assert Invoice.objects.count() == 4


def test_the_code_of_the_moment_can_be_asked_for_again(is_demo):
    said = io.StringIO()
    before = demo.totp_code()
    call_command("demo_code", stdout=said)

    assert said.getvalue().strip() in {before, demo.totp_code()}


def test_there_is_no_code_without_a_demo():
    with pytest.raises(CommandError, match="DEMO=true"):
        call_command("demo_code")


def test_every_moment_of_the_sample_is_shifted_alike():
    at = datetime(2031, 3, 1, 12, 0, 7, tzinfo=UTC)
    by = at - demo.SAMPLE_MOMENT
    shifted = io.BytesIO()

    demo.write_shifted_sample(shifted, at=at)

    told = [json.loads(line) for line in demo.SAMPLE.read_text().splitlines()]
    for before, after in zip(told, map(json.loads, shifted.getvalue().splitlines()), strict=True):
        assert moments(after) == [moment + by for moment in moments(before)]
        assert days(after) == [day + timedelta(days=by.days) for day in days(before)]
        assert {name: after[name] for name in UNMOVED} == {name: before[name] for name in UNMOVED}


MOVED = (
    "created_at",
    "trial_ends_at",
    "billing_anchor_at",
    "plan_changed_at",
    "reactivated_at",
    "last_api_request_at",
)
UNMOVED = ("id", "name", "email", "owner_email", "state", "home_geo", "plan", "never_deactivate", "control_planes")


def moments(line: dict) -> list[datetime]:
    values = [*(line[name] for name in MOVED), *(member["last_login_at"] for member in line["members"])]
    return [datetime.fromisoformat(value) for value in values if value is not None]


def days(line: dict) -> list[datetime]:
    return [datetime.fromisoformat(usage["day"]) for usage in line["usage"]]
