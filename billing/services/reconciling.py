"""Both sides compared: every subscription that lives here or at the provider only is listed (P41)."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.models import Plan, ProviderMismatch, ProviderSubscription, Subscription
from billing.provider import LiveSubscription, provider

Side = ProviderMismatch.Side


class OneSided(NamedTuple):
    """A subscription that lives on one side only: ours by its id, the provider's by its reference."""

    side: str
    reference: str
    organization_id: UUID | None


class Reconciled(NamedTuple):
    """How many are listed now, and how many of them were not before; how many of the listed ones are gone."""

    open: int
    found: int
    resolved: int


def reconcile() -> Reconciled:
    """Ask the provider for all it has, then compare. A provider that fails in the middle changes nothing.

    What was started or ended while it answered counts as on both sides. Raises ProviderError.
    """
    began = timezone.now()
    there = list(provider().live_subscriptions())
    return _list_mismatches({*_only_there(there, began), *_only_here(there, began)}, at=timezone.now())


def _only_there(there: list[LiveSubscription], began: datetime) -> Iterator[OneSided]:
    """Those that nothing here wants, and a second one for the same of ours."""
    wanted = _wanted(began)
    known = dict(wanted.values_list("subscription_id", "reference"))
    for live in there:
        if known.get(live.subscription_id, "another") not in ("", live.reference):
            yield OneSided(Side.PROVIDER, live.reference, live.organization_id)


def _only_here(there: list[LiveSubscription], began: datetime) -> Iterator[OneSided]:
    """Those that were started there and are gone, and those of which the provider was never told."""
    references = {live.reference for live in there}
    started = _wanted(began).filter(started_at__lt=began).select_related("subscription")
    for mirror in started.iterator():
        if mirror.reference not in references:
            yield OneSided(Side.HERE, str(mirror.subscription_id), mirror.subscription.organization_id)
    paid = Subscription.objects.unended(began).filter(plan=Plan.PLUS, is_trial=False, at_provider=None)
    for id, organization_id in paid.filter(created_at__lt=began).values_list("pk", "organization").iterator():
        yield OneSided(Side.HERE, str(id), organization_id)


def _wanted(began: datetime):
    """What was to run at the provider at some moment since."""
    return ProviderSubscription.objects.filter(Q(stop_asked_at=None) | Q(stop_asked_at__gte=began))


@transaction.atomic
def _list_mismatches(now: set[OneSided], *, at: datetime) -> Reconciled:
    """List each once while it lasts; what is no longer so is resolved."""
    rows = ProviderMismatch.objects.filter(resolved_at=None).select_for_update()
    listed = {OneSided(row.side, row.reference, row.organization_id): row.pk for row in rows}
    gone = [pk for each, pk in listed.items() if each not in now]
    ProviderMismatch.objects.filter(pk__in=gone).update(resolved_at=at)
    ProviderMismatch.objects.filter(pk__in=[pk for each, pk in listed.items() if each in now]).update(seen_at=at)
    new = [ProviderMismatch(**each._asdict(), found_at=at, seen_at=at) for each in now - listed.keys()]
    ProviderMismatch.objects.bulk_create(new, ignore_conflicts=True)
    return Reconciled(open=len(now), found=len(new), resolved=len(gone))
