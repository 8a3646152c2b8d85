"""What each staff tier may do (P70): one table, asked by the permission backend. A tier has those below it too."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from accounts.models import LifecycleEvent, Organization
from accounts.services.contracts import needing_second_lead
from accounts.words import Tier
from billing.models import Plan
from billing.services import plans

if TYPE_CHECKING:
    from accounts.models import User

GRANTED = {
    Tier.VIEWER: set(),
    Tier.AGENT: {
        "accounts.ask_contact",
        "accounts.deactivate_organization",
        "accounts.reactivate_organization",
        "accounts.retry_take_down",
        "accounts.write_note",
        "accounts.unlock_email",
    },
    Tier.LEAD: {
        "accounts.approve_act",
        "accounts.deactivate_in_bulk",
        "accounts.decide_late_usage",
        "accounts.give_word",
        "accounts.hasten_take_down",
        "accounts.hold_organization",
        "accounts.invite_owner",
        "accounts.transfer_ownership",
        "accounts.unlock_again",
        "accounts.reopen_account",
        "accounts.recover_account",
        "accounts.decide_check",
        "accounts.exempt_organization",
        "accounts.manage_contracts",
    },
    Tier.ADMINISTRATOR: {
        "accounts.manage_staff",
    },
}
VISIBLE_APPS = {"accounts", "billing", "geos", "licensing", "foundation", "post_office"}


def allows(user: "User", perm: str, obj: object | None = None) -> bool:
    """Whether this member of staff has `perm`, on `obj` where one is given. Everyone else: no."""
    tier = user.tier if user.is_active else None
    if tier is None:
        return False
    app, _, name = perm.partition(".")
    if name.startswith("view_"):
        return app in VISIBLE_APPS
    granted = set().union(*(GRANTED[lower] for lower in _up_to(tier)))
    if perm not in granted:
        return False
    if tier == Tier.AGENT and isinstance(obj, Organization):
        return _agent_allows(perm, obj)
    return True


def _up_to(tier: Tier) -> list[Tier]:
    tiers = list(Tier)
    return tiers[: tiers.index(tier) + 1]


def _agent_allows(perm: str, organization: Organization) -> bool:
    if perm == "accounts.deactivate_organization":
        ids, now = [organization.pk], timezone.now()
        return plans(ids, at=now)[organization.pk] == Plan.FREE and not needing_second_lead(ids, at=now)
    if perm == "accounts.reactivate_organization":
        return _deactivated_lately_by_agent(organization)
    return True


def _deactivated_lately_by_agent(organization: Organization) -> bool:
    since = timezone.now() - timedelta(hours=settings.AGENT_REACTIVATION_HOURS)
    return (
        organization.deactivation_event_id is not None
        and LifecycleEvent.objects.filter(
            pk=organization.deactivation_event_id, at__gt=since, details__actor_tier=Tier.AGENT.value
        ).exists()
    )
