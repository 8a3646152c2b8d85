"""A link that is a secret is made when the mail is sent and stands in no row (P48)."""

import json
import logging
import sys

import pytest
from django.core import mail as outgoing
from django.db import connection
from post_office.models import STATUS, Email
from structlog.stdlib import ProcessorFormatter

from accounts.services.resets import request_password_reset
from konnect_portal.foundation.delivery import send_due_mails
from tests.customers import with_password

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _locmem(settings):
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


def rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(e)::text FROM post_office_email e")
        return str(cursor.fetchall())


def test_it_stands_in_text_and_html_of_what_is_sent_and_in_no_row(client, alice):
    with_password(alice)
    request_password_reset(alice.email)
    assert "/password/reset/" not in rows()

    send_due_mails()

    [sent] = outgoing.outbox
    [link] = [word for word in sent.body.split() if "/password/reset/" in word]
    assert link in sent.alternatives[0].content
    assert "/password/reset/" not in rows()
    assert client.get(link.removeprefix("http://127.0.0.1:8000")).status_code == 302


def test_where_what_it_was_for_is_gone_the_mail_fails_and_says_so(alice):
    request_password_reset(alice.email)
    alice.is_active = False
    alice.save()

    send_due_mails()

    assert outgoing.outbox == []
    email = Email.objects.get()
    assert email.status == STATUS.failed
    assert "gone" in email.logs.get().message


@pytest.mark.parametrize(
    "path",
    [
        "/signup/s3cret/",
        "/password/reset/abc/s3cret/",
        "/account/address/s3cret/",
        "/organization/settings/contact/s3cret/",
        "/join/s3cret/",
        "/login/?next=/join/s3cret/",
        "/account/recovery/prove/s3cret/",
        "/account/recovery/stop/s3cret/",
    ],
)
def test_no_line_of_the_log_tells_a_link_whoever_writes_it(path):
    """P48: Django itself logs the path of what it refuses, such as a form that has been open for too long."""
    record = logging.LogRecord(
        "django.request", logging.ERROR, "", 0, "Forbidden (%s): %s", ("CSRF", path), raised(path)
    )

    line = formatter().format(record)

    assert "s3cret" not in line
    assert "Forbidden (CSRF): /" in line


def test_a_failure_is_logged_with_its_traceback():
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "Failed", (), raised("this went wrong"))

    entry = json.loads(formatter().format(record))

    assert entry["level"] == "error"
    assert "Traceback" in entry["exception"]
    assert "this went wrong" in entry["exception"]


def formatter() -> ProcessorFormatter:
    """What the root's own handler writes with."""
    [ours] = [handler.formatter for handler in logging.root.handlers if type(handler) is logging.StreamHandler]
    return ours


def raised(text):
    try:
        raise ValueError(text)
    except ValueError:
        return sys.exc_info()
