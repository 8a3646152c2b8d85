"""Which rejected records a later batch mends.

A record mends one fault: it agrees with it in organization, metric and hour as far as these could be read, and where
the hour could not, it began before the moment through which the faulty batch was to be complete. Where not even the
organization could be read, only a batch that brings nothing but mended records is believed, since records of the same
hour come for every organization.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from billing.models import UsageFault
from billing.services.reports import Usage


def mended_by(faults: Iterable[UsageFault], usage: Sequence[Usage]) -> list[UsageFault]:
    """Those of `faults` that `usage` mends; the faults of which most could be read choose first."""
    ordered = sorted(faults, key=_unread)
    left = defaultdict(list)
    for one in usage:
        left[one.organization_id].append(one)
    mends_alone = len(usage) <= len(ordered)
    return [
        fault for fault in ordered if (fault.organization_id is not None or mends_alone) and _take_mended(fault, left)
    ]


def _unread(fault: UsageFault) -> int:
    return (fault.organization_id, fault.metric or None, fault.hour).count(None)


def _take_mended(fault: UsageFault, left: dict[UUID, list[Usage]]) -> bool:
    """Take the record that mends `fault` out of those that are left, if there is one."""
    candidates = left if fault.organization_id is None else [fault.organization_id]
    for organization_id in candidates:
        for one in left.get(organization_id, ()):
            if _agrees(fault, one):
                left[organization_id].remove(one)
                return True
    return False


def _agrees(fault: UsageFault, one: Usage) -> bool:
    if fault.metric and one.metric != fault.metric:
        return False
    return one.hour < fault.before if fault.hour is None else one.hour == fault.hour
