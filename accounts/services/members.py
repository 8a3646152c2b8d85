"""Members: taken out of an organization by those who manage people, or gone by themselves (P2)."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import (
    AccessToken,
    Invitation,
    LifecycleEvent,
    Membership,
    Organization,
    RoleAssignment,
    TeamMembership,
    User,
)
from accounts.services.events import Actor, Told, record_events
from accounts.words import Act, Via
from konnect_portal.foundation.outbox import NewMail, queue_mails


class MemberError(Exception):
    """Nobody was taken out; the text says why, worded for people. `field` is what it is about."""

    def __init__(self, text: str, field: str = "user") -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def remove_member(organization_id: UUID, user_id: UUID, *, actor: Actor, via: Via, address: str | None = None) -> None:
    """Take a member out of an active organization, with their teams, roles and tokens in it, and tell them by mail.

    Their account and other organizations are untouched, and so is when somebody last used this one (P62). Whoever
    takes out themselves has left: nobody is told. Raises MemberError for the owner (P2), Membership.DoesNotExist for
    who is no member, Organization.DoesNotExist.
    """
    at = timezone.now()
    organization = Organization.objects.hold(organization_id)
    person = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    membership = Membership.objects.select_related("organization", "user").get(organization=organization, user=person)
    if organization.owner_id == user_id:
        raise MemberError(f"{organization.name} has no other owner yet. Hand ownership over first.")
    [event] = let_go([membership], actor=actor, via=via, address=address, at=at)
    if event.act == Act.MEMBER_REMOVED:
        queue_mails([_mail(membership, event)])


def leave(organization_id: UUID, *, actor: User, via: Via, address: str | None = None) -> None:
    """Leave an active organization, as `remove_member` has it. The owner can't (P2)."""
    remove_member(organization_id, actor.pk, actor=actor, via=via, address=address)


def let_go(
    memberships: Collection[Membership], *, actor: Actor, via: Via, address: str | None, at: datetime
) -> list[LifecycleEvent]:
    """End memberships of one person with all that hangs on them, open invitations of their address among it.

    In a fixed number of statements, with one event for each organization. The caller holds organizations and person.
    """
    if not memberships:
        return []
    person = next(iter(memberships)).user
    ids = [membership.organization_id for membership in memberships]
    of_theirs: dict[str, Any] = {"organization_id__in": ids, "user": person}
    tokens = list(AccessToken.objects.filter(**of_theirs).order_by("created_at", "pk"))
    gone = {
        "tokens": _delete(AccessToken.objects.filter(**of_theirs)),
        "team_memberships": _delete(TeamMembership.objects.filter(**of_theirs)),
        "role_assignments": _delete(RoleAssignment.objects.filter(**of_theirs)),
        "invitations": _revoke(Invitation.objects.filter(organization_id__in=ids, email=person.email).waiting(), at),
    }
    Membership.objects.filter(pk__in=[membership.pk for membership in memberships]).delete()
    return record_events(
        Act.MEMBER_LEFT if actor == person else Act.MEMBER_REMOVED,
        [_told(id, person, [token for token in tokens if token.organization_id == id], gone) for id in ids],
        actor=actor,
        via=via,
        address=address,
        at=at,
    )


def _delete(rows: QuerySet) -> Counter[UUID]:
    """Delete them; gives how many there were of each organization."""
    counts = Counter(rows.values_list("organization_id", flat=True))
    rows.delete()
    return counts


def _revoke(invitations: QuerySet[Invitation], at: datetime) -> Counter[UUID]:
    counts = Counter(invitations.values_list("organization_id", flat=True))
    invitations.update(revoked_at=at)
    return counts


def _told(organization_id: UUID, person: User, tokens: list[AccessToken], gone: Mapping[str, Counter[UUID]]) -> Told:
    details = {
        "user": str(person.pk),
        "tokens": [str(token.pk) for token in tokens],
        "counts": {kind: counts[organization_id] for kind, counts in gone.items()},
    }
    return Told(organization_id, [person, *tokens], details)


def _mail(membership: Membership, event: LifecycleEvent) -> NewMail:
    return NewMail(
        to=membership.user.email,
        kind="member_removed",
        context={"organization_name": membership.organization.name, "removed_at": event.at},
        organization_id=membership.organization_id,
        event_id=event.pk,
        person_id=membership.user_id,
    )
