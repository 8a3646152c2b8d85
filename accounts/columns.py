"""A preview in words: columns of lines, each with a count and the first names.

Staff and owners read the same facts, each in their own words: admin/columns.py, owners_preview.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings

from accounts.models import RoleAssignment, TeamMembership
from accounts.previews import DeactivationPreview
from geos.services import ControlPlaneSummary
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars

NAMED = 5
"""Names shown of each thing; the count says how many there are."""


@dataclass(frozen=True)
class Line:
    """A sentence, and the first names of what it is about."""

    text: str
    names: list[str] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True)
class Column:
    title: str
    tone: str
    lines: list[Line]


def line(text: str, names: Iterable[str] = ()) -> Line:
    """A line naming the first of `names`, each once."""
    found = list(dict.fromkeys(names))
    return Line(text, found[:NAMED], max(0, len(found) - NAMED))


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 node", "3 nodes"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def several(*things: tuple) -> str:
    """ "3 teams and 1 role"; what there is none of is left out."""
    return " and ".join(counted(*thing) for thing in things if thing[0])


def later() -> str:
    return f"in {settings.TAKE_DOWN_DELAY_HOURS} hours"


def named(control_plane: ControlPlaneSummary) -> str:
    return f"{control_plane.name} ({control_plane.geo})"


def what_ends(preview: DeactivationPreview, *, when: str) -> Iterable[Line]:
    """What stops of an organization, whoever reads it. `when` says when its control planes are taken down."""
    yield from _billing(preview)
    yield from _control_planes(preview, when)
    yield from _people(preview)


def locked_addresses(preview: DeactivationPreview) -> list[str]:
    """The addresses that will be locked, each with what goes on elsewhere (P45)."""
    return [address + _elsewhere(others) for address, others in preview.addresses]


def what_runs_on(preview: DeactivationPreview) -> str:
    """The nodes and zones that nobody stops (P43)."""
    return several((preview.scope.nodes, "node"), (preview.scope.zones, "zone")) or "nodes and zones"


def what_is_gone() -> list[Line]:
    """What comes back in part or not at all (P50 to P52)."""
    return [
        line("Control planes come back only while their taking down has not begun"),
        line("People can be put back into their teams and roles"),
        line("Subscriptions, tokens and invitations never come back"),
    ]


def _billing(preview: DeactivationPreview) -> Iterable[Line]:
    billing = preview.scope.billing
    if billing.subscriptions:
        running = [f"{each}, since {absolute(each.starts_at)}" for each in billing.subscriptions]
        yield line(f"End {counted(len(running), 'subscription')} and all billing", running)
    if billing.draft_invoices:
        yield line(f"Void {counted(len(billing.draft_invoices), 'draft invoice')}")
    if billing.forgiven_cents:
        yield line(f"Forgive {dollars(billing.forgiven_cents)} not yet invoiced")
    if billing.charges:
        unpaid = counted(len(billing.charges), "issued invoice")
        yield line(f"Charge no card for {dollars(billing.uncharged_cents)} of {unpaid}")
    if billing.lapsed_cents:
        yield line(f"Let free credits of {dollars(billing.lapsed_cents)} lapse")
    if billing.refund_cents:
        yield line(f"List paid credits of {dollars(billing.refund_cents)} for refund")


def _control_planes(preview: DeactivationPreview, when: str) -> Iterable[Line]:
    scope = preview.scope
    if scope.control_planes:
        control_planes = counted(len(scope.control_planes), "control plane")
        yield line(
            f"Stop configuration for {control_planes} in {counted(len(preview.geos), 'geo')} at once, "
            f"and take them down {when}",
            map(named, scope.control_planes),
        )
    if scope.licenses:
        yield line(f"Let {counted(len(scope.licenses), 'license')} lapse")


def _people(preview: DeactivationPreview) -> Iterable[Line]:
    counts = preview.counts
    if counts["people"] or counts["system_accounts"]:
        who = several((counts["people"], "person", "people"), (counts["system_accounts"], "system account"))
        what = several((counts["teams"], "team"), (counts["role_assignments"], "role"))
        yield line(f"Remove {who} from {what}", _who(preview.scope.team_memberships, preview.scope.role_assignments))
    if counts["tokens"] or counts["invitations"]:
        what = several((counts["tokens"], "token"), (counts["invitations"], "invitation"))
        yield line(f"Revoke {what}, for good")


def _who(*losses: Iterable[TeamMembership] | Iterable[RoleAssignment]) -> Iterable[str]:
    return (str(row.user or row.system_account) for rows in losses for row in rows)


def _elsewhere(others: int) -> str:
    if not others:
        return ""
    return f" (used in {counted(others, 'other organization')}, which {'goes' if others == 1 else 'go'} on)"
