"""The only module that ends or revives an organization.

Written as plain calls downwards. Each act is one transaction: hold the organizations by id, read what is there under
the lock, change it, leave one event. What lies outside the database (geos, mail) is a row here and follows the commit.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts import emails, rights
from accounts.errors import LifecycleError, PreviewChanged
from accounts.models import (
    AccessToken,
    Approval,
    ContactChange,
    EventSubject,
    Invitation,
    LifecycleEvent,
    Membership,
    Organization,
    OwnerInvitation,
    User,
)
from accounts.previews import digest_of, reactivation_of
from accounts.scope import Scope, scopes_of
from accounts.services.locks import hold_live_locks, lock_addresses, release_locks, unlocked_at
from accounts.services.ownership import hand_over
from accounts.services.people import release_people, restore_people, snapshot
from accounts.services.teams import join_organization_admin
from accounts.words import REASONS_BY_REQUEST, Act, Reason, State, Via, Wish
from billing.services import end_subscriptions
from geos.services import hasten_take_down as hasten_control_planes
from geos.services import request_decommission, restore_control_planes, start_taking_down
from konnect_portal.foundation.addresses import address_hash, normalize_address
from konnect_portal.foundation.copying import copy_in
from licensing.services import lapse_licenses, provision_licenses

__all__ = [
    "LifecycleError",
    "PreviewChanged",
    "deactivate_organizations",
    "hasten_take_down",
    "hold_inactive",
    "reactivate_organization",
    "unlock_email",
]


class Said(NamedTuple):
    """Who acts, through which door, and what they gave as reasons (P47)."""

    actor: User
    via: Via
    note: str
    ticket: str
    proof: str
    address: str | None


@transaction.atomic
def deactivate_organizations(
    ids: Iterable[UUID],
    *,
    reason: Reason,
    via: Via,
    actor: User | None = None,
    note: str = "",
    ticket: str = "",
    proof: str = "",
    address: str | None = None,
    take_down_at: datetime | None = None,
    still: Callable[[Collection[Organization]], Collection[UUID]] | None = None,
    expected: str | None = None,
    approval: Approval | None = None,
) -> list[LifecycleEvent]:
    """Stop the billing, stop the control planes and let everyone go (P39 to P49).

    People keep their accounts; data plane nodes and mesh zones keep running. Returns one event for each organization
    that was active (and `still` says so, under lock); the others are left alone. `take_down_at` is when taking down
    may begin: at once for a lead, otherwise after 72 hours (P42). `expected` is the digest of the preview shown,
    `approval` a second lead's yes, given in this transaction, which an Enterprise organization needs (P71).
    Owner and admins are told by mail, but not of a reviewed list (P74).

    Raises LifecycleError for a bad argument or a missing right, PreviewChanged where `expected` no longer holds;
    then nothing has changed.
    """
    now = timezone.now()
    rights.check_deactivation(reason=reason, via=via, actor=actor, ticket=ticket, take_down_at=take_down_at, now=now)
    # Not joined: after a wait PostgreSQL drops a row whose joined owner has been replaced.
    active = Organization.objects.active().prefetch_related("owner")
    if via == Via.CHECK:
        active = active.not_on_hold(now)
    held = active.hold_all(ids, still=still)
    if not held:
        return []
    rights.check_deactivation_of(held, via=via, actor=actor, now=now, approval=approval)
    if reason in REASONS_BY_REQUEST and approval is None:
        held_ids = [organization.pk for organization in held]
        rights.check_proof(actor, Wish.DEACTIVATE, via=via, proof=proof, organizations=held_ids, at=now, note=note)
    scopes = scopes_of(held, at=now, lock=True)
    if expected is not None and digest_of(scopes.values()) != expected:
        raise PreviewChanged
    begins_at = take_down_at or now + rights.take_down_delay(via, actor)
    events = [
        LifecycleEvent(
            id=uuid4(),
            organization_id=organization.pk,
            act=Act.DEACTIVATED,
            at=now,
            actor_id=actor.pk if actor else None,
            via=via,
            reason=reason,
            note=note,
            ticket=ticket,
            proof=proof,
            remote_address=address,
            details=_deactivation_details(organization, scopes[organization.pk], actor, begins_at) | _second(approval),
        )
        for organization in held
    ]
    _end(held, scopes, events, actor, at=now, begins_at=begins_at)
    if via != Via.BULK:
        emails.tell_of_deactivation(held, scopes, events)
    return events


@transaction.atomic
def reactivate_organization(
    id: UUID,
    *,
    note: str,
    actor: User,
    via: Via,
    ticket: str = "",
    proof: str = "",
    address: str | None = None,
    restore_people: bool = False,
    owner: User | None = None,
    expected: str | None = None,
    invitation: OwnerInvitation | None = None,
) -> LifecycleEvent:
    """Make an inactive organization active again, on Free (P50 to P53).

    Its owner is in Organization Admin, as a member anew if they had closed their account (P56). It has new licenses,
    its address locks are released and the inactivity clock is at zero. Control planes whose taking down has not begun
    come back; subscriptions, tokens and invitations never do. Teams and roles return with `restore_people`. `owner`
    names another member where the owner's account is closed, or whoever accepts `invitation` in this transaction:
    then the actor is who invited, and right and proof were asked for by the invitation. Others that wait are void.

    Raises LifecycleError with the reason where that can't be, PreviewChanged where `expected` no longer holds.
    """
    now = timezone.now()
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    organization = hold_inactive(id, now)
    if invitation is None:
        rights.check_permission(actor, "accounts.reactivate_organization", organization)
        rights.check_proof(actor, Wish.REACTIVATE, via=via, proof=proof, organizations=[id], at=now, note=note)
    preview = reactivation_of(organization, at=now)
    if expected is not None and preview.digest != expected:
        raise PreviewChanged
    hand_over(organization, _owner_after(organization, owner, invitation))
    ended_by = organization.deactivation_event_id
    _make_active(organization, at=now)
    Membership.objects.get_or_create(organization=organization, user=organization.owner, defaults={"joined_at": now})
    join_organization_admin(organization, organization.owner)
    locks = hold_live_locks(organization=organization)
    control_planes = restore_control_planes(organization.pk, at=now)
    licenses = provision_licenses([organization.pk], at=now)
    returned = _restore(organization, ended_by) if restore_people else {}
    OwnerInvitation.objects.waiting().filter(organization=organization).update(revoked_at=now)
    event = _tell(
        Act.REACTIVATED,
        organization_id=organization.pk,
        at=now,
        said=Said(actor, via, note, ticket, proof, address),
        details={
            "deactivation": str(ended_by),
            "owner": str(organization.owner_id),
            **_accepted(invitation),
            "control_planes": [str(pk) for pk in control_planes],
            "licenses": [str(license.pk) for license in licenses],
            "locks": [str(lock.pk) for lock in locks],
            "counts": {
                "control_planes": len(control_planes),
                "licenses": len(licenses),
                "locks": len(locks),
                **returned,
            },
        },
    )
    release_locks(locks, event=event)
    _stand_beside(event, organization, actor)
    emails.tell_of_reactivation(organization, event, returned=len(control_planes), gone=len(preview.gone))
    return event


@transaction.atomic
def unlock_email(
    email: str,
    *,
    note: str,
    actor: User,
    via: Via,
    ticket: str = "",
    proof: str = "",
    address: str | None = None,
) -> LifecycleEvent:
    """Release every live lock on an e-mail address (P54). The organizations stay deactivated.

    Raises LifecycleError where no lock is live or the actor may not; a second time within 12 months a lead may.
    """
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    rights.check_permission(actor, "accounts.unlock_email")
    locks = hold_live_locks(address_hash=address_hash(email))
    if not locks:
        raise LifecycleError(f"{normalize_address(email)} is not locked.")
    of = [lock.organization_id for lock in locks]
    rights.check_proof(actor, Wish.UNLOCK, via=via, proof=proof, organizations=of, at=timezone.now(), note=note)
    rights.check_unlocking(actor, unlocked_at(address_hash(email), at=timezone.now()))
    event = _tell(
        Act.EMAIL_UNLOCKED,
        said=Said(actor, via, note, ticket, proof, address),
        details={
            "locks": [str(lock.pk) for lock in locks],
            "organizations": [str(lock.organization_id) for lock in locks],
            "counts": {"locks": len(locks)},
        },
    )
    release_locks(locks, event=event)
    EventSubject.objects.bulk_create(
        [
            EventSubject(event=event, part=EventSubject.Part.CONTACT, address=normalize_address(email)),
            _actor_subject(event, actor),
        ]
    )
    return event


@transaction.atomic
def hasten_take_down(
    id: UUID,
    *,
    note: str,
    actor: User,
    via: Via,
    ticket: str = "",
    proof: str = "",
    address: str | None = None,
    only: UUID | None = None,
) -> LifecycleEvent:
    """Have the control planes of an inactive organization taken down now instead of later (P42). It can't be undone.

    `only` is the one control plane that is meant, where it is not all of them. Raises LifecycleError where nothing
    waits, the organization is on hold or the actor may not.
    """
    now = timezone.now()
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    rights.check_permission(actor, "accounts.hasten_take_down")
    organization = hold_inactive(id, now)
    if organization.late_usage_at:
        raise LifecycleError(f"Usage of {organization.name} came late. Decide first whether taking down goes on.")
    control_planes = hasten_control_planes([organization.pk], at=now, only=only).get(organization.pk, [])
    if not control_planes:
        raise LifecycleError(f"No control plane of {organization.name} is waiting to be taken down.")
    event = _tell(
        Act.TAKE_DOWN_HASTENED,
        organization_id=organization.pk,
        at=now,
        said=Said(actor, via, note, ticket, proof, address),
        details={
            "control_planes": [str(pk) for pk in control_planes],
            "counts": {"control_planes": len(control_planes)},
        },
    )
    _stand_beside(event, organization, actor)
    start_taking_down([organization.pk])
    return event


def _tell(
    act: Act, *, said: Said, details: dict[str, object], at: datetime | None = None, **of: UUID
) -> LifecycleEvent:
    return LifecycleEvent.objects.create(
        act=act,
        at=at or timezone.now(),
        actor_id=said.actor.pk,
        via=said.via,
        note=said.note,
        ticket=said.ticket,
        proof=said.proof,
        remote_address=said.address,
        details=details,
        **of,
    )


def _end(
    held: list[Organization],
    scopes: dict[UUID, Scope],
    events: list[LifecycleEvent],
    actor: User | None,
    *,
    at: datetime,
    begins_at: datetime,
) -> None:
    ids = [organization.pk for organization in held]
    end_subscriptions({id: scopes[id].billing for id in ids}, at=at)
    request_decommission(ids, at=at, begins_at=begins_at)
    lapse_licenses(ids, at=at)
    release_people(scopes.values())
    ContactChange.objects.filter(organization_id__in=ids).delete()
    copy_in(events)
    _mark_inactive(held, events, at=at)
    _revoke(scopes, at=at)
    lock_addresses(events, {id: scope.addresses for id, scope in scopes.items()}, at=at)
    copy_in(
        [
            subject
            for organization, event in zip(held, events, strict=True)
            for subject in (*_subjects(event, organization, actor), *snapshot(event, scopes[organization.pk]))
        ]
    )
    start_taking_down(ids)


def _mark_inactive(held: list[Organization], events: list[LifecycleEvent], *, at: datetime) -> None:
    """One value for all but the event, which the database looks up: a value for each took half of the whole time."""
    ended = {
        "state": State.INACTIVE,
        "deactivated_at": at,
        "deactivation_reason": events[0].reason,
        "purge_at": at + timedelta(days=settings.RETENTION_DAYS),
        "inactive_at": None,
        "updated_at": at,
    }
    told = LifecycleEvent.objects.filter(pk__in=[event.pk for event in events], organization_id=OuterRef("pk"))
    Organization.objects.filter(pk__in=[organization.pk for organization in held]).update(
        **ended, deactivation_event_id=Subquery(told.values("pk"))
    )
    for organization, event in zip(held, events, strict=True):
        for name, value in (*ended.items(), ("deactivation_event_id", event.pk)):
            setattr(organization, name, value)


def _revoke(scopes: dict[UUID, Scope], *, at: datetime) -> None:
    """End tokens and invitations for good (P40); a token remembers the deactivation that revoked it."""
    ended = Organization.objects.filter(pk=OuterRef("organization_id"))
    AccessToken.objects.filter(pk__in=[pk for scope in scopes.values() for pk in scope.tokens]).update(
        revoked_at=at, deactivation_event_id=Subquery(ended.values("deactivation_event_id"))
    )
    Invitation.objects.filter(pk__in=[pk for scope in scopes.values() for pk in scope.invitations]).update(
        revoked_at=at
    )


_ENDED_FIELDS = [
    "state",
    "deactivated_at",
    "deactivation_reason",
    "deactivation_event_id",
    "purge_at",
    "inactive_at",
    "late_usage_at",
    "updated_at",
]


def _make_active(organization: Organization, *, at: datetime) -> None:
    organization.state = State.ACTIVE
    organization.reactivated_at = organization.updated_at = at
    organization.deactivated_at = organization.deactivation_event_id = organization.purge_at = None
    organization.late_usage_at = None
    organization.deactivation_reason = ""
    organization.inactive_at = at + timedelta(days=settings.INACTIVITY_DAYS)
    organization.save(update_fields=[*_ENDED_FIELDS, "reactivated_at", "owner", "contact_email"])


def hold_inactive(id: UUID, now: datetime) -> Organization:
    """Lock an inactive organization that is not on hold; LifecycleError with the reason otherwise."""
    organization = Organization.objects.select_for_update().filter(pk=id).first()
    if organization is None:
        raise LifecycleError(f"There is no organization with the id {id}.")
    if organization.state == State.ACTIVE:
        raise LifecycleError(f"{organization.name} is active.")
    if organization.state != State.INACTIVE:
        raise LifecycleError(f"{organization.name} was purged: its data went on {organization.purge_at:%d %b %Y}.")
    if organization.is_on_hold(now):
        raise LifecycleError(
            f"{organization.name} is on hold until {organization.hold_until:%d %b %Y, %H:%M} UTC: "
            f"{organization.hold_reason} ({organization.hold_ticket})."
        )
    return organization


def _owner_after(organization: Organization, owner: User | None, invitation: OwnerInvitation | None) -> User:
    """Who owns a reactivated organization: its owner, or whom support named or invited instead (P53)."""
    if organization.owner.is_active:
        if owner not in (None, organization.owner):
            raise LifecycleError(
                f"The account of {organization.owner.email}, who owns {organization.name}, is open: "
                "no other owner is needed."
            )
        return organization.owner
    if owner is None:
        raise LifecycleError(
            f"The account of the owner of {organization.name} is closed: name another member as owner, "
            "reopen the account, or invite an address."
        )
    is_member = Membership.objects.filter(organization=organization, user=owner).exists()
    if not (is_member or invitation) or not owner.is_active:
        raise LifecycleError(f"{owner.email} is not a member of {organization.name} with an open account.")
    return owner


def _restore(organization: Organization, event_id: UUID | None) -> dict[str, int]:
    returned = restore_people(organization.pk, event_id)
    return {
        "team_memberships": len(returned.team_memberships),
        "role_assignments": len(returned.role_assignments),
        "people": len(returned.people),
    }


def _deactivation_details(
    organization: Organization, scope: Scope, actor: User | None, begins_at: datetime
) -> dict[str, object]:
    ids = {kind: [str(id) for id in found] for kind, found in scope.ids().items()}
    return {
        **ids,
        "counts": scope.counts(),
        "owner": str(organization.owner_id),
        "actor_tier": actor.tier if actor else None,
        "take_down_at": begins_at.isoformat(),
        "lapsed_cents": scope.billing.lapsed_cents,
        "refund_cents": scope.billing.refund_cents,
        "uncharged_cents": scope.billing.uncharged_cents,
        "forgiven_cents": scope.billing.forgiven_cents,
    }


def _second(approval: Approval | None) -> dict[str, object]:
    """Who confirmed it beside the actor, if it needed a second lead."""
    return {"approval": str(approval.pk), "approved_by": str(approval.decided_by_id)} if approval else {}


def _accepted(invitation: OwnerInvitation | None) -> dict[str, object]:
    """Which invitation the owner accepted, if they were invited."""
    return {"owner_invitation": str(invitation.pk)} if invitation else {}


def _organization_of(event: LifecycleEvent) -> UUID:
    assert event.organization_id is not None
    return event.organization_id


def _stand_beside(event: LifecycleEvent, organization: Organization, actor: User) -> None:
    EventSubject.objects.bulk_create(_subjects(event, organization, actor))


def _subjects(event: LifecycleEvent, organization: Organization, actor: User | None) -> list[EventSubject]:
    owner = organization.owner
    actors = [_actor_subject(event, actor)] if actor else []
    return [
        *actors,
        EventSubject(
            event_id=event.pk,
            part=EventSubject.Part.OWNER,
            subject_id=owner.pk,
            name=owner.full_name,
            address=owner.email,
        ),
        EventSubject(event_id=event.pk, part=EventSubject.Part.CONTACT, address=organization.contact_email),
    ]


def _actor_subject(event: LifecycleEvent, actor: User) -> EventSubject:
    return EventSubject(
        event_id=event.pk,
        part=EventSubject.Part.ACTOR,
        subject_id=actor.pk,
        name=actor.full_name,
        address=actor.email,
    )
