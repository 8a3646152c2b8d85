"""What other floors may ask of billing."""

from billing.services.stopping import BillingStop, billing_to_stop, end_subscriptions, plans

__all__ = ["BillingStop", "billing_to_stop", "end_subscriptions", "plans"]
