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

__all__ = [
    "CYCLE",
    "ActivityFacts",
    "CycleOf",
    "CycleStart",
    "FutureFactError",
    "activity_facts",
    "complete_through",
    "cycle_of",
    "cycle_start",
    "last_second_of",
    "record_api_hours",
    "record_api_requests",
    "record_completeness",
    "running_subscriptions",
]
