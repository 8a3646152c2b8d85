"""What other floors may ask of billing."""

from billing.services.activity import (
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
from billing.services.stopping import BillingStop, billing_to_stop, end_subscriptions, plans

__all__ = [
    "CYCLE",
    "ActivityFacts",
    "BillingStop",
    "CycleOf",
    "CycleStart",
    "FutureFactError",
    "activity_facts",
    "billing_to_stop",
    "complete_through",
    "cycle_of",
    "cycle_start",
    "end_subscriptions",
    "last_second_of",
    "plans",
    "record_api_hours",
    "record_api_requests",
    "record_completeness",
    "running_subscriptions",
]
