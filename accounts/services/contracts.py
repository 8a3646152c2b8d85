"""Enterprise by support: a lead begins, changes and ends an organization's contract, with reason and ticket (P30)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import LifecycleEvent, Organization, User
from accounts.services.events import record_event
from accounts.words import Act, Via
from billing import services as billing
from billing.models import Plan, Subscription

PERMISSION = "accounts.manage_contracts"


@dataclass(frozen=True)
class Said:
    """Who asks for it, through which door and why (P47)."""

    actor: User
    via: Via
    note: str
    ticket: str
    proof: str = ""
    address: str | None = None


def unended(organization_id: UUID, *, at: datetime) -> list[Subscription]:
    """What of plans runs or is scheduled: what the previews of these acts are about."""
    return list(Subscription.objects.unended(at).filter(organization=organization_id).order_by("starts_at"))


def digest_of(subscriptions: list[Subscription]) -> str:
    """Of what was shown (habit 4); ids are no secret."""
    return " ".join(str(each.pk) for each in subscriptions)


def begin_contract(
    organization_id: UUID,
    contract: billing.Contract,
    *,
    prices: billing.Tiers,
    expected: str | None = None,
    **said: Any,
) -> LifecycleEvent:
    """Put an active organization on Enterprise now: Plus ends and is invoiced until then, a trial ends.

    Raises LifecycleError where the actor may not or it can't be, the organization being inactive among that, and
    PreviewChanged where `expected` no longer holds.
    """

    def begin(by_id: UUID, at: datetime) -> tuple[Subscription, dict]:
        ended = [str(each.pk) for each in unended(organization_id, at=at)]
        begun = billing.begin_contract(organization_id, contract, prices=prices, by_id=by_id, at=at)
        return begun, {"ended": ended}

    return _act(Act.CONTRACT_BEGUN, organization_id, begin, Said(**said), expected)


def change_contract(
    organization_id: UUID,
    contract: billing.Contract,
    *,
    prices: billing.Tiers,
    expected: str | None = None,
    **said: Any,
) -> LifecycleEvent:
    """Change what is agreed with an Enterprise organization; other prices hold from now on. Errors as above."""

    def change(by_id: UUID, at: datetime) -> tuple[Subscription, dict]:
        changed, fields = billing.change_contract(organization_id, contract, prices=prices, by_id=by_id, at=at)
        return changed, {"fields": fields}

    return _act(Act.CONTRACT_CHANGED, organization_id, change, Said(**said), expected)


def end_contract(organization_id: UUID, *, expected: str | None = None, **said: Any) -> LifecycleEvent:
    """End the contract now: from then on the organization is on Free. Errors as above."""

    def end(by_id: UUID, at: datetime) -> tuple[Subscription, dict]:
        return billing.end_contract(organization_id, by_id=by_id, at=at), {}

    return _act(Act.CONTRACT_ENDED, organization_id, end, Said(**said), expected)


def needing_second_lead(ids: Collection[UUID], *, at: datetime) -> set[UUID]:
    """Those of `ids` that staff deactivate with a second lead's yes alone (P71).

    They are on Enterprise, or staff ended their contract or moved its end within 30 days: nobody prepares alone what
    takes two.
    """
    moved = Q(act=Act.CONTRACT_ENDED) | Q(act=Act.CONTRACT_CHANGED, details__fields__contains="ends_at")
    lately = LifecycleEvent.objects.filter(
        moved, organization_id__in=ids, at__gt=at - timedelta(days=settings.ENTERPRISE_REMEMBERED_DAYS)
    )
    taken_off = {id for id in lately.values_list("organization_id", flat=True) if id}
    return taken_off | {id for id, plan in billing.plans(ids, at=at).items() if plan == Plan.ENTERPRISE}


@transaction.atomic
def _act(
    act: Act,
    organization_id: UUID,
    do: Callable[[UUID, datetime], tuple[Subscription, dict]],
    said: Said,
    expected: str | None,
) -> LifecycleEvent:
    """Hold the organization, do it, leave its event."""
    try:
        organization = Organization.objects.hold(organization_id)
    except Organization.DoesNotExist:
        raise LifecycleError("The organization is not active any more.") from None
    at = timezone.now()
    _check(organization, said)
    if expected is not None and digest_of(unended(organization.pk, at=at)) != expected:
        raise PreviewChanged
    try:
        contract, details = do(said.actor.pk, at)
    except (billing.PlanRefused, billing.PriceListError) as error:
        raise LifecycleError(str(error)) from None
    about = {"subscription": str(contract.pk), "contract_number": contract.contract_number}
    return record_event(act, organization_id=organization.pk, at=at, details=about | details, **vars(said))


def _check(organization: Organization, said: Said) -> None:
    if not said.actor.has_perm(PERMISSION, organization):
        raise LifecycleError(f"{said.actor.email} may not do this: only a lead manages contracts.")
    if not said.note.strip() or not said.ticket.strip():
        raise LifecycleError("Please say why, and name the ticket that asks for this.")
