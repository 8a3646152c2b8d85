"""What other floors may ask of billing."""

from billing.services.opening import (
    DayOfUsage,
    NewBillingAccount,
    NewSubscription,
    NewTrialClaim,
    claim_trials,
    keep_daily_usage,
    open_billing_accounts,
    start_subscriptions,
)
from billing.services.stopping import BillingStop, billing_to_stop, end_subscriptions, plans

__all__ = [
    "BillingStop",
    "DayOfUsage",
    "NewBillingAccount",
    "NewSubscription",
    "NewTrialClaim",
    "billing_to_stop",
    "claim_trials",
    "end_subscriptions",
    "keep_daily_usage",
    "open_billing_accounts",
    "plans",
    "start_subscriptions",
]
