"""What may wait for staff: one list, of which the start page, the alerts and the metrics are made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import Approval, CheckRun, Organization, User
from billing.models import GeoUsage, Invoice, ProviderMismatch, ProviderSubscription, Subscription
from geos.models import ControlPlane
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.paging import COUNT_CAP

ALERT_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Kind:
    """A kind of thing that may wait, what it is called, and the page of the admin that lists exactly its rows.

    `moment` is the field that says since when a row waits, or until when something lasts. Who asked for a row, where
    `asked_by` names a field for it, is not the one it waits for.
    """

    name: str
    perm: str
    icon: str
    title: str
    calm: str
    page: str
    rows: Callable[[datetime], QuerySet]
    moment: str
    asked_by: str = ""

    @property
    def link(self) -> str:
        name, _, query = self.page.partition("?")
        return f"{reverse(f'admin:{name}_changelist')}?{query}"


KINDS = [
    Kind(
        "approvals",
        "accounts.approve_act",
        "how_to_reg",
        "Asked by a colleague, waiting for a second lead",
        "No colleague waits for a second lead",
        "accounts_approval?state=others",
        Approval.objects.waiting,
        "asked_at",
        asked_by="asked_by_id",
    ),
    Kind(
        "checks",
        "accounts.view_checkrun",
        "event_busy",
        "Inactivity check waiting for a decision",
        "No run of the inactivity check waits for a decision",
        "accounts_checkrun?outcome__exact=waiting",
        lambda at: CheckRun.objects.filter(outcome=CheckRun.Outcome.WAITING),
        "started_at",
    ),
    Kind(
        "late_usage",
        "accounts.view_organization",
        "history",
        "Usage came after a deactivation",
        "No usage came after a deactivation by the check",
        "accounts_organization?usage=late",
        lambda at: Organization.objects.usage_came_late(),
        "late_usage_at",
    ),
    Kind(
        "take_downs",
        "geos.view_controlplane",
        "dns",
        "Take-downs not confirmed for a day",
        "Every take-down is on its way",
        "geos_controlplane?progress=stuck",
        ControlPlane.objects.stuck,
        "begins_at",
    ),
    Kind(
        "billing_stops",
        "billing.view_providersubscription",
        "credit_card_off",
        "Billing stops not yet confirmed",
        "Every billing stop is confirmed",
        "billing_providersubscription?stop=waiting",
        lambda at: ProviderSubscription.objects.not_confirmed(),
        "stop_asked_at",
    ),
    Kind(
        "one_sided",
        "billing.view_providermismatch",
        "sync_problem",
        "Subscriptions on one side only",
        "Both sides have the same subscriptions",
        "billing_providermismatch?state=open",
        lambda at: ProviderMismatch.objects.filter(resolved_at=None),
        "found_at",
    ),
    Kind(
        "invoices",
        "billing.view_invoice",
        "receipt_long",
        "Invoices that could not be issued",
        "Every invoice is issued in time",
        "billing_invoice?state=overdue",
        Invoice.objects.overdue,
        "period_end",
    ),
    Kind(
        "geos",
        "billing.view_geousage",
        "public_off",
        "Geos behind with their usage",
        "The usage of every geo is complete",
        "billing_geousage?usage=behind",
        GeoUsage.objects.behind,
        "behind_since",
    ),
    Kind(
        "mails",
        "foundation.view_mail",
        "mail",
        "Mails that failed in the last 7 days",
        "No mail has failed in the last 7 days",
        "foundation_mail?delivery=lately",
        Mail.objects.failed_lately,
        "email__last_updated",
    ),
]

AHEAD = [
    Kind(
        "trials",
        "billing.view_subscription",
        "hourglass_bottom",
        "Trials that end within 7 days",
        "No trial ends within 7 days",
        "billing_subscription?trial=ending",
        Subscription.objects.trials_ending,
        "ends_at",
    ),
    Kind(
        "holds",
        "accounts.view_organization",
        "front_hand",
        "Organizations on hold",
        "No organization is on hold",
        "accounts_organization?hold=yes",
        Organization.objects.on_hold,
        "hold_until",
    ),
]
"""What nobody has to do anything about yet."""


@dataclass(frozen=True)
class Waiting:
    """How much of a kind waits at a moment; `moment` is that of the oldest."""

    kind: Kind
    count: int
    moment: datetime | None
    at: datetime

    @property
    def shown(self) -> str:
        return f"{COUNT_CAP}+" if self.count > COUNT_CAP else str(self.count)

    @property
    def since(self) -> str:
        return absolute(self.moment) if self.moment else ""

    @property
    def is_late(self) -> bool:
        """Whether somebody is alerted."""
        return self.moment is not None and self.moment <= self.at - ALERT_AFTER


def waiting(kinds: Iterable[Kind], at: datetime, *, user: User | None = None) -> list[Waiting]:
    """What waits, with one statement each; for a person only what they may see."""
    return [_ask(kind, at, user) for kind in kinds if user is None or user.has_perm(kind.perm)]


def _ask(kind: Kind, at: datetime, user: User | None) -> Waiting:
    rows = kind.rows(at)
    if user is not None and kind.asked_by:
        rows = rows.exclude(**{kind.asked_by: user.pk})
    moments = rows.order_by(kind.moment).values_list(kind.moment, flat=True)[: COUNT_CAP + 1]
    found = list(moments)
    return Waiting(kind, len(found), found[0] if found else None, at)
