"""What happened in an organization, as its own people read it: who did what, when and from where (P47).

Customers see the reason of a deactivation that is meant for them; notes, tickets and the names of staff stay inside.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from accounts.catalogue import EVERYWHERE
from accounts.models import EventSubject, LifecycleEvent
from accounts.words import Act, Reason, Via
from geos.models import ControlPlane

Part = EventSubject.Part
NAMED = 5
"""Names told of each thing; beyond that it says how many more."""
ERASED = "somebody whose name was erased"

SENTENCES = {
    Act.OPENED: "opened the organization",
    Act.DEACTIVATED: "deactivated the organization because {reason}",
    Act.REACTIVATED: "reactivated the organization",
    Act.TAKE_DOWN_HASTENED: "had the control planes taken down at once",
    Act.OWNERSHIP_TRANSFERRED: "made {heir} the owner",
    Act.ORGANIZATION_CHANGED: "changed its {fields}",
    Act.CONTACT_CHANGED: "changed the contact e-mail",
    Act.PEOPLE_INVITED: "invited {invited}",
    Act.INVITATION_RESENT: "sent the invitation to {invited} again",
    Act.INVITATION_REVOKED: "revoked the invitation to {invited}",
    Act.JOINED: "joined",
    Act.MEMBER_LEFT: "left",
    Act.MEMBER_REMOVED: "removed {member}",
    Act.TEAM_CREATED: "created the team {team}",
    Act.TEAM_CHANGED: "changed the team {team}",
    Act.TEAM_DELETED: "deleted the team {team}",
    Act.TEAM_JOINED: "added {holder} to the team {team}",
    Act.TEAM_LEFT: "took {holder} out of the team {team}",
    Act.ROLE_ASSIGNED: "gave {holder} the role {role}",
    Act.ROLE_REMOVED: "took the role {role} from {holder}",
    Act.SYSTEM_ACCOUNT_CREATED: "made the system account {account}",
    Act.SYSTEM_ACCOUNT_CHANGED: "changed the system account {account}",
    Act.SYSTEM_ACCOUNT_DELETED: "deleted the system account {account} and its tokens",
    Act.TOKEN_CREATED: "made the token {token} for {holder}",
    Act.TOKEN_CHANGED: "renamed a token of {holder} to {token}",
    Act.TOKEN_REVOKED: "revoked the token {token} of {holder}",
    Act.TOKEN_DELETED: "deleted the token {token} of {holder}",
    Act.CONTRACT_BEGUN: "began the Enterprise contract {contract}",
    Act.CONTRACT_CHANGED: "changed the Enterprise contract {contract}",
    Act.CONTRACT_ENDED: "ended the Enterprise contract {contract}",
}
"""What each act is called after its actor's name. An act without a sentence is none of an organization's history."""

KINDS = {
    "people": (
        "People",
        [
            Act.PEOPLE_INVITED,
            Act.INVITATION_RESENT,
            Act.INVITATION_REVOKED,
            Act.JOINED,
            Act.MEMBER_LEFT,
            Act.MEMBER_REMOVED,
        ],
    ),
    "teams": (
        "Teams and roles",
        [
            Act.TEAM_CREATED,
            Act.TEAM_CHANGED,
            Act.TEAM_DELETED,
            Act.TEAM_JOINED,
            Act.TEAM_LEFT,
            Act.ROLE_ASSIGNED,
            Act.ROLE_REMOVED,
        ],
    ),
    "tokens": (
        "System accounts and tokens",
        [
            Act.SYSTEM_ACCOUNT_CREATED,
            Act.SYSTEM_ACCOUNT_CHANGED,
            Act.SYSTEM_ACCOUNT_DELETED,
            Act.TOKEN_CREATED,
            Act.TOKEN_CHANGED,
            Act.TOKEN_REVOKED,
            Act.TOKEN_DELETED,
        ],
    ),
    "organization": (
        "The organization itself",
        [
            Act.OPENED,
            Act.DEACTIVATED,
            Act.REACTIVATED,
            Act.TAKE_DOWN_HASTENED,
            Act.OWNERSHIP_TRANSFERRED,
            Act.ORGANIZATION_CHANGED,
            Act.CONTACT_CHANGED,
            Act.CONTRACT_BEGUN,
            Act.CONTRACT_CHANGED,
            Act.CONTRACT_ENDED,
        ],
    ),
}
"""What a reader can narrow the history to."""

NOBODY_OF_THEIRS = {
    Via.ADMIN: "Support",
    Via.COMMAND: "Support",
    Via.BULK: "Support",
    Via.CHECK: "The inactivity check",
    Via.IMPORT: "The import",
    Via.WORKER: "The portal",
}
"""Who acted through a door that is not the organization's own."""


def events_of(organization_id: UUID, *, kind: str = "") -> QuerySet[LifecycleEvent]:
    """The organization's events with whom they are about, in two queries; of everybody whom a deactivation let go,
    which may be thousands, only who deactivated."""
    acts = KINDS[kind][1] if kind in KINDS else list(SENTENCES)
    return with_subjects(LifecycleEvent.objects.filter(organization_id=organization_id, act__in=acts))


def with_subjects(events: QuerySet[LifecycleEvent]) -> QuerySet[LifecycleEvent]:
    """Events with whom they are about, and the name of the control plane that a role is limited to (`entity_name`)."""
    told = EventSubject.objects.filter(~Q(event__act=Act.DEACTIVATED) | Q(part=Part.ACTOR)).order_by("pk")
    entity = Cast(KeyTextTransform("entity_id", OuterRef("details")), UUIDField())
    control_plane = ControlPlane.objects.filter(pk=entity, organization=OuterRef("organization_id"))
    return events.annotate(entity_name=Subquery(control_plane.values("name"))).prefetch_related(
        Prefetch("subjects", told)
    )


@dataclass(frozen=True)
class Told:
    """An event as a line of the history."""

    at: datetime
    act: str
    who: str
    what: str
    door: str
    address: str
    about: list[dict[str, str | None]]

    @property
    def sentence(self) -> str:
        return f"{self.who} {self.what}"


def told(event: LifecycleEvent) -> Told:
    """What a customer may read of an event that `events_of` gave."""
    subjects = list(event.subjects.all())
    is_theirs = event.via not in NOBODY_OF_THEIRS
    return Told(
        at=event.at,
        act=event.act,
        who=_actor(event, subjects) if is_theirs else NOBODY_OF_THEIRS[Via(event.via)],
        what=SENTENCES[Act(event.act)].format_map(_words(event, subjects)),
        door=event.get_via_display() if is_theirs else "",
        address=(event.remote_address or "") if is_theirs else "",
        about=[_thing(subject) for subject in subjects if is_theirs or subject.part != Part.ACTOR],
    )


def _actor(event: LifecycleEvent, subjects: list[EventSubject]) -> str:
    acting = (subject for subject in subjects if subject.part == Part.ACTOR or subject.subject_id == event.actor_id)
    return next((name for subject in acting if (name := subject.name or subject.address)), ERASED.capitalize())


def _words(event: LifecycleEvent, subjects: list[EventSubject]) -> Mapping[str, str]:
    """What the sentence's blanks are filled with."""
    names: dict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        names[subject.part].append(name_of(subject))
        if str(subject.subject_id) == event.details.get("to"):
            names["heir"] = [name_of(subject)]
    holders = names[Part.MEMBER] or names[Part.SYSTEM_ACCOUNT] or names[Part.TEAM]
    return {
        "invited": several(names[Part.INVITED]),
        "member": several(names[Part.MEMBER]),
        "account": several(names[Part.SYSTEM_ACCOUNT]),
        "team": several(names[Part.TEAM]),
        "token": several(names[Part.TOKEN]),
        "heir": several(names["heir"]),
        "holder": several(holders),
        "role": role_of(event),
        "fields": several([field.replace("_", " ") for field in event.details.get("fields", ())]),
        "contract": event.details.get("contract_number", ""),
        "reason": Reason(event.reason).public_sentence if event.reason else "",
    }


def name_of(subject: EventSubject) -> str:
    return subject.name or subject.address or ERASED


def several(names: list[str]) -> str:
    """ "A, B and C", of many the first and how many more."""
    shown = names[:NAMED]
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    if len(shown) < 2:
        return "".join(shown) or ERASED
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def role_of(event: LifecycleEvent) -> str:
    """ "Admin of Control Planes in eu, for shop alone". Empty where the event is of no role.

    What a role is limited to is told by its id where it has no name here.
    """
    details = event.details
    if "role_name" not in details:
        return ""
    role = f"{details['role_name']} of {details['entity_type_name']}"
    if details["entity_region"] != EVERYWHERE:
        role += f" in {details['entity_region']}"
    if details["entity_id"] is not None:
        role += f", for {getattr(event, 'entity_name', None) or details['entity_id']} alone"
    return role


def _thing(subject: EventSubject) -> dict[str, str | None]:
    return {
        "kind": subject.part,
        "id": str(subject.subject_id) if subject.subject_id else None,
        "name": subject.name,
        "address": subject.address,
    }


def whole_history(organization_id: UUID, *, kind: str = "") -> Iterator[Told]:
    """Every event, newest first, read in sets so that memory does not grow with the history."""
    return (told(event) for event in events_of(organization_id, kind=kind).iterator(chunk_size=500))
