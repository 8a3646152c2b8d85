"""A preview in words: what an act will change and what it will not, each line with a count and the first names."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from accounts.models import EmailLock, SystemAccount, User
from accounts.previews import DeactivationPreview, ReactivationPreview
from geos.models import ControlPlane
from geos.services import ControlPlaneSummary
from konnect_portal.foundation.moments import absolute

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


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 node", "3 nodes"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def line(text: str, names: Iterable[str] = ()) -> Line:
    """A line naming the first of `names`, each once."""
    found = list(dict.fromkeys(names))
    return Line(text, found[:NAMED], max(0, len(found) - NAMED))


def of_deactivation(preview: DeactivationPreview, *, when: str) -> list[Column]:
    """`when` says when control planes are taken down: "now or in 72 hours, as you choose below"."""
    return [
        Column("This will", "stop", [*_ends(preview), *_decommissions(preview, when), *_removes(preview)]),
        Column("This will not", "keep", _keeps(preview)),
        Column("Undoing it", "undo", _undoing(preview)),
    ]


def _ends(preview: DeactivationPreview) -> Iterable[Line]:
    billing = preview.scope.billing
    if billing.subscriptions:
        running = [f"{each}, since {absolute(each.starts_at)}" for each in billing.subscriptions]
        yield line(f"End {counted(len(running), 'subscription')} and all billing", running)
    if billing.draft_invoices:
        yield line(f"Void {counted(len(billing.draft_invoices), 'draft invoice')}")
    if billing.lapsed_cents:
        yield line(f"Let free credits of {_dollars(billing.lapsed_cents)} lapse")
    if billing.refund_cents:
        yield line(f"List paid credits of {_dollars(billing.refund_cents)} for refund")


def _decommissions(preview: DeactivationPreview, when: str) -> Iterable[Line]:
    scope = preview.scope
    if scope.control_planes:
        control_planes = counted(len(scope.control_planes), "control plane")
        yield line(
            f"Stop configuration for {control_planes} in {counted(len(preview.geos), 'geo')} at once, "
            f"and take them down {when}",
            map(_named, scope.control_planes),
        )
    if scope.licenses:
        yield line(f"Let {counted(len(scope.licenses), 'license')} lapse")


def _removes(preview: DeactivationPreview) -> Iterable[Line]:
    counts = preview.counts
    if counts["people"] or counts["system_accounts"]:
        who = _several((counts["people"], "person", "people"), (counts["system_accounts"], "system account"))
        what = _several((counts["teams"], "team"), (counts["role_assignments"], "role"))
        yield line(f"Remove {who} from {what}", _who(preview.scope.team_memberships, preview.scope.role_assignments))
    if counts["tokens"] or counts["invitations"]:
        what = _several((counts["tokens"], "token"), (counts["invitations"], "invitation"))
        yield line(f"Revoke {what}, for good")
    locked = [
        address + (f" (used in {counted(others, 'other organization')}, which {'goes' if others == 1 else 'go'} on)")
        if others
        else address
        for address, others in preview.addresses
    ]
    yield line(f"Lock {counted(len(locked), 'e-mail address', 'e-mail addresses')}", locked)
    yield line(f"Refuse everyone who comes to {preview.organization.name} from now on, in every geo")
    yield line("Tell its owner and admins by mail", (user.email for user in preview.scope.admins))


def _keeps(preview: DeactivationPreview) -> list[Line]:
    running = _several((preview.scope.nodes, "node"), (preview.scope.zones, "zone")) or "nodes and zones"
    return [
        line(f"Stop {running}: they run on without new configuration, and only their operator stops them"),
        line("Close anybody's account, or touch their other organizations"),
        line("Recall licenses already received"),
        line("Change issued invoices"),
        line("Delete anything: members, usage and events are kept"),
    ]


def _undoing(preview: DeactivationPreview) -> list[Line]:
    return [
        line(f"Support can reactivate {preview.organization.name} until {absolute(preview.purge_at)}"),
        line("Control planes come back only while their taking down has not begun"),
        line("People can be put back into their teams and roles"),
        line("Subscriptions, tokens and invitations never come back"),
    ]


def of_reactivation(preview: ReactivationPreview) -> list[Column]:
    return [
        Column("Comes back", "keep", _comes_back(preview)),
        Column("Can come back, if you tick it", "undo", _can_come_back(preview)),
        Column("Is gone", "stop", list(_gone(preview))),
    ]


def _comes_back(preview: ReactivationPreview) -> list[Line]:
    lines = [
        line(f"{preview.organization.name} is active, on Free"),
        line("Its owner is in Organization Admin", [preview.organization.owner.email]),
        line("New licenses, and the inactivity clock at zero"),
    ]
    if preview.locks:
        lines.append(line(f"Released: {counted(len(preview.locks), 'address lock')}", map(str, preview.locks)))
    if preview.returning:
        returning = counted(len(preview.returning), "control plane")
        lines.append(line(f"{returning}: taking down has not begun", map(_named, preview.returning)))
    return lines


def _can_come_back(preview: ReactivationPreview) -> list[Line]:
    counts = preview.counts
    if not counts["people"]:
        return [line("Nobody was in a team or had a role")]
    what = _several((counts["team_memberships"], "team place"), (counts["role_assignments"], "role"))
    return [line(f"{counted(counts['people'], 'person', 'people')}: {what}", _names_of(preview.people.people))]


def _gone(preview: ReactivationPreview) -> Iterable[Line]:
    if preview.gone:
        gone = counted(len(preview.gone), "control plane")
        yield line(f"{gone}: taking down has begun, and is finished", map(_named, preview.gone))
    if preview.ended_subscriptions:
        yield line(f"{counted(preview.ended_subscriptions, 'subscription')}: a new one has to be chosen")
    if preview.revoked_tokens:
        yield line(f"{counted(preview.revoked_tokens, 'token')}: new ones have to be made")
    if preview.people.gone:
        lost = counted(len(preview.people.gone), "team place or role", "team places or roles")
        yield line(lost, preview.people.gone)
    yield line("Invitations that were open")


def of_take_down(control_planes: list[ControlPlane]) -> list[Column]:
    taken = counted(len(control_planes), "control plane")
    names = [f"{each} ({each.geo})" for each in control_planes]
    return [
        Column("This will", "stop", [line(f"Take {taken} down now", names)]),
        Column("This will not", "keep", [line("Stop nodes and zones: they run on without new configuration")]),
        Column("Undoing it", "undo", [line("It can't be undone: what was taken down does not come back")]),
    ]


def of_unlock(address: str, locks: list[EmailLock], released: list[EmailLock], trials: int) -> list[Column]:
    earlier = [f"{each.organization}, released {absolute(each.released_at)}" for each in released if each.released_at]
    return [
        Column(
            "This will",
            "stop",
            [
                line(
                    f"Release {counted(len(locks), 'lock')} on {address}",
                    (f"{each.organization}, since {absolute(each.locked_at)}" for each in locks),
                ),
                line("Let the address sign up, create organizations and accept invitations again"),
            ],
        ),
        Column(
            "This will not",
            "keep",
            [
                line("Reactivate an organization: each stays as it is", (str(each.organization) for each in locks)),
                line("Give the address another trial" if trials else "Take anything from anybody"),
            ],
        ),
        Column(
            "What is known of the address",
            "undo",
            [
                line("It has had a trial" if trials else "It has had no trial"),
                line(f"{counted(len(released), 'earlier lock')}", earlier),
                line("Only a new deactivation locks it again"),
            ],
        ),
    ]


def _several(*things: tuple) -> str:
    """ "3 teams and 1 role"; what there is none of is left out."""
    return " and ".join(counted(*thing) for thing in things if thing[0])


def _named(control_plane: ControlPlaneSummary) -> str:
    return f"{control_plane.name} ({control_plane.geo})"


def _who(*losses: Iterable) -> Iterable[str]:
    return (str(row.user or row.system_account) for rows in losses for row in rows)


def _names_of(ids: set[UUID]) -> list[str]:
    people = User.objects.filter(pk__in=ids).order_by("full_name", "email")
    return [*map(str, people), *map(str, SystemAccount.objects.filter(pk__in=ids))]


def _dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02} USD"


def later() -> str:
    return f"in {settings.TAKE_DOWN_DELAY_HOURS} hours"
