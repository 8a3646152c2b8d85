from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import demo


class Command(BaseCommand):
    help = "Print the six digits that the demo's staff sign in with now."
    requires_system_checks = []

    def handle(self, *args, **options):
        if not settings.DEMO:
            raise CommandError("There is no demo here; set DEMO=true where there is one.")
        self.stdout.write(demo.totp_code())
