"""Mails reach a server over a real connection, each once, whatever becomes of the others."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from post_office.models import STATUS, Email

from konnect_portal.foundation.delivery import send_due_mails
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import queue_mails
from tests import smtp
from tests.foundation.test_outbox import deactivated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings):
    with smtp.running() as server:
        settings.MAILERS = server.mailers
        yield server


def queue(*addresses: str) -> list[Email]:
    queue_mails(deactivated(address) for address in addresses)
    return list(Email.objects.order_by("pk"))


def shift(email: Email, **ago: float) -> None:
    """Let time pass for this mail."""
    email.refresh_from_db()
    passed = timedelta(**ago)
    Email.objects.filter(pk=email.pk).update(
        created=email.created - passed, scheduled_time=email.scheduled_time - passed
    )
    email.logs.update(date=F("date") - passed)


def told(server: smtp.Server) -> list[str]:
    return [message["To"] for message in server.taken]


def test_a_queued_mail_arrives_and_is_recorded_as_sent(server):
    """P49"""
    [email] = queue("alice@acme.example")

    assert send_due_mails() == 1

    email.refresh_from_db()
    [message] = server.taken
    assert message["Subject"] == "Acme was deactivated on 20 Nov 2026"
    assert message["Message-ID"] == email.message_id
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert email.status == STATUS.sent
    assert [log.status for log in email.logs.all()] == [STATUS.sent]


def test_a_sent_mail_is_not_sent_again(server):
    """P49"""
    queue("alice@acme.example")
    send_due_mails()

    assert send_due_mails() == 0
    assert len(server.taken) == 1


def test_an_address_with_an_international_domain_is_reached(server):
    queue("alice@bücher.example")

    assert send_due_mails() == 1
    assert told(server) == ["alice@xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "address", ["", "no address@", "jürgen@acme.example", "a@acme.example, b@acme.example", '"a,b"@c.example']
)
def test_an_address_no_server_understands_fails_at_once_and_stops_no_other(server, address):
    bad, _ = queue(address, "alice@acme.example")

    assert send_due_mails() == 1

    bad.refresh_from_db()
    assert bad.status == STATUS.failed
    assert bad.logs.get().exception_type == "ValueError"
    assert told(server) == ["alice@acme.example"]


def test_a_mail_that_is_put_off_is_tried_again_after_1_5_15_and_15_minutes(server):
    """P48"""
    [email] = queue("bob@acme.example")
    server.refusals["bob@acme.example"] = "450 later"
    waits = []
    for _ in range(4):
        before = timezone.now()
        assert send_due_mails() == 0
        email.refresh_from_db()
        assert email.status == STATUS.requeued
        waits.append(round((email.scheduled_time - before) / timedelta(minutes=1)))
        shift(email, minutes=waits[-1] + 1)
    server.refusals.clear()

    assert waits == [1, 5, 15, 15]
    assert send_due_mails() == 1
    assert email.logs.count() == 5


def test_a_mail_waiting_for_its_next_try_is_left_alone(server):
    queue("bob@acme.example")
    server.refusals["bob@acme.example"] = "450 later"
    send_due_mails()
    server.refusals.clear()

    assert send_due_mails() == 0


def test_a_mail_put_off_for_three_days_has_failed(server):
    [email] = queue("bob@acme.example")
    server.refusals["bob@acme.example"] = "450 later"
    send_due_mails()
    shift(email, hours=72)

    send_due_mails()

    email.refresh_from_db()
    assert email.status == STATUS.failed
    assert Mail.objects.get().refused_at is None


def test_days_in_which_the_server_was_away_count_against_no_mail(server):
    """P64"""
    [email] = queue("bob@acme.example")
    server.refusals["bob@acme.example"] = "550 no such person"
    shift(email, days=7)

    send_due_mails()

    email.refresh_from_db()
    assert email.status == STATUS.requeued


def test_a_refusal_for_good_is_asked_three_times_in_three_days(server):
    """P64"""
    [email] = queue("bob@acme.example")
    server.refusals["bob@acme.example"] = "550 no such person"
    statuses = []
    for _ in range(3):
        send_due_mails()
        email.refresh_from_db()
        statuses.append(email.status)
        shift(email, hours=24, seconds=1)

    assert statuses == [STATUS.requeued, STATUS.requeued, STATUS.failed]
    assert Mail.objects.get().refused_at is not None
    assert "no such person" in email.logs.first().message


def test_one_refused_mail_stops_no_other(server):
    """P48"""
    queue("bob@acme.example", "alice@acme.example")
    server.refusals["bob@acme.example"] = "550 no such person"

    assert send_due_mails() == 1
    assert told(server) == ["alice@acme.example"]


def test_a_server_that_hangs_up_before_its_yes_is_asked_again_with_the_same_id(server):
    """P49"""
    [email] = queue("alice@acme.example")
    server.after_data = lambda: False
    send_due_mails()
    shift(email, minutes=2)
    server.after_data = lambda: True

    assert send_due_mails() == 1
    assert [message["Message-ID"] for message in server.taken] == [email.message_id] * 2


def test_a_server_that_is_away_counts_against_no_mail(server, settings):
    """P48"""
    [email] = queue("alice@acme.example")
    away = smtp.Server()
    settings.MAILERS = away.mailers
    away.server_close()

    assert send_due_mails() == 0
    email.refresh_from_db()
    assert (email.status, email.number_of_retries) == (STATUS.queued, None)

    settings.MAILERS = server.mailers
    assert send_due_mails() == 1


def test_two_workers_at_once_send_each_mail_once(server):
    """P49"""
    addresses = [f"person{n}@acme.example" for n in range(20)]
    queue(*addresses)
    start = Barrier(3)

    def work():
        start.wait()
        send_due_mails()
        connection.close()

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(told(server)) == sorted(addresses)


def test_a_worker_killed_while_the_server_thinks_loses_no_mail(server):
    """P49: sent again with the same Message-ID, and at once, since nothing has to run out first."""
    [email] = queue("alice@acme.example")
    host, port = server.server_address[:2]
    database = connection.settings_dict
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(**database)],
        env=os.environ | {"EMAIL_URL": f"smtp://{host}:{port}", "DJANGO_SETTINGS_MODULE": "konnect_portal.settings"},
    )
    server.after_data = worker.kill
    assert worker.wait(timeout=30) == -signal.SIGKILL
    server.after_data = lambda: True

    assert send_due_mails() == 1
    assert [message["Message-ID"] for message in server.taken] == [email.message_id] * 2


WORKER = """
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = "{NAME}"
django.setup()
from konnect_portal.foundation.tasks import send_mail
send_mail()
"""
