"""Enterprise, by contract: begun, changed and ended by support alone (P30).

The caller holds the organization.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from billing.models import Credit, Plan, PriceList, Subscription
from billing.services.plans import PlanRefused, running_subscription, stop_plus
from billing.services.prices import Tier, add_price_list, price_book
from billing.services.subscribing import move_anchor
from konnect_portal.foundation.organizations import note_plan_change

type Tiers = Mapping[str, Sequence[Tier]]
"""Agreed prices by metric; what is not agreed costs what it costs everybody."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What is agreed, without the prices. Without `ends_at` it runs until it is ended."""

    contract_number: str
    ends_at: datetime | None = None
    support_level: str = ""
    has_professional_services: bool = False
    sales_contact: str = ""


def begin_contract(
    organization_id: UUID, contract: Contract, *, prices: Tiers, by_id: UUID, at: datetime
) -> Subscription:
    """Put an organization on Enterprise now. Plus ends and is invoiced until then, a trial ends with its free credits.

    PlanRefused where a contract runs already or would be over.
    """
    if contract_of(organization_id, at=at):
        raise PlanRefused("A contract runs already. Please change that one.")
    _check_term(contract, at)
    stop_plus(organization_id, at=at, by_id=by_id)
    _end_trial(organization_id, at=at, by_id=by_id)
    begun = Subscription.objects.create(
        organization_id=organization_id,
        plan=Plan.ENTERPRISE,
        starts_at=at,
        anchor_at=at,
        made_by_id=by_id,
        created_at=at,
        **asdict(contract),
    )
    move_anchor(organization_id, at)
    _agree(begun, prices, by_id=by_id, at=at)
    note_plan_change(organization_id, at=at)
    return begun


def change_contract(
    organization_id: UUID, contract: Contract, *, prices: Tiers, by_id: UUID, at: datetime
) -> tuple[Subscription, list[str]]:
    """Change the contract that runs; gives the names of the fields that did. Other prices hold from now on.

    PlanRefused where none runs or it would be over.
    """
    running = _need_contract(organization_id, at=at)
    _check_term(contract, at)
    changed = [name for name, value in asdict(contract).items() if getattr(running, name) != value]
    for name in changed:
        setattr(running, name, getattr(contract, name))
    running.save(update_fields=changed)
    if _agree(running, prices, by_id=by_id, at=at):
        changed.append("prices")
    return running, changed


def end_contract(organization_id: UUID, *, by_id: UUID, at: datetime) -> Subscription:
    """End the contract that runs: from then on the organization is on Free. PlanRefused where none runs."""
    running = _need_contract(organization_id, at=at)
    running.ended_at, running.ended_by_id = at, by_id
    running.save(update_fields=["ended_at", "ended_by_id"])
    note_plan_change(organization_id, at=at)
    return running


def contract_of(organization_id: UUID, *, at: datetime) -> Subscription | None:
    """The contract that runs at `at`."""
    running = running_subscription(organization_id, at=at)
    return running if running is not None and running.plan == Plan.ENTERPRISE else None


def agreed_prices(contract: Subscription) -> Tiers:
    """The prices agreed last, by metric; none where it has the prices that everybody has."""
    lists = price_book([contract.pk]).agreed.get(contract.pk)
    return lists[0].tiers if lists else {}


def _need_contract(organization_id: UUID, *, at: datetime) -> Subscription:
    running = contract_of(organization_id, at=at)
    if running is None:
        raise PlanRefused("No contract runs. It may have ended just now.")
    return running


def _check_term(contract: Contract, at: datetime) -> None:
    if contract.ends_at is not None and contract.ends_at <= at:
        raise PlanRefused("The term would be over already. Please give a later last day.")


def _end_trial(organization_id: UUID, *, at: datetime, by_id: UUID) -> None:
    trial = running_subscription(organization_id, at=at)
    if trial is None:
        return
    trial.ended_at, trial.ended_by_id = at, by_id
    trial.save(update_fields=["ended_at", "ended_by_id"])
    free = Credit.objects.filter(organization=organization_id, kind=Credit.Kind.FREE, lapsed_at__isnull=True)
    free.update(lapsed_at=at)


def _agree(contract: Subscription, prices: Tiers, *, by_id: UUID, at: datetime) -> PriceList | None:
    """A price list of the contract's own, where its prices are others than before. PriceListError for a gap."""
    before = agreed_prices(contract)
    if not prices and not before:
        return None
    everybodys = price_book().at(at).tiers
    wanted = {metric: tuple(sorted(prices.get(metric) or tiers)) for metric, tiers in everybodys.items()}
    if wanted == before:
        return None
    return add_price_list(wanted, valid_from=at, subscription_id=contract.pk, made_by_id=by_id)
