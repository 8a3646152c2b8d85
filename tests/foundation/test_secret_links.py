"""A link that is a secret is made when the mail is sent and stands in no row (P48)."""

import pytest
from django.core import mail as outgoing
from django.db import connection
from post_office.models import STATUS, Email

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
