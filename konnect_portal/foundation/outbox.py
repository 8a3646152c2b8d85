"""Mails as rows: written in the transaction that gives rise to them, sent afterwards by a worker (P48, P49).

A mail of kind `K` is made of the templates `mail/K.subject.txt`, `mail/K.txt` and `mail/K.html`, the last extending
`mail/base.html`. Each gets the mail's context and besides `support_url`, `public_url` and `subject`. Moments are
datetimes, counts integers; lists hold strings.

A link that is a secret stands in no row: `settings.MAIL_LINK_MAKERS` names for such a kind the function that makes it
at sending (delivery.py); until then `link` is `LINK_PLACEHOLDER`. What each kind is told:

`organization_deactivated`
    organization_name, deactivated_at, reason_sentence (completes "because …"), purge_at (its data is deleted),
    subscription_count, control_plane_count, node_count, zone_count; optional take_down_at (until then its control
    planes can come back), locked_addresses (list)
`inactivity_notice`
    organization_name, announced_at, created_at; optional last_login_at, last_api_request_at
`organization_reactivated`
    organization_name, reactivated_at; optional control_plane_count (came back), gone_control_plane_count
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.template import Context, Engine, Template
from django.utils import timezone
from post_office.models import PRIORITY, STATUS, Email

from konnect_portal.foundation.copying import copy_in, reserved
from konnect_portal.foundation.hints import hint
from konnect_portal.foundation.models import Mail

SUBJECT_LENGTH = 250
LINK_PLACEHOLDER = "[link-made-at-sending]"


@dataclass(frozen=True)
class NewMail:
    """A mail to one address, and what it is about."""

    to: str
    kind: str
    context: dict
    organization_id: UUID | None = None
    event_id: UUID | None = None
    person_id: UUID | None = None


def queue_mails(mails: Iterable[NewMail]) -> None:
    """Write `mails` in the caller's transaction, with as many statements for thousands as for one.

    An address that no server understands breaks nothing: its mail fails when it is to be sent, and says so.
    """
    mails = list(mails)
    if not mails:
        return
    keys = reserved(Email, len(mails))
    copy_in(list(_emails(mails, keys)))
    copy_in(
        [
            Mail(
                email_id=key,
                kind=mail.kind,
                organization_id=mail.organization_id,
                event_id=mail.event_id,
                person_id=mail.person_id,
            )
            for mail, key in zip(mails, keys, strict=True)
        ]
    )
    hint("konnect_portal.foundation.tasks.send_mail")


def withdraw_mails(event_ids: Collection[UUID]) -> None:
    """Take back what these gave rise to and nobody has been sent; a mail that is being sent right now stays."""
    waiting = Email.objects.filter(about__event_id__in=event_ids, status__in=[STATUS.queued, STATUS.requeued])
    unsent = waiting.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    Email.objects.filter(pk__in=list(unsent)).delete()


def _emails(mails: Iterable[NewMail], keys: Iterable[int]) -> Iterator[Email]:
    """Those that follow each other and say the same are written once."""
    key = iter(keys)
    for (kind, context), alike in groupby(mails, key=lambda mail: (mail.kind, mail.context)):
        text = _written(kind, context)
        for mail in alike:
            yield Email(
                pk=next(key),
                from_email=settings.DEFAULT_FROM_EMAIL,
                to=[_one_line(mail.to)],
                **text,
                status=STATUS.queued,
                priority=PRIORITY.medium,
                scheduled_time=timezone.now(),
                message_id=make_msgid(domain=settings.POST_OFFICE["MESSAGE_ID_FQDN"]),
            )


def _written(kind: str, context: dict) -> dict[str, Any]:
    """What a mail's row holds: its subject, and what text and HTML will be made of."""
    context = {name: _one_line(value) if isinstance(value, str) else value for name, value in context.items()}
    if kind in settings.MAIL_LINK_MAKERS:
        context["link"] = LINK_PLACEHOLDER
    context["subject"] = _one_line(_text(f"mail/{kind}.subject.txt", context))[:SUBJECT_LENGTH]
    return {
        "subject": context["subject"],
        "context": {name: _stored(value) for name, value in context.items()},
    }


def text_of(email: Email, kind: str) -> str:
    """The text of a mail of that kind. Text and HTML are made as it is sent: they are most of what a mail costs."""
    return _text(f"mail/{kind}.txt", _context_of(email)).strip() + "\n"


def html_of(email: Email, kind: str) -> str:
    """The HTML of a mail of that kind."""
    return _template(f"mail/{kind}.html").render(Context(_context_of(email) | _everywhere()))


def _context_of(email: Email) -> dict[str, Any]:
    return {name: _restored(value) for name, value in email.context.items()}


def _everywhere() -> dict[str, str]:
    return {"support_url": settings.SUPPORT_URL, "public_url": settings.PUBLIC_URL}


MOMENT = "moment"


def _stored(value: object) -> object:
    return {MOMENT: value.isoformat()} if isinstance(value, datetime) else value


def _restored(value: object) -> object:
    return datetime.fromisoformat(value[MOMENT]) if isinstance(value, dict) else value


def _template(name: str) -> Template:
    return Engine.get_default().get_template(name)


def _text(name: str, context: dict) -> str:
    """Plain text, in which an ampersand stays one."""
    return _template(name).render(Context(context | _everywhere(), autoescape=False))


def _one_line(text: str) -> str:
    """Names and addresses come from people: a line break in one must not begin a header or a paragraph of its own."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in text)
    return " ".join(text.split())
