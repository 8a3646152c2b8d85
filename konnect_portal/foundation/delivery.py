"""Sending what the outbox holds, one mail at a time and never twice but where a process dies (P48, P49).

A mail's row stays locked while the server is asked, and the answer is recorded under the same lock: no lease that can
run out while a slow server still thinks, and no wait for others, who skip it. A process that dies lets go at once;
where it died between the server's yes and the record, the mail goes out again with the same Message-ID.

A server that cannot be reached says nothing about a mail: the run ends, nothing is counted, and the next one tries
again. A server that refuses a mail puts it off, at first by a minute; a refusal for good is asked again the next day
and the day after. What is refused for three days, counted from the first refusal, has failed.
"""

import smtplib
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.core.mail import EmailAlternative, EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.html import escape
from django.utils.module_loading import import_string
from post_office.models import STATUS, Email, Log

from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import LINK_PLACEHOLDER, html_of, text_of

logger = structlog.get_logger(__name__)

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
WAIT_AFTER_REFUSAL_FOR_GOOD = timedelta(hours=24)
GIVE_UP_AFTER = timedelta(hours=72)
RUN_SECONDS = 60


def send_due_mails() -> int:
    """Send what is due, for a minute at most. Returns how many the server took."""
    sent, until = 0, monotonic() + RUN_SECONDS
    while monotonic() < until:
        try:
            status = _send_one()
        except ServerAway as error:
            logger.warning("mail server away", error=str(error))
            break
        if status is None:
            break
        sent += status == STATUS.sent
    return sent


class ServerAway(Exception):
    """The mail server cannot be reached, or does not let us in."""


@transaction.atomic
def _send_one() -> int | None:
    """Send the first mail that is due and that nobody else is sending. Returns its new status, None without one."""
    email = _due(timezone.now()).select_for_update(skip_locked=True).order_by("scheduled_time", "pk").first()
    if email is None:
        return None
    mailer = _connect()
    try:
        _hand_over(email, mailer)
    except Exception as error:
        return _put_off(email, error)
    finally:
        with suppress(OSError):
            mailer.close()
    return _record(email, STATUS.sent)


def _due(at: datetime):
    return Email.objects.filter(
        Q(scheduled_time__isnull=True) | Q(scheduled_time__lte=at), status__in=[STATUS.queued, STATUS.requeued]
    )


def _connect() -> BaseEmailBackend:
    mailer = mailers.default
    try:
        mailer.open()
    except OSError as error:
        raise ServerAway(error) from error
    return mailer


def _hand_over(email: Email, mailer: BaseEmailBackend) -> None:
    about = Mail.objects.get(email=email)
    email.message, email.html_message = text_of(email, about.kind), html_of(email, about.kind)
    message = email.email_message()
    if len(message.recipients()) != 1:
        raise ValueError(f"Not one address: {email.to}")
    if about.kind in settings.MAIL_LINK_MAKERS:
        _insert_link(about, message)
    mailer.send_messages([message])


def _insert_link(about: Mail, message: EmailMultiAlternatives) -> None:
    """Make the link that is a secret, for this sending alone. ValueError where what it was for is gone."""
    link = import_string(settings.MAIL_LINK_MAKERS[about.kind])(about)
    if link is None:
        raise ValueError("What the link was for is gone")
    message.body = message.body.replace(LINK_PLACEHOLDER, link)
    message.alternatives = [
        EmailAlternative(str(content).replace(LINK_PLACEHOLDER, escape(link)), mimetype)
        for content, mimetype in message.alternatives
    ]


def _put_off(email: Email, error: Exception) -> int:
    """Try again later, or give up: at once where no server would understand the mail."""
    at, tries = timezone.now(), email.number_of_retries or 0
    logger.warning("mail not taken", email=email.pk, tries=tries + 1, error=str(error))
    next_try = at + _wait(error, tries)
    if isinstance(error, ValueError) or next_try >= _first_refused_at(email, at) + GIVE_UP_AFTER:
        if _is_for_good(error):
            Mail.objects.filter(email=email).update(refused_at=at)
        return _record(email, STATUS.failed, error, number_of_retries=tries)
    return _record(email, STATUS.requeued, error, number_of_retries=tries + 1, scheduled_time=next_try)


def _first_refused_at(email: Email, at: datetime) -> datetime:
    """The days in which the server was away count against no mail."""
    return email.logs.aggregate(first=Min("date"))["first"] or at


def _wait(error: Exception, tries: int) -> timedelta:
    if _is_for_good(error):
        return WAIT_AFTER_REFUSAL_FOR_GOOD
    return WAITS[min(tries, len(WAITS) - 1)]


def _is_for_good(error: Exception) -> bool:
    """The mail will be taken by nobody: a server has said so, or none would understand it."""
    match error:
        case ValueError():
            return True
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            return all(code >= 500 for code, _ in refused.values())
        case smtplib.SMTPResponseException(smtp_code=code):
            return code >= 500
    return False


def _record(email: Email, status: int, error: Exception | None = None, **changes) -> int:
    """Write the outcome and what the server said; the library's own `save` would judge the address once more."""
    Email.objects.filter(pk=email.pk).update(status=status, last_updated=timezone.now(), **changes)
    Log.objects.create(
        email=email,
        status=STATUS.failed if error else STATUS.sent,
        exception_type=type(error).__name__ if error else "",
        message=str(error or ""),
    )
    return status
