"""`manage.py record_bounce`: a mail that came back is accepted by nobody any more (P64)."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organization
from konnect_portal.foundation.models import Mail
from tests import factories
from tests.notices import DAY, HOUR, START, an_hour, clock, live, server

pytestmark = pytest.mark.usefixtures("clock", "server")

__all__ = ["clock", "server"]

REPORT = """\
From: MAILER-DAEMON@mx.example
To: no-reply@localhost
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; alice@acme.example
Action: {action}
Status: 5.1.1

--b
Content-Type: {returned}

Message-ID: {message_id}
Subject: Acme will be deactivated on 15 Mar 2031


--b--
"""


@pytest.fixture
def told(clock, alice):
    """Owner and contact have been sent the first notice."""
    organization = factories.organization(
        "Acme", owner=alice, created_at=START - 16 * DAY, contact_email="billing@acme.example"
    )
    an_hour()
    return organization


def bounce(monkeypatch, message_id, action="failed", returned="text/rfc822-headers"):
    report = REPORT.format(action=action, returned=returned, message_id=message_id)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(report.encode())))
    said = io.StringIO()
    call_command("record_bounce", stdout=said)
    return said.getvalue()


def id_to(address):
    return next(mail.email.message_id for mail in Mail.objects.order_by("email") if mail.email.to == [address])


def first(organization):
    return live(organization)[14]


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce_leaves_the_acceptance_to_whoever_else_took_it(clock, told, monkeypatch, returned):
    clock.shift(HOUR)
    said = bounce(monkeypatch, id_to("alice@acme.example"), returned=returned)

    assert "came back" in said
    assert first(told).accepted_at == START


def test_bounces_of_all_void_the_acceptance_and_nobody_can_be_told(clock, told, monkeypatch):
    clock.shift(2 * DAY)
    bounce(monkeypatch, id_to("alice@acme.example"))
    clock.shift(DAY)
    bounce(monkeypatch, id_to("billing@acme.example"))
    clock.shift(DAY)
    bounce(monkeypatch, id_to("billing@acme.example"))

    assert first(told).accepted_at is None
    assert first(told).undeliverable_at == START + 3 * DAY
    assert first(told).announced_at == START + 17 * DAY


def test_notices_that_said_another_moment_start_again(clock, told, monkeypatch):
    clock.move_to(START + 8 * DAY)
    an_hour()
    for address in ("alice@acme.example", "billing@acme.example"):
        bounce(monkeypatch, id_to(address))
    an_hour()

    assert list(live(told)) == [14]
    assert first(told).announced_at == START + 22 * DAY
    clock.move_to(START + 15 * DAY)
    an_hour()
    assert {notice.announced_at for notice in live(told).values()} == {START + 22 * DAY}
    assert Organization.objects.active().get().pk == told.pk


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"action": "delayed"}, "no report of a mail that could not be delivered"),
        ({"message_id": "<other@mx.example>"}, "none of the last 30 days"),
    ],
    ids=["a delay", "a mail of somebody else"],
)
def test_what_is_no_bounce_of_ours_changes_nothing(told, monkeypatch, wrong, says):
    with pytest.raises(CommandError, match=says):
        bounce(monkeypatch, **{"message_id": id_to("alice@acme.example")} | wrong)

    assert not Mail.objects.filter(bounced_at__isnull=False).exists()


def test_mails_of_more_than_30_days_ago_are_not_looked_for(clock, told, monkeypatch):
    id = id_to("alice@acme.example")
    clock.shift(30 * DAY)

    with pytest.raises(CommandError, match="last 30 days"):
        bounce(monkeypatch, id)


def test_what_is_no_mail_at_all_changes_nothing(told, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\x00 nonsense")))

    with pytest.raises(CommandError, match="no report"):
        call_command("record_bounce")
    assert not Mail.objects.filter(bounced_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("message_id", "returned"),
    [
        ("<<@>", "text/rfc822-headers"),
        ("\0", "message/rfc822"),
        ("<a@b>", "text/rfc822-headers; charset=klingon"),
        ("<\xe4@b>", "message/rfc822"),
    ],
    ids=["no id", "nothing", "unknown charset", "not ASCII"],
)
@pytest.mark.usefixtures("told")
def test_a_report_with_nonsense_in_it_is_refused_in_words(monkeypatch, message_id, returned):
    with pytest.raises(CommandError, match="none of the last 30 days"):
        bounce(monkeypatch, message_id, returned=returned)
