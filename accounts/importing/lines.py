"""What a line of the file says: its shape, and what must agree within it (docs/export-format.md)."""

import hashlib
import json
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from accounts.importing import checks
from accounts.importing.checks import Check, Fields, Rejected
from accounts.words import PREDEFINED_TEAMS

AHEAD = timedelta(minutes=5)
PARTS_MAX = 100_000
QUANTITY_MAX = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class MemberLine:
    email: str
    full_name: str
    teams: list[str]
    last_login_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ControlPlaneLine:
    name: str
    geo: str
    kind: str
    nodes: int
    services: int
    zones: int | None = None

    @property
    def parts(self) -> int:
        return self.nodes + self.services + (self.zones or 0)


@dataclass(frozen=True, kw_only=True)
class UsageLine:
    day: date
    geo: str
    metric: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class OrganizationLine:
    """One organization as the file tells of it: trimmed, addresses in the form of P1, moments in UTC.

    `digest` is the same for the same content, however it is written.
    """

    id: UUID
    name: str
    email: str
    owner_email: str
    created_at: datetime
    state: str
    home_geo: str
    plan: str
    trial_ends_at: datetime | None
    billing_anchor_at: datetime
    plan_changed_at: datetime | None
    reactivated_at: datetime | None
    never_deactivate: bool
    last_api_request_at: datetime | None
    members: list[MemberLine]
    control_planes: list[ControlPlaneLine]
    usage: list[UsageLine]
    digest: str = ""

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    @property
    def last_login_at(self) -> datetime | None:
        return max((member.last_login_at for member in self.members if member.last_login_at), default=None)

    @property
    def last_seen_at(self) -> datetime:
        """The latest of what counts as a login and the file tells of (P61), but for coming onto Free."""
        told = (self.created_at, self.reactivated_at, self.last_login_at)
        return max(moment for moment in told if moment is not None)

    @property
    def addresses(self) -> list[str]:
        """Those that a deactivation locks: contact, and the owner's where it differs (P45)."""
        return sorted({self.email, self.owner_email})


def organization_shape(*, at: datetime, geos: Collection[str]) -> Check[OrganizationLine]:
    """What a line must look like when it is imported at `at` into a portal with these geos."""
    geo = checks.one_of(geos, "geo")
    past = checks.moment_until(at + AHEAD)
    member = checks.fields(
        MemberLine,
        email=checks.address,
        full_name=checks.text(0, 250),
        teams=checks.list_of(checks.one_of(PREDEFINED_TEAMS, "team")),
        last_login_at=checks.or_null(past),
    )
    control_plane = checks.fields(
        ControlPlaneLine,
        may_lack=["zones"],
        name=checks.text(1, 250),
        geo=geo,
        kind=checks.one_of(["gateway", "kic", "mesh_global"], "kind"),
        nodes=checks.count(PARTS_MAX),
        services=checks.count(PARTS_MAX),
        zones=checks.count(PARTS_MAX),
    )
    usage = checks.fields(
        UsageLine,
        day=checks.day,
        geo=geo,
        metric=checks.one_of(["api_requests", "gateway_services", "dev_portals"], "metric"),
        quantity=checks.count(QUANTITY_MAX),
    )
    return checks.fields(
        OrganizationLine,
        id=checks.uuid,
        name=checks.text(1, 250),
        email=checks.address,
        owner_email=checks.address,
        created_at=past,
        state=checks.one_of(["active", "inactive"], "state"),
        home_geo=geo,
        plan=checks.one_of(["free", "trial", "plus", "enterprise"], "plan"),
        trial_ends_at=checks.or_null(checks.moment),
        billing_anchor_at=checks.moment,
        plan_changed_at=checks.or_null(past),
        reactivated_at=checks.or_null(past),
        never_deactivate=checks.boolean,
        last_api_request_at=checks.or_null(past),
        members=checks.list_of(member),
        control_planes=checks.list_of(control_plane),
        usage=checks.list_of(usage),
    )


def parse_line(raw: bytes, shape: Check[OrganizationLine]) -> OrganizationLine:
    """Read one line; raises Rejected with the first thing that is wrong with it."""
    value = _json(raw)
    line = shape(value, "")
    _plan_agrees(line)
    _members_agree(line)
    _control_planes_agree(line.control_planes)
    _each_once(line.usage, "usage.{}", "tells of the same day, geo and metric as usage.{}", _usage_key)
    return replace(line, digest=_digest(value))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), object_pairs_hook=Fields, parse_constant=_refuse_constant)
    except UnicodeDecodeError as problem:
        raise Rejected(None, f"is not UTF-8 from byte {problem.start + 1} on") from None
    except (ValueError, RecursionError):
        raise Rejected(None, "is not JSON") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plan_agrees(line: OrganizationLine) -> None:
    if line.plan == "trial" and line.trial_ends_at is None:
        raise Rejected("trial_ends_at", "is null although the plan is trial")
    if line.plan != "trial" and line.trial_ends_at is not None:
        raise Rejected("trial_ends_at", "is set although the plan is not trial")
    if line.plan != "free" and line.plan_changed_at is not None:
        raise Rejected("plan_changed_at", "is set although the plan is not free")


def _members_agree(line: OrganizationLine) -> None:
    _each_once(line.members, "members.{}.email", "is the same person as members.{}", lambda member: member.email)
    if line.owner_email not in {member.email for member in line.members}:
        raise Rejected("owner_email", "is not the address of a member")


def _control_planes_agree(control_planes: list[ControlPlaneLine]) -> None:
    for index, control_plane in enumerate(control_planes):
        is_mesh = control_plane.kind == "mesh_global"
        if is_mesh and control_plane.zones is None:
            raise Rejected(f"control_planes.{index}.zones", "is missing")
        if not is_mesh and control_plane.zones is not None:
            raise Rejected(f"control_planes.{index}.zones", "stands only where the kind is mesh_global")
    where, reason = "control_planes.{}.name", "is the same control plane as control_planes.{}: same name, same geo"
    _each_once(control_planes, where, reason, lambda control_plane: (control_plane.geo, control_plane.name))
    if sum(control_plane.parts for control_plane in control_planes) > PARTS_MAX:
        raise Rejected("control_planes", f"have over {PARTS_MAX} nodes, services and zones together")


def _usage_key(usage: UsageLine) -> Hashable:
    return usage.day, usage.geo, usage.metric


def _each_once[Item](items: Iterable[Item], path: str, reason: str, key: Callable[[Item], Hashable]) -> None:
    first: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        if (earlier := first.setdefault(key(item), index)) != index:
            raise Rejected(path.format(index), reason.format(earlier))
