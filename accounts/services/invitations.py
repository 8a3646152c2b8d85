"""Invitations: to one address, single use, 7 days; who has an account joins with it (P7).

Whether an address has an account, is locked or is staff's makes no difference to inviting it, so that nobody learns
it that way. The page behind the link says what is the case, to whoever reads the mailbox.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, Team, TeamMembership, User
from accounts.services.events import Actor, record_event
from accounts.services.locks import refuse_locked
from accounts.services.sign_up import make_account
from accounts.words import Act, Via
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.links import digest_of, new_secret
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

ADDRESS_LENGTH = 250
MEMBER_ALREADY = "is a member already"
NO_ADDRESS = "is no e-mail address"
REVOKED_SINCE = "was invited by this form, and that was revoked since: load the page again to invite them once more"
ALL = ""
"""Stands in `InvitationsRefused.reasons` for all the addresses together."""


class InvitationsRefused(Exception):
    """Nobody was invited. `reasons` has the addresses at fault, each with what completes "<address> …"; what is wrong
    with all of them together is a sentence of its own and stands at `ALL`."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{address} {reason}".strip() for address, reason in reasons.items()))
        self.reasons = reasons


class InvitationEnded(Exception):
    """It was accepted or revoked, its time is up, a newer one voids it, its organization is not active, or it never
    was one (P40)."""


class NotInvited(Exception):
    """The invitation is for another address than the account's, or the account can join nothing."""


@transaction.atomic
def invite_people(
    organization_id: UUID,
    emails: Iterable[str],
    *,
    team_ids: Collection[UUID] = (),
    actor: Actor,
    via: Via,
    address: str | None = None,
    id: UUID | None = None,
) -> list[Invitation]:
    """Invite addresses to an active organization and to teams of it, all or none, and write to each.

    An earlier invitation of the same address is void. One form sent twice, told by `id`, invites once. Raises
    InvitationsRefused, and Organization.DoesNotExist where the organization is not active.
    """
    addresses = list(dict.fromkeys(map(normalize_address, emails)))
    _check_number(addresses)
    junk = [each for each in addresses if not _is_address(each)]
    organization = Organization.objects.hold(organization_id)
    teams = _teams(organization, team_ids)
    good = [each for each in addresses if each not in junk]
    wanted = _new_invitations(organization, good, teams, actor, id or uuid4())
    before = list(Invitation.objects.filter(pk__in=[each.pk for each in wanted]))
    made = [each for each in wanted if each not in before]
    _refuse(
        {
            NO_ADDRESS: junk,
            MEMBER_ALREADY: _members(organization, made),
            REVOKED_SINCE: [each.email for each in before if each.revoked_at],
        }
    )
    if made:
        _invite(organization, made, teams, actor=actor, via=via, address=address)
    return before + made


@transaction.atomic
def resend_invitation(
    organization_id: UUID, id: UUID, *, actor: Actor, via: Via, address: str | None = None
) -> Invitation:
    """Write once more to who has not come yet, with a new link and new days; the link before is void.

    Raises Invitation.DoesNotExist where none waits, Organization.DoesNotExist where the organization is not active.
    """
    organization = Organization.objects.hold(organization_id)
    invitation = Invitation.objects.waiting().select_for_update().get(organization=organization, pk=id)
    invitation.digest = None
    invitation.expires_at = timezone.now() + timedelta(days=settings.INVITATION_DAYS)
    invitation.save(update_fields=["digest", "expires_at"])
    _tell(Act.INVITATION_RESENT, invitation, actor=actor, via=via, address=address)
    queue_mails([_mail(organization, invitation, actor)])
    return invitation


@transaction.atomic
def revoke_invitation(organization_id: UUID, id: UUID, *, actor: Actor, via: Via, address: str | None = None) -> bool:
    """End an invitation for good; False where it was accepted or had ended already.

    Raises Invitation.DoesNotExist, and Organization.DoesNotExist where the organization is not active.
    """
    organization = Organization.objects.hold(organization_id)
    invitation = Invitation.objects.get(organization=organization, pk=id)
    if not Invitation.objects.waiting().filter(pk=id).update(revoked_at=timezone.now()):
        return False
    _tell(Act.INVITATION_REVOKED, invitation, actor=actor, via=via, address=address)
    return True


def make_link(mail: Mail) -> str | None:
    """The link for the mail, good once and from now on for 7 days; None where the invitation has ended.

    A second one voids the first.
    """
    secret, digest = new_secret()
    now = timezone.now()
    invited = Invitation.objects.open(now).active().filter(organization=mail.organization_id, email=mail.email.to[0])
    if not invited.update(digest=digest, expires_at=now + timedelta(days=settings.INVITATION_DAYS)):
        return None
    return settings.PUBLIC_URL.rstrip("/") + reverse("join", args=[secret])


def find_invitation(secret: str) -> Invitation:
    """The invitation whose link this is, with its organization; InvitationEnded. Asking uses nothing up."""
    invitation = _of_link(secret).select_related("organization").first()
    if invitation is None:
        raise InvitationEnded
    return invitation


@transaction.atomic
def accept_invitation(secret: str, user: User, *, address: str | None = None) -> Organization:
    """Let whoever has an account by the invited address join, a locked address too (P45). It is no login (P5).

    Raises InvitationEnded and NotInvited; then nothing has changed.
    """
    organization, invitation = _hold(secret)
    try:
        person = User.objects.filter(email=invitation.email, is_staff=False).hold(user.pk)
    except User.DoesNotExist:
        raise NotInvited from None
    _join(organization, invitation, person, address=address)
    return organization


@transaction.atomic
def join_as_newcomer(
    secret: str, *, full_name: str, password: str, address: str | None = None
) -> tuple[User, Organization]:
    """Make an account for the invited address, which the link has proven, and let it join.

    Raises InvitationEnded, AddressTaken where it has got an account since, AddressLocked (P45); then nothing was made.
    """
    organization, invitation = _hold(secret)
    refuse_locked(invitation.email)
    person = make_account(invitation.email, full_name=full_name, password=password)
    _join(organization, invitation, person, address=address)
    return person, organization


def _check_number(addresses: Collection[str]) -> None:
    count, at_most = len(addresses), settings.INVITATIONS_AT_ONCE
    if not count:
        raise InvitationsRefused({ALL: "Please enter at least one e-mail address."})
    if count > at_most:
        raise InvitationsRefused(
            {ALL: f"These are {count} addresses. At most {at_most} are invited at once: please leave some for later."}
        )


def _refuse(faults: Mapping[str, Iterable[str]]) -> None:
    reasons = {address: reason for reason, addresses in faults.items() for address in addresses}
    if reasons:
        raise InvitationsRefused(reasons)


def _is_address(address: str) -> bool:
    """Whether mail can go to it. What a quoted name may hold, a comma for one, would make it several."""
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= ADDRESS_LENGTH and '"' not in address


def _new_invitations(
    organization: Organization, addresses: Iterable[str], teams: Iterable[Team], actor: Actor, form_id: UUID
) -> list[Invitation]:
    now = timezone.now()
    return [
        Invitation(
            id=uuid5(form_id, f"{organization.pk} {email}"),
            organization=organization,
            email=email,
            team_ids=[team.pk for team in teams],
            invited_by_id=actor.pk,
            created_at=now,
            expires_at=now + timedelta(days=settings.INVITATION_DAYS),
        )
        for email in addresses
    ]


def _teams(organization: Organization, ids: Collection[UUID]) -> list[Team]:
    teams = list(Team.objects.filter(organization=organization, pk__in=ids))
    if len(teams) != len(set(ids)):
        raise InvitationsRefused({ALL: "A team that was chosen is there no more. Please choose again."})
    return teams


def _members(organization: Organization, invitations: Iterable[Invitation]) -> list[str]:
    """Those of the addresses that are in already."""
    members = User.objects.filter(
        memberships__organization=organization, email__in=[each.email for each in invitations]
    )
    return list(members.values_list("email", flat=True))


def _invite(
    organization: Organization,
    invitations: list[Invitation],
    teams: Iterable[Team],
    *,
    actor: Actor,
    via: Via,
    address: str | None,
) -> None:
    earlier = Invitation.objects.waiting().filter(
        organization=organization, email__in=[each.email for each in invitations]
    )
    voided = earlier.update(revoked_at=invitations[0].created_at)
    Invitation.objects.bulk_create(invitations)
    record_event(
        Act.PEOPLE_INVITED,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        at=invitations[0].created_at,
        about=[*invitations, *teams],
        details={
            "invitations": [str(each.pk) for each in invitations],
            "teams": [str(team.pk) for team in teams],
            "counts": {"invitations": len(invitations), "voided": voided},
        },
    )
    queue_mails(_mail(organization, each, actor) for each in invitations)


def _mail(organization: Organization, invitation: Invitation, actor: Actor) -> NewMail:
    context = {
        "organization_name": organization.name,
        "invited_by": str(actor),
        "days": settings.INVITATION_DAYS,
    }
    return NewMail(to=invitation.email, kind="invitation", context=context, organization_id=organization.pk)


def _of_link(secret: str) -> QuerySet[Invitation]:
    return Invitation.objects.open(timezone.now()).active().filter(digest=digest_of(secret))


def _hold(secret: str) -> tuple[Organization, Invitation]:
    """The organization, held, and its invitation, which nobody else can end from here on."""
    try:
        organization = Organization.objects.hold(find_invitation(secret).organization_id)
    except Organization.DoesNotExist:
        raise InvitationEnded from None
    return organization, find_invitation(secret)


def _join(organization: Organization, invitation: Invitation, person: User, *, address: str | None) -> None:
    """Use the invitation up and put the person in, and into those of its teams that are still there."""
    now = timezone.now()
    if not Invitation.objects.waiting().filter(pk=invitation.pk).update(accepted_at=now):
        raise InvitationEnded
    Membership.objects.get_or_create(organization=organization, user=person, defaults={"joined_at": now})
    teams = list(Team.objects.filter(organization=organization, pk__in=invitation.team_ids))
    TeamMembership.objects.bulk_create(
        (TeamMembership(organization=organization, team=team, user=person) for team in teams), ignore_conflicts=True
    )
    record_event(
        Act.JOINED,
        organization_id=organization.pk,
        actor=person,
        via=Via.INVITATION,
        address=address,
        at=now,
        about=[person, *teams],
        details={
            "user": str(person.pk),
            "invitation": str(invitation.pk),
            "teams": [str(team.pk) for team in teams],
        },
    )


def _tell(act: Act, invitation: Invitation, *, actor: Actor, via: Via, address: str | None) -> None:
    record_event(
        act,
        organization_id=invitation.organization_id,
        actor=actor,
        via=via,
        address=address,
        about=[invitation],
        details={"invitation": str(invitation.pk)},
    )
