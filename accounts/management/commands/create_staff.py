from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.core.validators import MaxLengthValidator, validate_email

from accounts.errors import LifecycleError
from accounts.models import User
from accounts.staffing import NotStaff, create_staff, welcome_link
from accounts.words import Tier
from konnect_portal.foundation.addresses import normalize_address

ADDRESS_LENGTH = User._meta.get_field("email").max_length


class Command(BaseCommand):
    """Exit status 0: made or moved to another tier; 1: nothing changed; 2: bad arguments."""

    help = "Make a staff account and print the single-use link by which its owner chooses a password."

    def add_arguments(self, parser):
        parser.add_argument("email")
        parser.add_argument("--tier", required=True, choices=Tier.values)

    def handle(self, *args, email, tier, **options):
        try:
            validate_email(normalize_address(email))
            MaxLengthValidator(ADDRESS_LENGTH)(normalize_address(email))
            user, changed = create_staff(email, Tier(tier))
        except ValidationError:
            self.stderr.write(f"{email} is no e-mail address.")
            raise SystemExit(2) from None
        except NotStaff as problem:
            self.stderr.write(str(problem))
            raise SystemExit(2) from None
        except LifecycleError as problem:
            self.stderr.write(f"Nothing changed. {problem}")
            raise SystemExit(1) from None
        if not user.has_usable_password():
            self.stdout.write(f"{user.email} is {tier}. To choose a password, once, within a day:")
            self.stdout.write(welcome_link(user))
        elif changed:
            self.stdout.write(f"{user.email} is now {tier}.")
        else:
            self.stderr.write(f"Nothing changed: {user.email} is {tier} already and has a password.")
            raise SystemExit(1)
