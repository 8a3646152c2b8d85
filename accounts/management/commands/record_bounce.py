import sys
from collections.abc import Iterator
from email import message_from_binary_file, message_from_string
from email.message import EmailMessage
from email.policy import default

from django.core.management.base import BaseCommand, CommandError

from accounts.notices import record_bounce


class Command(BaseCommand):
    help = "Take down that a mail came back: reads the delivery report (RFC 3464) from standard input."

    def handle(self, **options):
        report = message_from_binary_file(sys.stdin.buffer, policy=default)
        if not is_failure(report):
            raise CommandError("Nothing was recorded: this is no report of a mail that could not be delivered.")
        recorded = [id for id in returned_message_ids(report) if record_bounce(id)]
        if not recorded:
            raise CommandError("Nothing was recorded: the mail that came back is none of the last 30 days.")
        self.stdout.write(f"Recorded that {recorded[0]} came back.")


def is_failure(report: EmailMessage) -> bool:
    """A delay is no failure yet."""
    return any(
        block.get("Action", "").strip().lower() == "failed"
        for part in report.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in part.iter_parts()
    )


def returned_message_ids(report: EmailMessage) -> Iterator[str]:
    """Of the mail that the report returns, whole or its headers alone."""
    for part in report.walk():
        if part.get_content_type() == "message/rfc822":
            yield from part.get_content().get_all("Message-ID", [])
        elif part.get_content_type() == "text/rfc822-headers":
            headers = message_from_string(part.get_content(), policy=default)
            yield from headers.get_all("Message-ID", [])
