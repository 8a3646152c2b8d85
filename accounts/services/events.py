"""One event for each act (P47): ids and counts for good, and beside them, erasable, who and what was concerned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import (
    AccessToken,
    EventSubject,
    Invitation,
    LifecycleEvent,
    OwnerInvitation,
    SystemAccount,
    Team,
    User,
)
from accounts.words import Act, Via

type Actor = User | SystemAccount
type Subject = User | SystemAccount | Team | AccessToken | Invitation | OwnerInvitation | str
"""A bare string is an address of contact."""


@dataclass(frozen=True)
class Told:
    """What one event says: of which organization, about whom and what, with which ids and counts."""

    organization_id: UUID | None
    about: Iterable[Subject] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def record_event(
    act: Act,
    *,
    organization_id: UUID | None,
    actor: Actor | None,
    via: Via,
    address: str | None = None,
    at: datetime | None = None,
    about: Iterable[Subject] = (),
    details: Mapping[str, Any] | None = None,
    note: str = "",
    ticket: str = "",
    proof: str = "",
) -> LifecycleEvent:
    """Write, in the act's own transaction, that it happened: `about` whom and what, who did it and from where.

    `details` holds ids, counts and words of the catalogue, never names or addresses of people.
    """
    told = Told(organization_id, about, details or {})
    said = {"note": note, "ticket": ticket, "proof": proof}
    [event] = record_events(act, [told], actor=actor, via=via, address=address, at=at, **said)
    return event


def record_events(
    act: Act,
    told: Iterable[Told],
    *,
    actor: Actor | None,
    via: Via,
    address: str | None = None,
    at: datetime | None = None,
    **said: str,
) -> list[LifecycleEvent]:
    """`record_event` for one act on many organizations, in a fixed number of statements."""
    told = list(told)
    at = at or timezone.now()
    events = LifecycleEvent.objects.bulk_create(
        LifecycleEvent(
            organization_id=each.organization_id,
            act=act,
            at=at,
            actor_id=actor.pk if actor else None,
            via=via,
            remote_address=address,
            details=dict(each.details),
            **said,
        )
        for each in told
    )
    subjects = [subject_of(event, thing) for event, each in zip(events, told, strict=True) for thing in each.about]
    if actor is not None:
        subjects += [subject_of(event, actor, EventSubject.Part.ACTOR) for event in events]
    EventSubject.objects.bulk_create(subjects)
    return events


def subject_of(event: LifecycleEvent, thing: Subject, part: EventSubject.Part | None = None) -> EventSubject:
    """Who or what an event is about, by id, name and address as they are now."""
    kind, name, address = _described(thing)
    subject_id = None if isinstance(thing, str) else thing.pk
    return EventSubject(event=event, part=part or kind, subject_id=subject_id, name=name, address=address)


def _described(thing: Subject) -> tuple[EventSubject.Part, str, str]:
    match thing:
        case User():
            part = EventSubject.Part.STAFF if thing.is_staff else EventSubject.Part.MEMBER
            return part, thing.full_name, thing.email
        case SystemAccount():
            return EventSubject.Part.SYSTEM_ACCOUNT, thing.name, ""
        case Team():
            return EventSubject.Part.TEAM, thing.name, ""
        case AccessToken():
            return EventSubject.Part.TOKEN, thing.name[:250], ""
        case str():
            return EventSubject.Part.CONTACT, "", thing
    return EventSubject.Part.INVITED, "", thing.email
