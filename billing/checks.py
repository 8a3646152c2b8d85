"""What is wrong with the settings of the payment provider, told by `manage.py check`."""

from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Error


def check_payment_provider(**kwargs) -> list[CheckMessage]:
    if settings.PAYMENT_PROVIDER == "stripe" and not settings.STRIPE_SECRET_KEY:
        return [Error("PAYMENT_PROVIDER is stripe, and STRIPE_SECRET_KEY is empty.", id="billing.E001")]
    return []


def check_money_moves(**kwargs) -> list[CheckMessage]:
    """Asked with `--deploy` only."""
    if settings.PAYMENT_PROVIDER == "embedded":
        told = "PAYMENT_PROVIDER is embedded: invoices count as paid, and no money moves."
        return [CheckMessage(WARNING, told, id="billing.W001")]
    return []
