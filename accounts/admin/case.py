"""What a support case asks of one organization, in a fixed number of queries however large it is."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, NullIf

from accounts.admin.inactivity import explain
from accounts.desk.plans import name_of
from accounts.inactivity import ask, standings
from accounts.models import (
    LifecycleEvent,
    Membership,
    Organization,
    OwnerInvitation,
    SupportRequest,
    TeamMembership,
    User,
)
from accounts.owner_invitations import why_barred
from accounts.services.locks import with_unlockings
from accounts.timeline import LOOKUPS, Page, timeline
from accounts.words import State, Via
from billing.models import Invoice, Plan, ProviderSubscription
from billing.services import running_subscription
from geos.models import ControlPlane, DataPlaneNode, MeshZone
from geos.services import LeftRunning, left_running
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.moments import absolute, distance

SHOWN = 12
"""People, mails and the like shown on the page; beyond that it says how many more."""
SHOWN_CONTROL_PLANES = 36
SHOWN_EVENTS = 40
"""Of a person."""
SHOWN_LINES = 15
SHOWN_REQUESTS = 5
SHOWN_LEFT = 8
"""Nodes and zones of each control plane that run on."""


@dataclass(frozen=True)
class Part:
    """The first rows of something, and how many there are."""

    rows: list
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.rows)

    def __bool__(self) -> bool:
        return self.count > 0


def part(queryset, shown=SHOWN) -> Part:
    """The first `shown` rows; counted by a query of its own only where there are more."""
    rows = list(queryset[: shown + 1])
    return Part(rows[:shown], len(rows) if len(rows) <= shown else queryset.order_by().count())


def with_names(events):
    """Events with `actor_name`: who did it, as they are called now."""
    named = User.objects.annotate(name=Coalesce(NullIf("full_name", Value("")), "email"))
    return events.annotate(actor_name=Subquery(named.filter(pk=OuterRef("actor_id")).values("name")))


class Case:
    """One organization at a glance; each part is asked once, when the page comes to it."""

    def __init__(self, organization: Organization, *, at: datetime):
        self.organization = organization
        self.at = at

    @cached_property
    def people(self) -> Part:
        """The owner first, then who came first, with their teams."""
        owner_first = ExpressionWrapper(Q(user=self.organization.owner_id), BooleanField())
        teams = TeamMembership.objects.filter(organization=self.organization).select_related("team")
        return part(
            Membership.objects.filter(organization=self.organization)
            .select_related("user")
            .prefetch_related(Prefetch("user__team_memberships", queryset=teams, to_attr="teams_here"))
            .order_by(owner_first.desc(), "joined_at", "pk")
        )

    @cached_property
    def teams(self) -> Part:
        sized = self.organization.teams.annotate(size=Count("team_memberships"))
        return part(sized.filter(size__gt=0).order_by("-size", "name"))

    @cached_property
    def access(self) -> Mapping[str, Any]:
        """Counts of what else lets somebody in."""
        now = self.at
        asked = Organization.objects.filter(pk=self.organization.pk)
        return asked.values(
            robot_count=_count(self.organization.system_accounts.all()),
            role_count=_count(self.organization.role_assignments.all()),
            token_count=_count(self.organization.access_tokens.filter(revoked_at=None, expires_at__gt=now)),
            invitation_count=_count(
                self.organization.invitations.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)
            ),
        ).get()

    @cached_property
    def control_planes(self) -> Part:
        since = self.at - timedelta(seconds=settings.NODE_RUNNING_SECONDS)
        running = Q(last_check_in_at__gt=since)
        return part(
            ControlPlane.objects.filter(organization=self.organization)
            .select_related("geo")
            .annotate(
                node_count=_count_of(DataPlaneNode.objects.all()),
                running_nodes=_count_of(DataPlaneNode.objects.filter(running)),
                zone_count=_count_of(MeshZone.objects.all()),
                running_zones=_count_of(MeshZone.objects.filter(running)),
            )
            .order_by("geo__position", "geo", "name", "pk"),
            SHOWN_CONTROL_PLANES,
        )

    @cached_property
    def geos(self) -> list[tuple]:
        """Geos with how many control planes they have and those shown of them, those without any left out."""
        return [
            (geo, sum(self._states[geo.pk].values()), list(rows))
            for geo, rows in groupby(self.control_planes.rows, key=lambda each: each.geo)
        ]

    @cached_property
    def opened_geos(self) -> list:
        return list(self.organization.organization_geos.select_related("geo").order_by("-is_home", "geo__position"))

    @cached_property
    def _states(self) -> Mapping[str, Counter]:
        """How many control planes of each geo are in which state."""
        found: dict[str, Counter] = defaultdict(Counter)
        if not self.control_planes.more:
            for each in self.control_planes.rows:
                found[each.geo_id][each.state] += 1
            return found
        rows = self.organization.control_planes.order_by().values_list("geo", "state").annotate(Count("pk"))
        for geo, state, count in rows:
            found[geo][state] = count
        return found

    @cached_property
    def states(self) -> Counter:
        """How many control planes are in which state."""
        return sum(self._states.values(), Counter())

    @cached_property
    def moving(self) -> bool:
        """Whether a control plane is on its way down, so that the page is worth watching."""
        return self.states[ControlPlane.State.DECOMMISSIONING] > 0

    @property
    def kept_by(self) -> str:
        """What keeps taking down from beginning at its time, after "Taking down waits "; empty where nothing does."""
        if self.organization.is_on_hold(self.at):
            return "until the hold ends"
        return "for a lead's decision" if self.organization.late_usage_at else ""

    @cached_property
    def left_running(self) -> list[tuple[ControlPlane, LeftRunning]]:
        """Who still checks in although the organization is deactivated, by control plane (P43)."""
        if self.organization.deactivated_at is None:
            return []
        rows = self.control_planes.rows
        found = left_running(
            [each.pk for each in rows if each.node_count],
            [each.pk for each in rows if each.zone_count],
            since=self.organization.deactivated_at,
            at=self.at,
            most=SHOWN_LEFT,
        )
        return [(each, found[each.pk]) for each in rows if each.pk in found]

    @cached_property
    def left_count(self) -> int:
        return sum(left.count for _, left in self.left_running)

    @cached_property
    def plan(self) -> str:
        running = running_subscription(self.organization.pk, at=self.at)
        return name_of(running.plan, running.is_trial) if running else Plan.FREE.label

    @cached_property
    def subscriptions(self) -> Part:
        return part(self.organization.subscriptions.all())

    @cached_property
    def unconfirmed_stops(self) -> list:
        """Subscriptions that have ended here, and not yet for sure at the payment provider (P41)."""
        stops = ProviderSubscription.objects.not_confirmed().filter(subscription__organization=self.organization)
        return list(stops.select_related("subscription").order_by("stop_asked_at"))

    @cached_property
    def payment_method(self):
        return self.organization.payment_methods.live().first()

    @cached_property
    def unpaid(self) -> list[Invoice]:
        """Issued invoices that were not paid, the latest first."""
        unpaid = Invoice.objects.unpaid().filter(organization=self.organization)
        return list(unpaid.select_related("charge").order_by("-number")[:SHOWN])

    @cached_property
    def billing_account(self):
        return getattr(self.organization, "billing_account", None)

    @cached_property
    def licenses(self) -> Part:
        return part(self.organization.licenses.received().order_by("product", "-issued_at"))

    @cached_property
    def email_locks(self) -> Part:
        locks = with_unlockings(self.organization.email_locks.all(), at=self.at)
        return part(locks.order_by(F("released_at").asc(nulls_first=True), "-locked_at"))

    @cached_property
    def requests(self) -> Part:
        """What the customer asked support for, and how it was shown (P73)."""
        return part(SupportRequest.objects.filter(organization=self.organization), SHOWN_REQUESTS)

    @cached_property
    def owner_invitation(self) -> OwnerInvitation | None:
        """Who is invited to own it, whether the link is still good or not (P53)."""
        if self.organization.state != State.INACTIVE:
            return None
        return self.organization.owner_invitations.waiting().first()

    @cached_property
    def inviter(self) -> User | None:
        """Whoever invited `owner_invitation`."""
        return User.objects.filter(pk=self.owner_invitation.invited_by_id).first() if self.owner_invitation else None

    @property
    def invitation_is_late(self) -> bool:
        return self.owner_invitation is not None and self.owner_invitation.expires_at <= self.at

    @property
    def why_barred(self) -> str | None:
        """Why the invitation can't be accepted now; None where it can."""
        return why_barred(self.owner_invitation) if self.owner_invitation else None

    @cached_property
    def exemption(self):
        return self.organization.exemptions.live(self.at).first()

    @cached_property
    def inactivity(self) -> str | None:
        """When the inactivity check would deactivate it, and why; None unless it is active and billing knows it."""
        if self.organization.state != State.ACTIVE:
            return None
        found = standings([self.organization], ask())
        return explain(found[0]) if found else None

    @cached_property
    def notices(self) -> list:
        return list(self.organization.inactivity_notices.filter(voided_at=None).order_by("created_at"))

    @cached_property
    def mails(self) -> Part:
        return part(
            Mail.objects.filter(organization_id=self.organization.pk).select_related("email").order_by("-email_id")
        )

    @cached_property
    def timeline(self) -> Page:
        """The newest of everything but who looked, which would be the reader."""
        return timeline(self.organization.pk, size=SHOWN_LINES, without=LOOKUPS)

    @cached_property
    def since(self) -> datetime:
        """Since when it has been in its state."""
        organization = self.organization
        return organization.deactivated_at or organization.reactivated_at or organization.created_at

    @cached_property
    def sentence(self) -> str:
        """What is going on, in a line."""
        parts = [self._state_clause()]
        if self.states.total() and self.organization.state != State.ACTIVE:
            down = self.states[ControlPlane.State.DECOMMISSIONED]
            parts.append(f"{down} of {self.states.total()} control planes taken down")
        if self.organization.state == State.INACTIVE and self.organization.purge_at:
            parts.append(f"data is kept until {absolute(self.organization.purge_at)}")
        if self.organization.hold_until and self.organization.is_on_hold(self.at):
            parts.append(f"on hold until {absolute(self.organization.hold_until)}: {self.organization.hold_reason}")
        if self.organization.late_usage_at:
            parts.append("usage came late that would have kept it active, so taking down waits for a lead's decision")
        return "; ".join(parts) + "."

    def _state_clause(self) -> str:
        organization = self.organization
        if organization.deactivated_at is None:
            seen = organization.last_login_at
            return f"Active; last login {distance(seen, self.at)}" if seen else "Active; nobody has signed in yet"
        when = distance(organization.deactivated_at, self.at)
        return f"{organization.get_state_display()}{self._by()} {when} because {organization.reason_sentence}"

    def _by(self) -> str:
        """Who deactivated it, where that is known."""
        id = self.organization.deactivation_event_id
        ended = with_names(LifecycleEvent.objects.filter(pk=id)).first() if id else None
        if ended is None:
            return ""
        if ended.via == Via.CHECK:
            return " by the inactivity check"
        return f" by {ended.actor_name}" if ended.actor_name else ""


def _count(queryset):
    """The size of `queryset` as a column of another query."""
    sizes = queryset.order_by().values("organization").annotate(size=Count("pk")).values("size")
    return Coalesce(Subquery(sizes, output_field=IntegerField()), 0)


def _count_of(queryset):
    """How many of `queryset` each control plane has."""
    sizes = queryset.filter(control_plane=OuterRef("pk")).order_by().values("control_plane")
    return Coalesce(Subquery(sizes.annotate(size=Count("pk")).values("size"), output_field=IntegerField()), 0)
