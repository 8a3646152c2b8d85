"""Members: taken out of an organization by those who manage people, or gone by themselves (P2)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
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
from accounts.services.events import Actor, record_event
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
    event = _let_go(membership, actor=actor, via=via, address=address, at=at)
    if event.act == Act.MEMBER_REMOVED:
        queue_mails([_mail(membership, event)])


def leave(organization_id: UUID, *, actor: User, via: Via, address: str | None = None) -> None:
    """Leave an active organization, as `remove_member` has it. The owner can't (P2)."""
    remove_member(organization_id, actor.pk, actor=actor, via=via, address=address)


def _let_go(membership: Membership, *, actor: Actor, via: Via, address: str | None, at: datetime) -> LifecycleEvent:
    """End the membership and all that hangs on it, an open invitation to the person's address among it."""
    person = membership.user
    of_theirs = {"organization": membership.organization_id, "user": person}
    tokens = list(AccessToken.objects.filter(**of_theirs))
    AccessToken.objects.filter(**of_theirs).delete()
    invitations = Invitation.objects.filter(organization=membership.organization_id, email=person.email).waiting()
    counts = {
        "tokens": len(tokens),
        "team_memberships": TeamMembership.objects.filter(**of_theirs).delete()[0],
        "role_assignments": RoleAssignment.objects.filter(**of_theirs).delete()[0],
        "invitations": invitations.update(revoked_at=at),
    }
    membership.delete()
    return record_event(
        Act.MEMBER_LEFT if actor == person else Act.MEMBER_REMOVED,
        organization_id=membership.organization_id,
        actor=actor,
        via=via,
        address=address,
        at=at,
        about=[person, *tokens],
        details={"user": str(person.pk), "tokens": [str(token.pk) for token in tokens], "counts": counts},
    )


def _mail(membership: Membership, event: LifecycleEvent) -> NewMail:
    return NewMail(
        to=membership.user.email,
        kind="member_removed",
        context={"organization_name": membership.organization.name, "removed_at": event.at},
        organization_id=membership.organization_id,
        event_id=event.pk,
        person_id=membership.user_id,
    )
