"""The list of a bulk deactivation (P74): which organizations are meant, and why some of them are left as they are."""

import hashlib
import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import BulkDeactivation, BulkEntry, Organization, User
from accounts.rights import check_permission
from accounts.services.contracts import needing_second_lead
from accounts.words import State
from billing.models import Plan
from billing.services import plans

RIGHT = "accounts.deactivate_in_bulk"
MOST = 20_000
"""Ids and lines that a list may have."""

KEPT = timedelta(days=7)
SHOWN_OF_A_LINE = 100
ID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])", re.IGNORECASE)

UNKNOWN = "No organization has this id"
NAMED_BEFORE = "Named before"
NEEDS_SECOND = "It was on Enterprise until lately, which takes a second lead"
NO_ID = "There is no id in this line"
LEFT_BY_STATE = {
    State.INACTIVE: "It is deactivated already",
    State.DELETING: "It is being deleted",
    State.DELETED: "It was deleted",
}


class Named(NamedTuple):
    """What a list names in a line; `id` is None where the line has none."""

    line: int
    said: str
    id: UUID | None


def read_ids(text: str) -> list[Named]:
    """Every id in the text, whatever stands around it; a line that has words and no id is told too."""
    found: list[Named] = []
    for number, line in enumerate(text.splitlines(), 1):
        ids = ID.findall(line)
        found += [Named(number, id, UUID(id)) for id in ids]
        if line.strip() and not ids:
            found.append(Named(number, line.strip()[:SHOWN_OF_A_LINE], None))
    return found


@transaction.atomic
def make_list(named: Collection[Named], *, actor: User) -> BulkDeactivation:
    """Keep a list with a verdict on each line, for a lead to read. Nothing is deactivated by it.

    Raises LifecycleError where no id is named or too much is, or the actor may not.
    """
    check_permission(actor, RIGHT)
    if len(named) > MOST:
        raise LifecycleError(f"This is too long: a list has {MOST:,} ids or lines at most. Please make several lists.")
    ids = {each.id for each in named if each.id}
    if not ids:
        raise LifecycleError("There is no id of an organization in it. Nothing was kept.")
    reasons = why_not(ids)
    bulk = BulkDeactivation.objects.create(made_by_id=actor.pk, size=len(ids - reasons.keys()))
    BulkEntry.objects.bulk_create(_entries(bulk, named, reasons))
    return bulk


def _entries(bulk: BulkDeactivation, named: Iterable[Named], reasons: dict[UUID, str]) -> Iterable[BulkEntry]:
    seen: set[UUID] = set()
    for line, said, id in named:
        why = NO_ID if id is None else NAMED_BEFORE if id in seen else reasons.get(id, "")
        meant = id if id and why not in (NAMED_BEFORE, UNKNOWN) else None
        yield BulkEntry(bulk=bulk, line=line, said=said, organization_id=meant, result=_verdict(why), why=why)
        seen |= {id} if id else set()


def why_not(ids: Collection[UUID]) -> dict[UUID, str]:
    """Why each of these is left as it is; whoever may go is missing. Only active organizations on Free go (P74)."""
    now = timezone.now()
    states = dict(Organization.objects.filter(pk__in=ids).values_list("pk", "state"))
    active = [id for id, state in states.items() if state == State.ACTIVE]
    paying = {id: plan for id, plan in plans(active, at=now).items() if plan != Plan.FREE}
    return {
        **{id: UNKNOWN for id in ids if id not in states},
        **{id: LEFT_BY_STATE[State(state)] for id, state in states.items() if state != State.ACTIVE},
        **dict.fromkeys(needing_second_lead(active, at=now), NEEDS_SECOND),
        **{id: f"It is on {plan.label}" for id, plan in paying.items()},
    }


def may_go(organizations: Collection[Organization]) -> set[UUID]:
    ids = {organization.pk for organization in organizations}
    return ids - why_not(ids).keys()


@transaction.atomic
def review(bulk: BulkDeactivation) -> None:
    """Ask about each organization again while nobody has confirmed the list."""
    if not BulkDeactivation.objects.filter(pk=bulk.pk, confirmed_at=None).select_for_update(no_key=True).exists():
        return
    entries = {entry.organization_id: entry for entry in bulk.entries.all() if entry.organization_id}
    reasons = why_not(entries)
    changed = {id: entry for id, entry in entries.items() if entry.why != reasons.get(id, "")}
    for id, entry in changed.items():
        entry.why = reasons.get(id, "")
        entry.result = _verdict(entry.why)
    BulkEntry.objects.bulk_update(changed.values(), ["why", "result"], batch_size=1000)
    BulkDeactivation.objects.filter(pk=bulk.pk).update(size=len(entries.keys() - reasons.keys()))


def forget_reports(*, at: datetime) -> None:
    """Forget lists that nobody has confirmed for a week."""
    BulkDeactivation.objects.filter(confirmed_at=None, made_at__lt=at - KEPT).delete()


def list_digest(bulk: BulkDeactivation) -> str:
    """The digest of who will go, for the form to carry (habit 4)."""
    ids = waiting_in(bulk).order_by("organization").values_list("organization", flat=True)
    return hashlib.sha256("".join(str(id) for id in ids).encode()).hexdigest()


def waiting_in(bulk: BulkDeactivation):
    """The entries whose organization is to go, or still to go."""
    return bulk.entries.filter(result=BulkEntry.Result.WAITING)


def _verdict(why: str) -> BulkEntry.Result:
    return BulkEntry.Result.LEFT if why else BulkEntry.Result.WAITING
