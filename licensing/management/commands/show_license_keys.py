from django.core.management.base import BaseCommand

from licensing.signing import public_keys


class Command(BaseCommand):
    help = "Print the public keys that verify licenses, the current one first, as LICENSE_PUBLIC_KEYS takes them."
    requires_system_checks = []

    def handle(self, **options):
        for key in public_keys().values():
            self.stdout.write(key.public_bytes_raw().hex())
