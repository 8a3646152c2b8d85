"""What other floors may ask of billing."""

from billing.services.activity import (
    AHEAD_AT_MOST,
    ActivityFacts,
    FutureFactError,
    activity_facts,
    complete_through,
    expect_usage,
    last_second_of,
    record_api_hours,
    record_api_requests,
    record_completeness,
    running_subscriptions,
)
from billing.services.closing import close_cycles
from billing.services.contracts import (
    Contract,
    Tiers,
    agreed_prices,
    begin_contract,
    change_contract,
    contract_of,
    end_contract,
)
from billing.services.costs import Costs, costs_so_far
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
from billing.services.plan_facts import payment_need
from billing.services.plans import PlanRefused, running_subscription
from billing.services.price_words import UNITS as PRICE_UNITS
from billing.services.prices import PriceListError, Tier
from billing.services.standing import Standing, sales_contact_of, standing_of
from billing.services.stopping import BillingStop, billing_to_stop, end_subscriptions, plans
from billing.services.telling import BILLING_TOLD
from billing.services.usage_page import NoSuchUsage, UsagePage, usage_page

__all__ = [
    "AHEAD_AT_MOST",
    "BILLING_TOLD",
    "CYCLE",
    "PRICE_UNITS",
    "ActivityFacts",
    "Batch",
    "BillingStop",
    "Contract",
    "Costs",
    "CycleOf",
    "CycleStart",
    "DayOfUsage",
    "FutureFactError",
    "NewBillingAccount",
    "NewSubscription",
    "NewTrialClaim",
    "NoSuchUsage",
    "OtherContent",
    "PlanRefused",
    "PriceListError",
    "Standing",
    "Tier",
    "Tiers",
    "UsagePage",
    "activity_facts",
    "agreed_prices",
    "begin_contract",
    "begin_trial",
    "billing_to_stop",
    "change_contract",
    "claim_trials",
    "close_cycles",
    "complete_through",
    "contract_of",
    "costs_so_far",
    "cycle_of",
    "cycle_start",
    "end_contract",
    "end_subscriptions",
    "expect_usage",
    "forget_batches",
    "issued_invoices",
    "keep_daily_usage",
    "last_second_of",
    "late_usage",
    "note_told",
    "open_billing_accounts",
    "payment_need",
    "plans",
    "record_api_hours",
    "record_api_requests",
    "record_completeness",
    "record_usage",
    "running_subscription",
    "running_subscriptions",
    "sales_contact_of",
    "standing_of",
    "start_subscriptions",
    "usage_page",
]
