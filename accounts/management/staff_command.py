"""What the commands of the lifecycle have in common: an actor, a ticket, and three exit statuses."""

import argparse
import sys
from collections.abc import Callable
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import LifecycleError
from accounts.importing.checks import NOT_STORABLE
from accounts.models import Organization, User

TICKET_LENGTH = 100


def storable(value: str) -> str:
    """An argument that the database can hold; what a shell hands over need not be valid UTF-8."""
    if NOT_STORABLE.search(value):
        raise argparse.ArgumentTypeError("it holds NUL or bytes that are no UTF-8")
    return value.strip()


def text(value: str) -> str:
    """An argument that says something."""
    if not value.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return storable(value)


def ticket(value: str) -> str:
    if len(value.strip()) > TICKET_LENGTH:
        raise argparse.ArgumentTypeError(f"it has over {TICKET_LENGTH} characters")
    return text(value)


class StaffCommand(BaseCommand):
    """An act of the lifecycle by staff. Exit status 0: done; 1: nothing changed, and why; 2: bad arguments."""

    def add_arguments(self, parser):
        parser.add_argument("--actor", required=True, type=text, metavar="EMAIL", help="the member of staff who acts")
        parser.add_argument("--ticket", required=True, type=ticket, help="the ticket that asks for it")

    def handle(self, *args, actor, **options):
        try:
            self.stdout.write(self.act(actor=self.staff(actor), **options))
        except LifecycleError as error:
            self.stderr.write(f"Nothing was changed. {error}")
            sys.exit(1)

    act: Callable[..., str]
    """Do it as `actor` and say in a sentence what was done; LifecycleError where nothing was."""

    def staff(self, email: str) -> User:
        actor = User.objects.of_address(email).filter(is_staff=True, is_active=True).first()
        if actor is None:
            raise CommandError(f"No member of staff has the address {email}.", returncode=2)
        return actor

    def organization(self, id: UUID) -> Organization:
        try:
            return Organization.objects.select_related("owner").get(pk=id)
        except Organization.DoesNotExist:
            raise LifecycleError(f"There is no organization with the id {id}.") from None
