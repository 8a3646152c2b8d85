from datetime import datetime
from tempfile import TemporaryFile

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import checks, demo, demo_customers
from accounts.desk.pulse import count_figures
from accounts.importing import import_organizations
from accounts.models import CheckRun, Organization, User
from accounts.words import Tier


class Command(BaseCommand):
    help = "Fill an empty database with the sample and staff to sign in as; tells how to sign in. For `make demo`."

    def handle(self, *args, **options):
        if not settings.DEMO:
            raise CommandError(
                "This fills a database with made-up customers, and staff whose password is printed here. "
                "To have that, set DEMO=true and ask again."
            )
        demo.make_staff()
        if not Organization.objects.exists():
            fill(at=timezone.now().replace(microsecond=0))
            demo.make_notices(at=imported_at())
        if not CheckRun.objects.exists():
            checks.run_check(imported_at())
        count_figures(at=timezone.now())
        for line in demo.sign_ins():
            self.stdout.write(line)


@transaction.atomic
def fill(*, at: datetime) -> None:
    """All of it or nothing, so that a start that was interrupted is made up for by the next."""
    import_sample(at=at)
    lead_email, _name = demo.STAFF[Tier.LEAD]
    lead = User.objects.get(email=lead_email)
    demo_customers.open_customers(password=demo.password(), contract_by=lead.pk, at=at)


def import_sample(*, at: datetime) -> None:
    with TemporaryFile() as file:
        demo.write_shifted_sample(file, at=at)
        file.seek(0)
        for _tally in import_organizations(file, at=at):
            pass


def imported_at() -> datetime:
    """The moment that the sample was shifted to, of which its first question is asked."""
    return Organization.objects.aggregate(at=Max("billing_account__usage_known_until"))["at"]
