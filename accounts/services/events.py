"""One event for each act (P47): ids and counts for good, and beside them, erasable, who and what was concerned."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import (
    AccessToken,
    EventSubject,
    Invitation,
    LifecycleEvent,
    SystemAccount,
    Team,
    User,
)
from accounts.words import Act, Via

type Actor = User | SystemAccount
type Subject = User | SystemAccount | Team | AccessToken | Invitation | str
"""A bare string is an address of contact."""


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
    event = LifecycleEvent.objects.create(
        organization_id=organization_id,
        act=act,
        at=at or timezone.now(),
        actor_id=actor.pk if actor else None,
        via=via,
        note=note,
        ticket=ticket,
        proof=proof,
        remote_address=address,
        details=dict(details or {}),
    )
    subjects = [subject_of(event, thing) for thing in about]
    if actor is not None:
        subjects.append(subject_of(event, actor, EventSubject.Part.ACTOR))
    EventSubject.objects.bulk_create(subjects)
    return event


def subject_of(event: LifecycleEvent, thing: Subject, part: EventSubject.Part | None = None) -> EventSubject:
    """Who or what an event is about, by id, name and address as they are now."""
    kind, name, address = _described(thing)
    subject_id = None if isinstance(thing, str) else thing.pk
    return EventSubject(event=event, part=part or kind, subject_id=subject_id, name=name, address=address)


def _described(thing: Subject) -> tuple[EventSubject.Part, str, str]:
    match thing:
        case User():
            return EventSubject.Part.MEMBER, thing.full_name, thing.email
        case SystemAccount():
            return EventSubject.Part.SYSTEM_ACCOUNT, thing.name, ""
        case Team():
            return EventSubject.Part.TEAM, thing.name, ""
        case AccessToken():
            return EventSubject.Part.TOKEN, thing.name[:250], ""
        case str():
            return EventSubject.Part.CONTACT, "", thing
    return EventSubject.Part.INVITED, "", thing.email
