import argparse
from datetime import timedelta
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.management.staff_command import text
from accounts.models import Organization, SystemAccount, User
from accounts.services.tokens import LONGEST, SHORTEST, TokenError, create_token


def days(value: str) -> int:
    if not SHORTEST.days <= int(value) <= LONGEST.days:
        raise argparse.ArgumentTypeError(f"it is not between {SHORTEST.days} and {LONGEST.days}")
    return int(value)


class Command(BaseCommand):
    help = "Make an access token and print it, once. Exit status 0: made, 1: not made and why, 2: bad arguments."

    def add_arguments(self, parser):
        parser.add_argument("--organization", type=UUID, required=True, metavar="ID")
        holder = parser.add_mutually_exclusive_group(required=True)
        holder.add_argument("--user", type=text, metavar="EMAIL", help="a member: a personal token")
        holder.add_argument(
            "--system-account", type=text, metavar="NAME", help="one of the organization's system accounts"
        )
        parser.add_argument("--name", default="command line")
        parser.add_argument("--days", type=days, default=90, help="how long it is valid: 1 to 365, 90 unless given")

    def handle(self, *args, **options):
        try:
            _, raw = create_token(
                options["organization"],
                name=options["name"],
                expires_at=timezone.now() + timedelta(days=options["days"]),
                **self.holder(**options),
            )
        except TokenError as error:
            raise CommandError(str(error), returncode=1) from error
        except Organization.DoesNotExist:
            raise CommandError("There is no active organization with this id.", returncode=1) from None
        self.stdout.write(raw)

    def holder(self, organization, user, system_account, **options):
        try:
            if user is not None:
                return {"user": User.objects.get_by_natural_key(user)}
            return {"system_account": SystemAccount.objects.get(organization=organization, name=system_account)}
        except (User.DoesNotExist, SystemAccount.DoesNotExist):
            raise CommandError(f"There is no {user or system_account} here.", returncode=1) from None
