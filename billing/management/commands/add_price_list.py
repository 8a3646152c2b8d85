import argparse
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from billing.models import Metric, Plan, PriceList, Subscription
from billing.services.explaining import price_of
from billing.services.price_files import read_tiers
from billing.services.prices import PriceListError, add_price_list
from konnect_portal.foundation.moments import absolute


def text_of(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, ValueError) as problem:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {problem}") from None


def moment(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
        at = given.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no moment such as 2027-01-01T00:00:00Z") from None
    if given.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone; for UTC, write it with Z at the end")
    return at


class Command(BaseCommand):
    """Exit status 0: added; 1: nothing changed, and why; 2: bad arguments or a bad list."""

    help = "Add a version of the price list, for cycles that begin at a moment or later; older ones stay (P30)."

    def add_arguments(self, parser):
        parser.add_argument("text", type=text_of, metavar="FILE", help="the tiers of each metric, in TOML or JSON")
        parser.add_argument("--valid-from", type=moment, required=True, metavar="MOMENT")
        parser.add_argument(
            "--subscription", type=UUID, metavar="ID", help="agreed in this Enterprise contract, for it alone"
        )

    def handle(self, *, text, valid_from, subscription, **options):
        self._check(valid_from, subscription)
        try:
            made = add_price_list(read_tiers(text), valid_from=valid_from, subscription_id=subscription)
        except PriceListError as error:
            raise CommandError(f"The price list cannot be used. {error}", returncode=2) from None
        except IntegrityError:
            raise CommandError(f"Nothing changed: there is a price list from {absolute(valid_from)} on.") from None
        self._tell(made)

    def _check(self, valid_from, subscription) -> None:
        contracts = Subscription.objects.filter(plan=Plan.ENTERPRISE)
        if subscription and not contracts.filter(pk=subscription).exists():
            raise CommandError(f"{subscription} is no Enterprise subscription.", returncode=2)
        if not subscription and valid_from < timezone.now():
            raise CommandError(
                "Everybody's prices can begin in the future only: cycles that have begun keep theirs.", returncode=2
            )

    def _tell(self, made: PriceList) -> None:
        self.stdout.write(f"Added. For cycles that begin on {absolute(made.valid_from)} or later:")
        for price in made.prices.all():
            above = f" above {price.above:,}" if price.above else ""
            words = price_of(price.metric, per=price.per, cents=price.cents)
            self.stdout.write(f"  {Metric(price.metric).label}{above}: {words}")
