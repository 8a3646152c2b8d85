"""Reactivations that wait for an invited owner, where the account of the owner is closed (P53).

Until the address accepts, nothing of the organization changes. Whether it can come back is asked when support invites
and again, under lock, when the address accepts; what comes back is what can at that moment.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import rights
from accounts.errors import LifecycleError, PreviewChanged
from accounts.lifecycle import hold_inactive, reactivate_organization
from accounts.models import EmailLock, LifecycleEvent, Membership, Organization, OwnerInvitation, User
from accounts.previews import reactivation_of
from accounts.services.events import record_event
from accounts.services.invitations import InvitationEnded, NotInvited
from accounts.services.locks import AddressLocked, hold_addresses
from accounts.services.sign_up import make_account
from accounts.words import Act, State, Via, Wish
from konnect_portal.foundation.addresses import address_hash, normalize_address
from konnect_portal.foundation.links import digest_of, new_secret
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

RIGHT = "accounts.invite_owner"


class InvitationBarred(Exception):
    """The organization can't come back now: it is on hold, its owner's account is open again, or whoever invited may
    no longer. The link goes on working until its time is up."""


@transaction.atomic
def invite_owner(
    id: UUID,
    *,
    email: str,
    note: str,
    ticket: str,
    actor: User,
    via: Via,
    proof: str = "",
    address: str | None = None,
    restore_people: bool = False,
    expected: str | None = None,
) -> OwnerInvitation:
    """Invite an address to own an inactive organization, and write to it; an earlier invitation is void.

    `expected` is the digest of the reactivation as it was shown. Raises LifecycleError where it can't be reactivated,
    its owner's account is open, the address can't own it or the actor may not; PreviewChanged.
    """
    now = timezone.now()
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    organization = hold_inactive(id, now)
    rights.check_permission(actor, RIGHT, organization)
    rights.check_proof(actor, Wish.REACTIVATE, via=via, proof=proof, organizations=[id], at=now, note=note)
    email = normalize_address(email)
    _check_invited(organization, email)
    if expected is not None and reactivation_of(organization, at=now).digest != expected:
        raise PreviewChanged
    OwnerInvitation.objects.waiting().filter(organization=organization).update(revoked_at=now)
    invitation = OwnerInvitation(
        id=uuid4(),
        organization=organization,
        email=email,
        restore_people=restore_people,
        invited_by_id=actor.pk,
        via=via,
        note=note,
        ticket=ticket,
        proof=proof,
        created_at=now,
        expires_at=_good_until(),
    )
    said = {"note": note, "ticket": ticket, "proof": proof}
    event = _tell(Act.OWNER_INVITED, invitation, actor=actor, via=via, address=address, **said)
    invitation.event_id = event.pk
    invitation.save(force_insert=True)
    queue_mails([_mail(organization, invitation)])
    return invitation


@transaction.atomic
def revoke_owner_invitation(
    id: UUID, *, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> LifecycleEvent:
    """Take back the invitation of an organization that waits. LifecycleError where none does or the actor may not."""
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    rights.check_permission(actor, RIGHT)
    organization = Organization.objects.select_for_update(no_key=True).get(pk=id)
    invitation = OwnerInvitation.objects.waiting().filter(organization=organization).first()
    if invitation is None:
        raise LifecycleError(f"Nobody is invited to own {organization.name} any more: nothing was changed.")
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    said = {"note": note, "ticket": ticket}
    return _tell(Act.OWNER_INVITATION_REVOKED, invitation, actor=actor, via=via, address=address, **said)


def make_link(mail: Mail) -> str | None:
    """The link for the mail, good once and from now on for 7 days; None where the invitation has ended.

    A second one voids the first.
    """
    secret, digest = new_secret()
    invited = OwnerInvitation.objects.open(timezone.now()).filter(event_id=mail.event_id)
    if not invited.update(digest=digest, expires_at=_good_until()):
        return None
    return settings.PUBLIC_URL.rstrip("/") + reverse("own", args=[secret])


def find_invitation(secret: str) -> OwnerInvitation:
    """The invitation whose link this is, with its organization; asking uses nothing up.

    Raises InvitationEnded, where the organization is active again or purged too, and InvitationBarred.
    """
    invitation = _of_link(secret).select_related("organization__owner").first()
    if invitation is None:
        raise InvitationEnded
    if why_barred(invitation) is not None:
        raise InvitationBarred
    return invitation


def why_barred(invitation: OwnerInvitation) -> str | None:
    """Why an open invitation can't be accepted now, worded for support; None where it can."""
    organization = invitation.organization
    if organization.is_on_hold(timezone.now()):
        return f"{organization.name} is on hold."
    if organization.owner.is_active:
        return f"The account of {organization.owner.email}, who owns {organization.name}, is open again."
    inviter = User.objects.filter(pk=invitation.invited_by_id).first()
    if inviter is None or not inviter.has_perm(RIGHT):
        return "Whoever invited is no longer a lead."
    return None


def is_locked_out(invitation: OwnerInvitation) -> bool:
    """Whether the address is locked for another organization. The lock of this one is released with it (P45, P50)."""
    locks = EmailLock.objects.live().filter(address_hash=address_hash(invitation.email))
    return locks.exclude(organization=invitation.organization_id).exists()


@transaction.atomic
def accept_invitation(secret: str, user: User, *, address: str | None = None) -> Organization:
    """Reactivate the organization with the account of the invited address as its owner. It is no login (P5).

    Raises InvitationEnded, InvitationBarred, NotInvited and AddressLocked; then nothing has changed.
    """
    invitation = _hold(secret)
    try:
        person = User.objects.filter(email=invitation.email, is_staff=False).hold(user.pk)
    except User.DoesNotExist:
        raise NotInvited from None
    _refuse_locked(invitation)
    return _take_over(invitation, person, address=address)


@transaction.atomic
def accept_as_newcomer(
    secret: str, *, full_name: str, password: str, address: str | None = None
) -> tuple[User, Organization]:
    """`accept_invitation` with a new account for the address, which the link has proven. Raises AddressTaken too."""
    invitation = _hold(secret)
    _refuse_locked(invitation)
    person = make_account(invitation.email, full_name=full_name, password=password)
    return person, _take_over(invitation, person, address=address)


def _check_invited(organization: Organization, email: str) -> None:
    """Refuse whoever can't own it: staff, members, who are named instead, and addresses locked elsewhere."""
    if organization.owner.is_active:
        raise LifecycleError(
            f"The account of {organization.owner.email}, who owns {organization.name}, is open: "
            "no other owner is needed."
        )
    if User.objects.filter(email=email, is_staff=True).exists():
        raise LifecycleError(f"{email} is staff's, and staff belong to no organization.")
    if Membership.objects.filter(organization=organization, user__email=email, user__is_active=True).exists():
        raise LifecycleError(f"{email} is a member already: reactivate {organization.name} with them as owner.")
    if is_locked_out(OwnerInvitation(organization=organization, email=email)):
        raise LifecycleError(f"{email} is locked for another organization. Unlock it first.")


def _of_link(secret: str) -> QuerySet[OwnerInvitation]:
    waiting = OwnerInvitation.objects.open(timezone.now()).filter(organization__state=State.INACTIVE)
    return waiting.filter(digest=digest_of(secret))


def _hold(secret: str) -> OwnerInvitation:
    """The invitation, which nobody else can end from here on, since its organization is held."""
    Organization.objects.select_for_update().filter(pk=find_invitation(secret).organization_id).get()
    return find_invitation(secret)


def _refuse_locked(invitation: OwnerInvitation) -> None:
    hold_addresses([invitation.email])
    if is_locked_out(invitation):
        raise AddressLocked(invitation.email)


def _take_over(invitation: OwnerInvitation, person: User, *, address: str | None) -> Organization:
    now = timezone.now()
    OwnerInvitation.objects.filter(pk=invitation.pk).update(accepted_at=now)
    reactivate_organization(
        invitation.organization_id,
        note=invitation.note,
        ticket=invitation.ticket,
        proof=invitation.proof,
        actor=User.objects.get(pk=invitation.invited_by_id),
        via=Via(invitation.via),
        restore_people=invitation.restore_people,
        owner=person,
        invitation=invitation,
    )
    record_event(
        Act.JOINED,
        organization_id=invitation.organization_id,
        actor=person,
        via=Via.INVITATION,
        address=address,
        about=[person],
        details={"user": str(person.pk), "owner_invitation": str(invitation.pk)},
    )
    return Organization.objects.get(pk=invitation.organization_id)


def _good_until():
    return timezone.now() + timedelta(days=settings.INVITATION_DAYS)


def _tell(act: Act, invitation: OwnerInvitation, **said) -> LifecycleEvent:
    return record_event(
        act,
        organization_id=invitation.organization_id,
        about=[invitation],
        details={"owner_invitation": str(invitation.pk), "restore_people": invitation.restore_people},
        **said,
    )


def _mail(organization: Organization, invitation: OwnerInvitation) -> NewMail:
    context = {"organization_name": organization.name, "days": settings.INVITATION_DAYS}
    return NewMail(
        to=invitation.email,
        kind="owner_invitation",
        context=context,
        organization_id=organization.pk,
        event_id=invitation.event_id,
    )
