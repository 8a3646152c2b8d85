import json

from django.core.management.base import BaseCommand, CommandError

from billing.models import ProviderMismatch
from billing.provider import ProviderError
from billing.services.reconciling import reconcile


class Command(BaseCommand):
    help = "List every subscription that lives here or at the payment provider only."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, **options):
        try:
            found = reconcile()
        except ProviderError as error:
            raise CommandError(f"Nothing was compared and nothing changed: {error}") from error
        listed = ProviderMismatch.objects.filter(resolved_at=None)
        if options["json"]:
            self.stdout.write(json.dumps({**found._asdict(), "listed": [_row(row) for row in listed]}))
            return
        for row in listed:
            self.stdout.write(f"{row.get_side_display()}: {row.reference}, since {row.found_at:%d %b %Y, %H:%M} UTC")
        self.stdout.write(f"{found.open} on one side only, {found.found} of them new; {found.resolved} resolved.")


def _row(row: ProviderMismatch) -> dict[str, str | None]:
    return {
        "side": row.side,
        "reference": row.reference,
        "organization_id": str(row.organization_id) if row.organization_id else None,
        "found_at": row.found_at.isoformat(),
    }
