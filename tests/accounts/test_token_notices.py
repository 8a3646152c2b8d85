"""Mails before a token expires and after it has: each once, a missed night made up."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import Email

from accounts.lifecycle import deactivate_organizations
from accounts.models import AccessToken
from accounts.services.token_notices import tell_of_expiry
from accounts.services.tokens import create_token, revoke_token
from accounts.tasks import tell_of_expiring_tokens
from accounts.words import Reason, Via
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.customers import read

pytestmark = pytest.mark.django_db


def make(organization, days, name="laptop", **holder) -> AccessToken:
    expires_at = timezone.now() + timedelta(days=days)
    return create_token(organization.pk, name=name, expires_at=expires_at, **holder)[0]


def told_at(*days_before: float, token: AccessToken) -> list[str]:
    """The kinds of mail queued by runs so many days before the token expires, in order."""
    for days in days_before:
        tell_of_expiry(at=token.expires_at - timedelta(days=days))
    return list(Mail.objects.order_by("email_id").values_list("kind", flat=True))


def test_a_person_is_told_14_7_and_1_days_before_and_once_it_has_expired(acme, bob):
    hourly = [day + hour / 24 for day in range(20, -3, -1) for hour in range(23, -1, -1)]
    kinds = told_at(*hourly, token=make(acme, 30, user=bob))

    assert kinds == ["token_expires"] * 3 + ["token_expired"]
    assert set(Mail.objects.values_list("person_id", "organization_id")) == {(bob.pk, acme.pk)}


def test_not_a_second_before(acme, bob):
    token = make(acme, 30, user=bob)

    assert told_at(14.0001, token=token) == []
    assert told_at(14, token=token) == ["token_expires"]


def test_missed_nights_are_made_up_by_one_mail_that_says_what_is_true_now(acme, bob):
    token = make(acme, 30, user=bob)

    assert told_at(3, 2, token=token) == ["token_expires"]
    assert told_at(1, -9, -10, token=token) == ["token_expires", "token_expires", "token_expired"]


def test_nobody_is_told_on_the_day_of_making_that_a_short_one_expires_soon(acme, bob):
    token = make(acme, 7, user=bob)

    assert told_at(6.9, token=token) == []
    assert told_at(1, token=token) == ["token_expires"]


def test_of_a_system_accounts_token_the_admins_are_told(acme, alice, bob):
    second = factories.member(acme, None, "Organization Admin")
    closed = factories.member(acme, factories.UserFactory(is_active=False), "Organization Admin")
    token = make(acme, 30, system_account=factories.system_account(acme))
    told_at(14, token=token)

    told = set(Mail.objects.values_list("person_id", flat=True))
    assert told == {alice.pk, second.pk}
    assert closed.pk not in told


def test_of_a_revoked_token_nobody_is_told(acme, bob):
    token = make(acme, 30, user=bob)
    revoke_token(acme.pk, token.pk, actor=bob, via=Via.PAGES)

    assert told_at(14, 7, 1, 0, token=token) == []


def test_of_a_deactivated_organizations_tokens_nobody_is_told(acme, bob, lead):
    """P40"""
    token = make(acme, 30, user=bob)
    deactivate_organizations([acme.pk], reason=Reason.FRAUD, actor=lead, via=Via.ADMIN, ticket="T-1")
    Mail.objects.all().delete()

    assert told_at(14, 7, 1, 0, token=token) == []


def test_the_mail_names_token_organization_and_moment_and_never_the_secret(acme, bob, settings):
    expires_at = timezone.now() + timedelta(days=30)
    token, secret = create_token(acme.pk, name="Bob's laptop", expires_at=expires_at, user=bob)
    told_at(14, token=token)
    mail = read(Email.objects.get())
    everything = f"{mail.subject}{mail.message}{mail.context}"

    assert mail.to == [bob.email]
    assert mail.subject == f"The token Bob's laptop for Acme expires on {expires_at:%-d %b %Y}"
    assert f"{expires_at:%H:%M} UTC" in mail.message
    assert f"{settings.PUBLIC_URL}/account/tokens/" in mail.message
    assert settings.SUPPORT_URL in mail.message
    assert secret not in everything


def test_the_mail_of_a_system_accounts_token_leads_to_its_page(acme):
    robot = factories.system_account(acme, "deployer")
    told_at(0, token=make(acme, 30, system_account=robot))
    mail = read(Email.objects.get())

    assert "has expired" in mail.subject
    assert "a token of the system account deployer" in mail.message
    assert f"/organization/tokens/{robot.pk}/" in mail.message


def test_a_set_takes_as_many_statements_as_one_token(acme, globex, alice, bob, charlie):
    robots = [factories.system_account(acme), factories.system_account(globex)]
    first = make(acme, 30, user=bob)
    make(acme, 30, system_account=robots[0])
    with CaptureQueriesContext(connection) as few:
        tell_of_expiry(at=first.expires_at + timedelta(minutes=1))
    for robot in robots:
        for n in range(20):
            make(robot.organization, 30, f"t{n}", system_account=robot)
    for _ in range(5):
        last = make(globex, 30, user=charlie)
    with CaptureQueriesContext(connection) as many:
        assert tell_of_expiry(at=last.expires_at) == 45

    assert len(many) == len(few)


def test_what_one_set_leaves_the_next_one_takes(acme, bob):
    for n in range(5):
        last = make(acme, 30, f"t{n}", user=bob)

    assert [tell_of_expiry(at=last.expires_at, at_most=2) for _ in range(4)] == [2, 2, 1, 0]
    assert Mail.objects.count() == 5


def test_the_task_tells_whom_to_tell_now(acme, bob):
    make(acme, 30, user=bob)
    AccessToken.objects.update(next_notice_at=timezone.now() - timedelta(hours=1))
    tell_of_expiring_tokens()
    tell_of_expiring_tokens()

    assert Mail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_tell_each_holder_once(acme, bob):
    at = [make(acme, 30, f"t{n}", user=bob) for n in range(10)][-1].expires_at - timedelta(days=14)

    def run(_):
        with closing(connection):
            return tell_of_expiry(at=at)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 10
    assert Mail.objects.count() == 10
