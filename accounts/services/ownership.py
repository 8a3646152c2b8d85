"""Who owns an organization, and how ownership goes to somebody else (P2, P3)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import AccessToken, LifecycleEvent, Membership, Organization, TeamMembership, User
from accounts.services.events import record_event
from accounts.services.teams import join_organization_admin
from accounts.words import ORGANIZATION_ADMIN, Act, Via
from konnect_portal.foundation.organizations import Addressee
from konnect_portal.foundation.outbox import NewMail, queue_mails

BY_OWNER = (Via.SETTINGS, Via.ACCOUNT)


@transaction.atomic
def transfer_ownership(
    organization_id: UUID,
    *,
    to: UUID,
    actor: User,
    via: Via,
    note: str = "",
    ticket: str = "",
    proof: str = "",
    address: str | None = None,
) -> LifecycleEvent:
    """Make another member the owner of an active organization (P3), in Organization Admin; the contact e-mail follows.

    The owner names somebody of Organization Admin. A lead names any member, with reason and ticket, where the owner
    has not been seen for 60 days. Old owner, new owner and admins are told at once. Nobody loses a team.

    Raises LifecycleError where that can't be, and Organization.DoesNotExist where the organization is not active.
    """
    organization = Organization.objects.hold(organization_id)
    old = organization.owner
    new = _new_owner(organization, to)
    if via in BY_OWNER:
        _check_by_owner(organization, new, actor)
    else:
        _check_by_staff(organization, actor, note=note, ticket=ticket)
    hand_over(organization, new)
    organization.save(update_fields=["owner", "contact_email", "updated_at"])
    join_organization_admin(organization, new)
    event = record_event(
        Act.OWNERSHIP_TRANSFERRED,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        about=[old, new],
        details={"from": str(old.pk), "to": str(new.pk)},
        note=note,
        ticket=ticket,
        proof=proof,
    )
    _tell(organization, old, new, event)
    return event


def hand_over(organization: Organization, owner: User) -> None:
    """Make `owner` the owner; the contact e-mail follows unless it was set apart (P2). The caller saves."""
    if organization.contact_email == organization.owner.email:
        organization.contact_email = owner.email
    organization.owner = owner


def owner_and_admins(id: UUID) -> list[Addressee]:
    """The owner first and those in Organization Admin, whose account is open: who is told about billing."""
    organization = Organization.objects.select_related("owner").get(pk=id)
    people = (organization.owner, *heirs_of(organization))
    return [Addressee(person.pk, person.email) for person in people if person.is_active]


def heirs_of(organization: Organization):
    """Whom the owner can hand ownership to: the others in Organization Admin whose account is open (P3)."""
    return (
        User.objects.filter(
            team_memberships__organization=organization,
            team_memberships__team__name=ORGANIZATION_ADMIN,
            team_memberships__team__is_predefined=True,
            is_active=True,
        )
        .exclude(pk=organization.owner_id)
        .order_by("full_name", "email", "pk")
    )


def heirs_by_organization(organizations: Collection[Organization]) -> dict[UUID, list[User]]:
    """`heirs_of` each of the organizations, in one query."""
    found: dict[UUID, list[User]] = {organization.pk: [] for organization in organizations}
    owners = {organization.pk: organization.owner_id for organization in organizations}
    places = TeamMembership.objects.filter(
        organization_id__in=owners, team__name=ORGANIZATION_ADMIN, team__is_predefined=True, user__is_active=True
    )
    for place in places.select_related("user").order_by("user__full_name", "user__email", "user"):
        if place.user is not None and place.user_id != owners[place.organization_id]:
            found[place.organization_id].append(place.user)
    return found


SEEN_AT = Greatest(
    "created_at",
    "last_login",
    Subquery(
        Membership.objects.filter(user=OuterRef("pk")).values("user").annotate(at=Max("last_login_at")).values("at")
    ),
    Subquery(
        AccessToken.objects.filter(user=OuterRef("pk")).values("user").annotate(at=Max("last_used_at")).values("at")
    ),
)
"""When a person was last seen anywhere: signing in, entering an organization, calling the API; else joining."""


def last_seen(person: User) -> datetime:
    return User.objects.annotate(seen_at=SEEN_AT).values_list("seen_at", flat=True).get(pk=person.pk)


def why_owner_stays(organization: Organization, *, at: datetime) -> str | None:
    """Why no lead can name another owner; None where the account is closed or has not been seen for 60 days (P3)."""
    owner = organization.owner
    if not owner.is_active or last_seen(owner) <= at - timedelta(days=settings.OWNER_UNSEEN_DAYS):
        return None
    return (
        f"{owner.email}, who owns {organization.name}, was seen within the last {settings.OWNER_UNSEEN_DAYS} days "
        "and can hand it over themselves."
    )


def _new_owner(organization: Organization, to: UUID) -> User:
    if to == organization.owner_id:
        raise LifecycleError(f"{organization.owner} owns {organization.name} already.")
    is_member = Membership.objects.filter(organization=organization, user=to).exists()
    person = User.objects.filter(pk=to, is_active=True).select_for_update(no_key=True).first() if is_member else None
    if person is None:
        raise LifecycleError(f"They are no longer a member of {organization.name} with an open account.")
    return person


def _check_by_owner(organization: Organization, new: User, actor: User) -> None:
    if organization.owner_id != actor.pk:
        raise LifecycleError(f"Only its owner can hand {organization.name} over here.")
    if not TeamMembership.objects.filter(
        organization=organization, user=new, team__name=ORGANIZATION_ADMIN, team__is_predefined=True
    ).exists():
        raise LifecycleError(f"{new} is not in {ORGANIZATION_ADMIN}. Add them to that team first.")


def _check_by_staff(organization: Organization, actor: User, *, note: str, ticket: str) -> None:
    if not actor.is_staff or not actor.has_perm("accounts.transfer_ownership", organization):
        raise LifecycleError(f"{actor.email} may not name another owner: it needs a lead.")
    if not note.strip() or not ticket.strip():
        raise LifecycleError("Please say why, and name the ticket that asks for this.")
    if refusal := why_owner_stays(organization, at=timezone.now()):
        raise LifecycleError(refusal)


def _tell(organization: Organization, old: User, new: User, event: LifecycleEvent) -> None:
    context = {
        "organization_name": organization.name,
        "old_owner": str(old),
        "new_owner": str(new),
        "by_support": event.via not in BY_OWNER,
        "account_closed": event.via == Via.ACCOUNT,
        "transferred_at": event.at,
    }
    people = {person.pk: person for person in (old, new, *heirs_of(organization)) if person.is_active}
    queue_mails(
        NewMail(
            to=person.email,
            kind="ownership_transferred",
            context=context,
            organization_id=organization.pk,
            event_id=event.pk,
            person_id=person.pk,
        )
        for person in people.values()
    )
