"""What staff read before an act: what it will change and what it will not."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings

from accounts.columns import (
    Column,
    Line,
    counted,
    line,
    locked_addresses,
    named,
    several,
    what_ends,
    what_is_gone,
    what_runs_on,
)
from accounts.forms.taking_down import LATER
from accounts.models import EmailLock, Organization, SystemAccount, User
from accounts.previews import DeactivationPreview, ReactivationPreview
from accounts.words import State
from billing.models import TrialClaim
from geos.models import ControlPlane
from konnect_portal.foundation.moments import absolute


def of_deactivation(preview: DeactivationPreview, *, when: str) -> list[Column]:
    """`when` says when control planes are taken down: "now or in 72 hours, as you choose below"."""
    return [
        Column("This will", "stop", [*what_ends(preview, when=when), *_shuts(preview)]),
        Column("This will not", "keep", _keeps(preview)),
        Column("Undoing it", "undo", _undoing(preview)),
    ]


def when_taken_down(choice: str) -> str:
    """When control planes are taken down, of what was chosen; a lead who chose nothing has it done at once (P42)."""
    hours = settings.TAKE_DOWN_DELAY_HOURS
    return f"{hours} hours after it is confirmed" if choice == LATER else "as soon as it is confirmed"


def _shuts(preview: DeactivationPreview) -> Iterable[Line]:
    locked = locked_addresses(preview)
    yield line(f"Lock {counted(len(locked), 'e-mail address', 'e-mail addresses')}", locked)
    yield line(f"Refuse everyone who comes to {preview.organization.name} from now on, in every geo")
    yield line("Tell its owner and admins by mail", (user.email for user in preview.scope.admins))


def _keeps(preview: DeactivationPreview) -> list[Line]:
    return [
        line(
            f"Stop {what_runs_on(preview)}: they run on without new configuration, and only their operator stops them"
        ),
        line("Close anybody's account, or touch their other organizations"),
        line("Recall licenses already received"),
        line("Change issued invoices"),
        line("Delete anything: members, usage and events are kept"),
    ]


def _undoing(preview: DeactivationPreview) -> list[Line]:
    return [
        line(f"Support can reactivate {preview.organization.name} until {absolute(preview.purge_at)}"),
        *what_is_gone(),
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
        _owner_after(preview),
        line("Members, billing history and events: they were kept"),
        line("New licenses, and the inactivity clock at zero"),
    ]
    if preview.locks:
        lines.append(line(f"Released: {counted(len(preview.locks), 'address lock')}", map(str, preview.locks)))
    if preview.returning:
        returning = counted(len(preview.returning), "control plane")
        lines.append(line(f"{returning}: taking down has not begun", map(named, preview.returning)))
    return lines


def _owner_after(preview: ReactivationPreview) -> Line:
    if preview.needs_owner:
        return line("Whoever owns it then is in Organization Admin; the account of its owner is closed")
    return line("Its owner is in Organization Admin", [preview.organization.owner.email])


def _can_come_back(preview: ReactivationPreview) -> list[Line]:
    counts = preview.counts
    if not counts["people"]:
        return [line("Nobody was in a team or had a role")]
    what = several((counts["team_memberships"], "team place"), (counts["role_assignments"], "role"))
    return [line(f"{counted(counts['people'], 'person', 'people')}: {what}", _names_of(preview.people.people))]


def _gone(preview: ReactivationPreview) -> Iterable[Line]:
    if preview.gone:
        gone = counted(len(preview.gone), "control plane")
        yield line(f"{gone}: taking down has begun, and is finished", map(named, preview.gone))
    if preview.ended_subscriptions:
        yield line(f"{counted(preview.ended_subscriptions, 'subscription')}: a new one has to be chosen")
    if preview.revoked_tokens:
        yield line(f"{counted(preview.revoked_tokens, 'token')}: new ones have to be made")
    if preview.people.gone:
        lost = counted(len(preview.people.gone), "team place or role", "team places or roles")
        yield line(lost, preview.people.gone)
    yield line("Invitations that were open: new ones have to be mailed")


def of_take_down(control_planes: list[ControlPlane]) -> list[Column]:
    taken = counted(len(control_planes), "control plane")
    names = [f"{each} ({each.geo})" for each in control_planes]
    return [
        Column("This will", "stop", [line(f"Take {taken} down now", names)]),
        Column("This will not", "keep", [line("Stop nodes and zones: they run on without new configuration")]),
        Column("Undoing it", "undo", [line("It can't be undone: what was taken down does not come back")]),
    ]


KEPT_BY_HOLD = {
    State.ACTIVE: ["Take nothing down, whoever deactivates it", "Keep the inactivity check from deactivating it"],
    State.INACTIVE: ["Keep everything: nothing is purged", "Refuse to reactivate it"],
}
LET_BY_RELEASE = {
    State.ACTIVE: ["Let the inactivity check deactivate it"],
    State.INACTIVE: ["Let support reactivate it", "Let it be purged when its time has come"],
}


def of_hold(organization: Organization, control_planes: list[ControlPlane]) -> list[Column]:
    """`control_planes` are those on their way down."""
    waiting, begun = _by_beginning(control_planes)
    told = [line(f"Keep what waits to be taken down: {counted(len(waiting), 'control plane')}", waiting)]
    going = [line(f"Stop what a geo is already doing to {counted(len(begun), 'control plane')}", begun)]
    return [
        Column(
            "Until it ends, this will",
            "stop",
            [
                *(told if waiting else []),
                *(line(text) for text in KEPT_BY_HOLD[State(organization.state)]),
            ],
        ),
        Column(
            "This will not",
            "keep",
            [
                *(going if begun else []),
                line("Keep its owner or support from deactivating it"),
                line("Change anything for its people, or tell them"),
            ],
        ),
        Column(
            "Undoing it",
            "undo",
            [line("It ends by itself at the moment that you choose"), line("A lead can release it before")],
        ),
    ]


def of_release(organization: Organization, control_planes: list[ControlPlane]) -> list[Column]:
    """`control_planes` are those on their way down."""
    names = [f"{each} ({each.geo})" for each in control_planes]
    taken = line(f"Let the taking down of {counted(len(names), 'control plane')} go on, each at its time", names)
    return [
        Column(
            "This will",
            "stop",
            [
                *([taken] if names else []),
                *(line(text) for text in LET_BY_RELEASE[State(organization.state)]),
            ],
        ),
        Column("This will not", "keep", [line(f"Reactivate, deactivate or purge {organization.name} now")]),
        Column(
            "Undoing it",
            "undo",
            [line("It can be put on hold again; what was begun meanwhile goes on")],
        ),
    ]


def of_going_on(organization: Organization, control_planes: list[ControlPlane]) -> list[Column]:
    """`control_planes` are those on their way down."""
    waiting, begun = _by_beginning(control_planes)
    taken = line(f"Take {counted(len(waiting), 'control plane')} down, each at its time", waiting)
    gone = line(f"Bring back {counted(len(begun), 'control plane')} whose taking down has begun", begun)
    return [
        Column(
            "This will",
            "stop",
            [
                *([taken] if waiting else []),
                line(f"Take {organization.name} off the list of those whose usage came late"),
            ],
        ),
        Column(
            "This will not",
            "keep",
            [
                *([gone] if begun else []),
                line(f"Reactivate {organization.name}: it stays deactivated for inactivity"),
                line("Bill the usage that came late"),
            ],
        ),
        Column(
            "Undoing it",
            "undo",
            [
                line("What is taken down does not come back"),
                line(f"Support can reactivate {organization.name} as long as its data is kept"),
            ],
        ),
    ]


def _by_beginning(control_planes: list[ControlPlane]) -> tuple[list[str], list[str]]:
    """The names of those whose taking down has not begun, and of those where it has."""
    waiting = [f"{each} ({each.geo})" for each in control_planes if each.begun_at is None]
    return waiting, [f"{each} ({each.geo})" for each in control_planes if each.begun_at]


def of_owner(organization: Organization, admins: list[User], members: int) -> list[Column]:
    """`admins` are those in Organization Admin besides the owner, `members` how many could be named."""
    follows = organization.contact_email == organization.owner.email
    contact = f"the contact e-mail {organization.contact_email}"
    return [
        Column(
            "This will",
            "stop",
            [
                line(
                    f"Make the member whom you name the owner of {organization.name} instead of",
                    [_of(organization.owner)],
                ),
                line("Put them into Organization Admin"),
                *([line(f"Let {contact} follow: it becomes theirs")] if follows else []),
                line("Tell old owner, new owner and admins by mail", map(_of, [organization.owner, *admins])),
            ],
        ),
        Column(
            "This will not",
            "keep",
            [
                line("Take anybody out of a team, the old owner among them"),
                *([] if follows else [line(f"Change {contact}, which was set apart")]),
                line("End sessions or tokens"),
            ],
        ),
        Column(
            "Who can be named",
            "undo",
            [
                line(counted(members, "other member") + " with an open account"),
                line(f"In Organization Admin: {len(admins)}", map(_of, admins)),
            ],
        ),
    ]


def _of(person: User) -> str:
    return f"{person} ({person.email})" if person.full_name else person.email


def of_unlock(
    address: str,
    locks: list[EmailLock],
    released: list[EmailLock],
    trial: TrialClaim | None,
    unlocked: datetime | None,
) -> list[Column]:
    """`trial` is what the address has had, `unlocked` when it was last unlocked within 12 months (P54)."""
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
                line("Give the address another trial" if trial else "Take anything from anybody"),
            ],
        ),
        Column(
            "What is known of the address",
            "undo",
            [
                line(f"It had its trial on {absolute(trial.claimed_at)}" if trial else "It has had no trial"),
                line(
                    counted(len(released), "earlier lock") if released else "It was never locked before",
                    map(_earlier, released),
                ),
                line(f"It was unlocked on {absolute(unlocked)}" if unlocked else "It was not unlocked within a year"),
                line("Only a new deactivation locks it again"),
            ],
        ),
    ]


def _earlier(lock: EmailLock) -> str:
    ended = absolute(lock.released_at) if lock.released_at else ""
    return f"{lock.organization}: {absolute(lock.locked_at)} to {ended}"


def _names_of(ids: set[UUID]) -> list[str]:
    people = User.objects.filter(pk__in=ids).order_by("full_name", "email")
    return [*map(str, people), *map(str, SystemAccount.objects.filter(pk__in=ids))]
