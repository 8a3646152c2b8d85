"""What stands beside an organization imported as deactivated: its event, who had which teams, the locks (P45, P47)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from accounts.importing.lines import MemberLine
from accounts.importing.opening import Opening
from accounts.models import EventSubject, LifecycleEvent
from accounts.services.locks import lock_addresses
from accounts.words import Act, Reason, Via

type Teams = dict[tuple[UUID, str], UUID]


def write_deactivations(openings: Sequence[Opening], teams: Teams, *, at: datetime) -> None:
    """One event each, with the teams of the line for P52 to restore, and live locks on contact and owner address."""
    events = [_event(opening, teams) for opening in openings]
    LifecycleEvent.objects.bulk_create(events)
    EventSubject.objects.bulk_create(
        subject
        for opening, event in zip(openings, events, strict=True)
        for subject in _subjects(opening, event, teams)
    )
    lock_addresses(events, {opening.id: opening.line.addresses for opening in openings}, at=at)


def _event(opening: Opening, teams: Teams) -> LifecycleEvent:
    return LifecycleEvent(
        id=opening.event_id,
        organization_id=opening.id,
        act=Act.DEACTIVATED,
        at=opening.at,
        via=Via.IMPORT,
        reason=Reason.IMPORTED,
        details=_details(opening, teams),
    )


def _details(opening: Opening, teams: Teams) -> dict[str, object]:
    """Told like any other deactivation: what ended, by id and count."""
    subscription = opening.subscription
    members = [member for member in opening.line.members if member.teams]
    ids: dict[str, list[str]] = {
        "subscriptions": [str(subscription.id)] if subscription and subscription.ended_at else [],
        "control_planes": [str(control_plane.id) for control_plane in opening.control_planes],
        "people": sorted(str(opening.people[member.email]) for member in members),
        "teams": sorted({team for member in members for team in _teams(opening, member, teams)}),
    }
    return {
        **ids,
        "counts": {kind: len(found) for kind, found in ids.items()}
        | {
            "addresses": len(opening.line.addresses),
            "nodes_left_running": sum(told.nodes for told in opening.line.control_planes),
            "zones_left_running": sum(told.zones or 0 for told in opening.line.control_planes),
        },
        "owner": str(opening.organization.owner_id),
        "take_down_at": opening.at.isoformat(),
    }


def _subjects(opening: Opening, event: LifecycleEvent, teams: Teams) -> list[EventSubject]:
    line = opening.line
    owner = next(member for member in line.members if member.email == line.owner_email)
    return [
        EventSubject(event=event, part=EventSubject.Part.OWNER, **_person(opening, owner)),
        EventSubject(event=event, part=EventSubject.Part.CONTACT, address=line.email),
        *(
            EventSubject(
                event=event,
                part=EventSubject.Part.MEMBER,
                had={"teams": _teams(opening, member, teams), "roles": []},
                **_person(opening, member),
            )
            for member in line.members
            if member.teams
        ),
    ]


def _person(opening: Opening, member: MemberLine) -> dict[str, object]:
    return {"subject_id": opening.people[member.email], "name": member.full_name, "address": member.email}


def _teams(opening: Opening, member: MemberLine, teams: Teams) -> list[str]:
    return [str(teams[opening.id, name]) for name in opening.team_names(member)]
