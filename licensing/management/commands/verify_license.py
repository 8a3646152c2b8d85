from argparse import ArgumentTypeError
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.signing import NotValid, verify


def content_of(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as problem:
        raise ArgumentTypeError(f"{path} cannot be read: {problem}") from None


class Command(BaseCommand):
    help = (
        "Say whether a license.json is valid, for what and until when (P21). Offline: it asks no database and needs "
        "public keys only. Exit status 0: valid; 1: not valid, and why; 2: bad arguments."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("document", type=content_of, metavar="FILE")

    def handle(self, *, document, **options):
        try:
            terms = verify(document, at=timezone.now())
        except NotValid as why:
            raise CommandError(f"Not valid. {why}") from None
        self.stdout.write(
            f"Valid: {terms.product} for customer {terms.customer}, until {terms.expires_on:%d %b %Y}, 00:00 UTC."
        )
