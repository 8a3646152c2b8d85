import sys
from collections.abc import Iterator
from email import message_from_binary_file, message_from_bytes
from email.message import Message
from typing import cast

from django.core.management.base import BaseCommand, CommandError

from accounts.notices import record_bounce


class Command(BaseCommand):
    help = "Take down that a mail came back: reads the delivery report (RFC 3464) from standard input."

    def handle(self, **options):
        report = message_from_binary_file(sys.stdin.buffer)  # takes every header as it stands, however wrong it is
        if not is_failure(report):
            raise CommandError("Nothing was recorded: this is no report of a mail that could not be delivered.")
        recorded = [id for id in returned_message_ids(report) if record_bounce(id)]
        if not recorded:
            raise CommandError("Nothing was recorded: the mail that came back is none of the last 30 days.")
        self.stdout.write(f"Recorded that {recorded[0]} came back.")


def is_failure(report: Message) -> bool:
    """A delay is no failure yet."""
    return any(
        str(block.get("Action", "")).strip().lower() == "failed"
        for part in report.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in _inside(part)
    )


def returned_message_ids(report: Message) -> Iterator[str]:
    """Of the mail that the report returns, whole or its headers alone."""
    for part in report.walk():
        if part.get_content_type() == "message/rfc822":
            returned = _inside(part)
        elif part.get_content_type() == "text/rfc822-headers":
            returned = [message_from_bytes(cast(bytes, part.get_payload(decode=True)))]
        else:
            continue
        for each in returned:
            yield from (str(id).replace("\0", "").strip() for id in each.get_all("Message-ID", []))


def _inside(part: Message) -> list[Message]:
    return cast(list[Message], part.get_payload()) if part.is_multipart() else []
