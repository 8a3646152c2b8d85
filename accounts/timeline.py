"""Everything of a case in one order, the newest first: what each floor tells of an organization, merged by moment.

A page costs a fixed number of statements however long the history is: each teller is asked for one page from the
reader's place on. Ids are turned into names as they are now; an erased name shows as one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge, nlargest
from itertools import batched
from operator import itemgetter
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q

from accounts.models import (
    CaseNote,
    EmailLock,
    EventSubject,
    InactivityNotice,
    LifecycleEvent,
    StaffLookup,
    SupportRequest,
    SystemAccount,
    User,
)
from accounts.services.history import ERASED, name_of, role_of, several, with_subjects
from accounts.words import Act, Via
from billing.services import BILLING_TOLD
from geos.services import attempts_told, control_planes_by_id
from konnect_portal.foundation.facts import Before, Fact, Teller, newest, teller
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.moments import absolute

PAGE_SIZE = 50
SET_SIZE = 500
NAMED = 20
"""Control planes told by name in one line's details."""
BY_SUPPORT = (Via.ADMIN, Via.COMMAND, Via.BULK)
Part = EventSubject.Part


def _events(by_support: bool) -> Teller:
    """Those that support did, or those that the customer, the check and the portal itself did."""
    door = Q(via__in=BY_SUPPORT)

    def told(organization_id: UUID, before: Before | None, most: int) -> list[Fact]:
        rows = LifecycleEvent.objects.filter(door if by_support else ~door, organization_id=organization_id)
        return _told_events(organization_id, newest(with_subjects(rows), "at", before, most))

    return told


def _unlockings(organization_id: UUID, before: Before | None, most: int) -> list[Fact]:
    """The unlocking of its addresses, which is an event of no organization (P54)."""
    released = EmailLock.objects.filter(organization=organization_id, released_event_id__isnull=False)
    rows = LifecycleEvent.objects.filter(pk__in=released.values("released_event_id"), act=Act.EMAIL_UNLOCKED)
    return _told_events(organization_id, newest(with_subjects(rows), "at", before, most))


def _told_events(organization_id: UUID, events: list[LifecycleEvent]) -> list[Fact]:
    ids = {UUID(id) for event in events for id in event.details.get("control_planes", ())[:NAMED]}
    control_planes = control_planes_by_id(organization_id, ids)
    return [_event(event, control_planes) for event in events]


def _event(event: LifecycleEvent, control_planes: dict) -> Fact:
    named = event.details.get("control_planes", ())
    shown = [str(control_planes.get(UUID(id), id)) for id in named[:NAMED]]
    counts = event.details.get("counts", {})
    details = {
        "Reason": event.get_reason_display() if event.reason else "",
        "Note": event.note,
        "Ticket": event.ticket,
        "Identity": event.get_proof_display() if event.proof else "",
        "Through": event.get_via_display(),
        "From": event.remote_address or "",
        "Changed": ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counts.items() if count),
        "Control planes": ", ".join(shown) + (f" and {len(named) - NAMED} more" if len(named) > NAMED else ""),
    }
    actor = next((each for each in event.subjects.all() if each.part == Part.ACTOR), None)
    who = (actor.name or actor.address) if actor else ""
    return Fact(event.at, event.pk, event.get_act_display(), _about(event), event.actor_id, who, details)


def _about(event: LifecycleEvent) -> str:
    """Whom or what it concerned, the reason where that says more, or what of the settings changed."""
    if event.reason:
        return event.get_reason_display()
    subjects = list(event.subjects.all())
    owned = any(subject.part == Part.OWNER for subject in subjects)
    left_out = {Part.ACTOR, Part.OWNER, *([Part.CONTACT] if owned else [])}
    names = [name_of(subject) for subject in subjects if subject.part not in left_out]
    fields = [field.replace("_", " ") for field in event.details.get("fields", ())]
    return ": ".join(filter(None, [several(names or fields) if names or fields else "", role_of(event)]))


def _lookup(row: StaffLookup) -> Fact:
    return Fact(row.at, row.pk, "Looked up", by=row.staff_id)


def _mail(mail: Mail) -> Fact:
    details = {
        "Delivery": mail.email.get_status_display() or "waiting",
        "Came back": absolute(mail.bounced_at) if mail.bounced_at else "",
        "Refused": absolute(mail.refused_at) if mail.refused_at else "",
        "Kind": mail.kind.replace("_", " "),
    }
    state = "came back" if mail.bounced_at else details["Delivery"].lower()
    about = f"“{mail.email.subject}” to {', '.join(mail.email.to) or ERASED}"
    return Fact(mail.email.created, mail.pk, f"Mail {state}", about, details=details)


def _notice(notice: InactivityNotice) -> Fact:
    moments = {
        "Inactive from": notice.inactive_at,
        "Announced for": notice.announced_at,
        "Accepted": notice.accepted_at,
        "Undeliverable": notice.undeliverable_at,
        "Void": notice.voided_at,
    }
    details = {name: absolute(at) for name, at in moments.items() if at}
    return Fact(notice.created_at, notice.pk, "Notice of inactivity", str(notice), details=details)


def _request(request: SupportRequest) -> Fact:
    confirmed = absolute(request.confirmed_at) if request.confirmed_at else "Not yet"
    details = {
        "In their words": request.text,
        "Identity": request.get_proof_display(),
        "Mailed to": request.email,
        "Confirmed": confirmed,
    }
    return Fact(request.asked_at, request.pk, "Asked for", str(request), request.asked_by_id, details=details)


def _note(note: CaseNote) -> Fact:
    details = {"Note": note.text, "Ticket": note.ticket}
    return Fact(note.at, note.pk, "Note", note.text.splitlines()[0][:120], note.author_id, details=details)


_requests = teller(lambda id: SupportRequest.objects.filter(organization=id), "asked_at", _request)
_notices = teller(lambda id: InactivityNotice.objects.filter(organization=id), "created_at", _notice)
_mails = teller(lambda id: Mail.objects.filter(organization_id=id).select_related("email"), "email__created", _mail)
_notes = teller(lambda id: CaseNote.objects.filter(organization=id), "at", _note)
_lookups = teller(lambda id: StaffLookup.objects.filter(target_id=id), "at", _lookup)

LOOKUPS = "lookups"
KINDS: dict[str, tuple[str, tuple[Teller, ...]]] = {
    "customer": ("The organization", (_events(by_support=False),)),
    "support": ("Support", (_events(by_support=True), _unlockings)),
    "notes": ("Notes", (_notes,)),
    "requests": ("Requests", (_requests,)),
    "mails": ("Mails", (_mails,)),
    "notices": ("Notices", (_notices,)),
    "taking-down": ("Taking down", (attempts_told,)),
    "billing": ("Billing", BILLING_TOLD),
    LOOKUPS: ("Lookups", (_lookups,)),
}
"""What a reader can narrow the timeline to, and who tells it."""


@dataclass(frozen=True)
class Entry:
    """A line of the timeline, with the name of who did it."""

    at: datetime
    kind: str
    what: str
    about: str
    who: str
    details: dict[str, str]


@dataclass(frozen=True)
class Page:
    """Lines in order, and the place after the last one where more follow."""

    entries: list[Entry]
    after: str | None


type Place = tuple[datetime, int, UUID | int]
"""The moment of a line, its teller's rank among those asked, and its id."""
type Line = tuple[Place, str, Fact]
"""With its kind."""


def timeline(
    organization_id: UUID, *, kind: str = "", after: str | None = None, size: int = PAGE_SIZE, without: str = ""
) -> Page:
    """The page that follows the place `after`, of one kind or of all but `without`. What is no place is the start."""
    told = _tellers(kind, without)
    place = _place(after, len(told))
    found: list[Line] = [
        ((fact.at, rank, fact.id), name, fact)
        for rank, (name, tell) in enumerate(told)
        for fact in tell(organization_id, _before(place, rank), size + 1)
    ]
    newest_first = nlargest(size + 1, found, key=itemgetter(0))
    lines = newest_first[:size]
    return Page(_entries(lines), _written(lines[-1][0]) if len(newest_first) > size else None)


def whole_timeline(organization_id: UUID, *, kind: str = "") -> Iterator[Entry]:
    """Every line, each teller read once and in sets, so that memory does not grow with the history."""
    streams = [_stream(organization_id, rank, *told) for rank, told in enumerate(_tellers(kind, ""))]
    for lines in batched(merge(*streams, key=itemgetter(0), reverse=True), SET_SIZE):
        yield from _entries(lines)


def _stream(organization_id: UUID, rank: int, name: str, tell: Teller) -> Iterator[Line]:
    """All that one teller tells, the newest first."""
    before = None
    while facts := tell(organization_id, before, SET_SIZE):
        yield from (((fact.at, rank, fact.id), name, fact) for fact in facts)
        before = Before(facts[-1].at, facts[-1].id)


def _tellers(kind: str, without: str) -> list[tuple[str, Teller]]:
    chosen = [kind] if kind in KINDS else [name for name in KINDS if name != without]
    return [(name, tell) for name in chosen for tell in KINDS[name][1]]


def _before(place: Place | None, rank: int) -> Before | None:
    """Where a teller stands at a place: of that moment, higher ranks are told already, lower ones not yet."""
    if place is None:
        return None
    at, at_rank, id = place
    return Before(at, id if rank == at_rank else None, whole_moment=rank < at_rank)


def _written(place: Place) -> str:
    at, rank, id = place
    return f"{at.astimezone(UTC).isoformat()}~{rank}~{id}"


def _place(text: str | None, ranks: int) -> Place | None:
    try:
        at, rank, id = (text or "").split("~")
        moment, number = datetime.fromisoformat(at), int(rank)
        key = int(id) if id.isascii() and id.isdigit() and len(id) <= 18 else UUID(id)
    except (ValueError, ValidationError):
        return None
    return (moment, number, key) if moment.tzinfo and number in range(ranks) else None


def _entries(lines: Sequence[Line]) -> list[Entry]:
    names = _names({fact.by for _, _, fact in lines if fact.by})
    return [
        Entry(
            at=fact.at,
            kind=kind,
            what=fact.what,
            about=fact.about,
            who=(names.get(fact.by) or fact.who or ERASED) if fact.by else "",
            details={name: text for name, text in fact.details.items() if text},
        )
        for _, kind, fact in lines
    ]


def _names(ids: Collection[UUID]) -> dict[UUID, str]:
    """Of people and system accounts, as they are called now."""
    people = User.objects.filter(pk__in=ids).only("full_name", "email")
    return {who.pk: str(who) for who in (*people, *SystemAccount.objects.filter(pk__in=ids))}
