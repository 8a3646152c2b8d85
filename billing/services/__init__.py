"""What other floors may ask of billing."""

from billing.services.activity import (
    AHEAD_AT_MOST,
    ActivityFacts,
    FutureFactError,
    activity_facts,
    complete_through,
    last_second_of,
    record_api_hours,
    record_api_requests,
    record_completeness,
    running_subscriptions,
)
from billing.services.cycles import CYCLE, CycleOf, CycleStart, cycle_of, cycle_start
from billing.services.invoices import issued_invoices
from billing.services.late import late_usage, note_told
from billing.services.metering import Batch, OtherContent, forget_batches, record_usage
from billing.services.opening import (
    DayOfUsage,
    NewBillingAccount,
    NewSubscription,
    NewTrialClaim,
    begin_trial,
    claim_trials,
    keep_daily_usage,
    open_billing_accounts,
    start_subscriptions,
)
from billing.services.standing import Standing, sales_contact_of, standing_of
from billing.services.stopping import BillingStop, billing_to_stop, end_subscriptions, plans
from billing.services.watching import expect_usage, geos_behind, trials_ending

__all__ = [
    "AHEAD_AT_MOST",
    "CYCLE",
    "ActivityFacts",
    "Batch",
    "BillingStop",
    "CycleOf",
    "CycleStart",
    "DayOfUsage",
    "FutureFactError",
    "NewBillingAccount",
    "NewSubscription",
    "NewTrialClaim",
    "OtherContent",
    "Standing",
    "activity_facts",
    "begin_trial",
    "billing_to_stop",
    "claim_trials",
    "complete_through",
    "cycle_of",
    "cycle_start",
    "end_subscriptions",
    "expect_usage",
    "forget_batches",
    "geos_behind",
    "issued_invoices",
    "keep_daily_usage",
    "last_second_of",
    "late_usage",
    "note_told",
    "open_billing_accounts",
    "plans",
    "record_api_hours",
    "record_api_requests",
    "record_completeness",
    "record_usage",
    "running_subscriptions",
    "sales_contact_of",
    "standing_of",
    "start_subscriptions",
    "trials_ending",
]
