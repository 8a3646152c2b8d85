"""Closing a person's account, and opening it again (P56).

Locks are taken in the order that every act keeps: organizations by id, then people by id, then addresses.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, Model
from django.utils import timezone

from accounts import rights
from accounts.errors import LifecycleError, PreviewChanged
from accounts.lifecycle import deactivate_organizations
from accounts.models import AddressChange, LifecycleEvent, Membership, Organization, Recovery, User
from accounts.previews import Closing, DeactivationPreview, closing_of, deactivations_of, digest_of
from accounts.services.events import record_event
from accounts.services.locks import hold_addresses, is_locked
from accounts.services.members import let_go
from accounts.services.ownership import transfer_ownership
from accounts.services.sessions import end_sessions
from accounts.words import Act, Reason, State, Via
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.outbox import NewMail, queue_mails

ADDRESS_TAKEN = "{} has an account of its own since this one was closed, so this one can't be opened again."


@dataclass(frozen=True)
class HandOver:
    """An organization goes on under another owner, somebody of its Organization Admin."""

    to: UUID


@dataclass(frozen=True)
class Deactivate:
    """An organization is deactivated; `expected` is the digest of the preview shown of it (P71)."""

    take_down_at: datetime
    expected: str


type Choice = HandOver | Deactivate


@transaction.atomic
def close_account(
    *,
    actor: User,
    choices: Mapping[UUID, Choice],
    expected: str,
    via: Via = Via.ACCOUNT,
    address: str | None = None,
) -> LifecycleEvent:
    """Close the account of `actor`: each owned organization handed over or deactivated, all of it or nothing (P56).

    Memberships, teams, roles, tokens and sessions end; the other organizations go on. Without an owned organization
    no address is locked. The row keeps name and address, so that a lead can open it again; whoever has the address
    can sign up anew. `expected` is the digest of the closing as it was shown.

    Raises PreviewChanged where something is not as shown, LifecycleError where a choice can't be, and
    User.DoesNotExist where the account is closed already.
    """
    now = timezone.now()
    closing = _hold(actor, choices, expected)
    person = closing.person
    handed_over = [
        transfer_ownership(id, to=choice.to, actor=person, via=via, address=address)
        for id, choice in choices.items()
        if isinstance(choice, HandOver)
    ]
    deactivations = _deactivate(closing, choices, via=via, address=address, at=now)
    memberships = list(Membership.objects.filter(user=person).select_related("user").order_by("organization"))
    departures = let_go(memberships, actor=person, via=via, address=address, at=now)
    _shut(person, at=now)
    event = record_event(
        Act.ACCOUNT_CLOSED,
        organization_id=None,
        actor=person,
        via=via,
        address=address,
        at=now,
        about=[person],
        details=_details(handed_over, deactivations, departures),
    )
    _tell_closed(closing, choices, event)
    return event


def reopen_account(
    user_id: UUID,
    *,
    actor: User,
    via: Via,
    note: str,
    ticket: str,
    proof: str = "",
    address: str | None = None,
) -> LifecycleEvent:
    """Open a closed account again, with its name and address, and mail a link to choose a password (P56).

    Memberships do not come back; the owner of an organization is a member again once it is reactivated (P50).
    Raises LifecycleError where that can't be or the actor may not, User.DoesNotExist.
    """
    rights.check_act(actor, via=via, note=note, ticket=ticket)
    rights.check_permission(actor, "accounts.reopen_account")
    said = {"note": note, "ticket": ticket, "proof": proof}
    try:
        with transaction.atomic():
            return _reopen(user_id, actor=actor, via=via, address=address, **said)
    except IntegrityError:  # it signed up at the same moment
        person = User.objects.get(pk=user_id)
        raise LifecycleError(ADDRESS_TAKEN.format(person.email)) from None


def reopens_until(person: User) -> datetime:
    """Until when a closed account can be opened again: until the last of its organizations is purged (P56).

    Where none of its own is kept, for as long as an organization would be.
    """
    assert person.closed_at is not None
    kept = Organization.objects.inactive().filter(owner=person).aggregate(at=Max("purge_at"))["at"]
    return kept or person.closed_at + timedelta(days=settings.RETENTION_DAYS)


def why_not_reopened(person: User, *, at: datetime) -> str | None:
    """Why the account can't be opened again at `at`, worded for support; None where it can."""
    if person.closed_at is None:
        return f"The account of {person.email} is open."
    if User.objects.of_address(person.email).exists():
        return ADDRESS_TAKEN.format(person.email)
    owned = Organization.objects.filter(owner=person)
    if owned.inactive().exists():
        return None
    if owned.exists():
        return f"Every organization that {person.email} owned is purged, so the account can't be opened again."
    if reopens_until(person) <= at:
        return f"The account of {person.email} could be opened again until {absolute(reopens_until(person))}."
    return None


def _hold(actor: User, choices: Mapping[UUID, Choice], expected: str) -> Closing:
    """Hold all that closing reaches. As it is the same before and after, nothing was left out of what is held."""
    before = closing_of(actor)
    Organization.objects.all().hold_all(each.pk for each in before.organizations)
    heirs = [choice.to for choice in choices.values() if isinstance(choice, HandOver)]
    list(User.objects.filter(pk__in=[actor.pk, *heirs]).order_by("pk").select_for_update(no_key=True))
    closing = closing_of(User.objects.hold(actor.pk))
    if not before.digest == closing.digest == expected:
        raise PreviewChanged
    if choices.keys() != {each.pk for each in closing.owned}:
        raise LifecycleError("Please choose for each organization that you own whether it is handed over.")
    return closing


def _deactivate(
    closing: Closing, choices: Mapping[UUID, Choice], *, via: Via, address: str | None, at: datetime
) -> list[LifecycleEvent]:
    """Deactivate those chosen as they were shown, a set for each moment of taking down."""
    wanted = {id: choice for id, choice in choices.items() if isinstance(choice, Deactivate)}
    previews = deactivations_of([each for each in closing.owned if each.pk in wanted], at=at, lock=True)
    if any(preview.digest != wanted[preview.organization.pk].expected for preview in previews):
        raise PreviewChanged
    hold_addresses(each for preview in previews for each in preview.scope.addresses)

    def moment(preview: DeactivationPreview) -> datetime:
        return wanted[preview.organization.pk].take_down_at

    sets = [(begins_at, list(some)) for begins_at, some in groupby(sorted(previews, key=moment), key=moment)]
    return [
        event
        for begins_at, some in sets
        for event in deactivate_organizations(
            [preview.organization.pk for preview in some],
            reason=Reason.ACCOUNT_CLOSED,
            via=via,
            actor=closing.person,
            address=address,
            take_down_at=begins_at,
            expected=_digest(some),
        )
    ]


def _digest(previews: Iterable[DeactivationPreview]) -> str:
    """Of the set as it is held, in order of id."""
    return digest_of(preview.scope for preview in sorted(previews, key=lambda each: each.organization.pk))


def _shut(person: User, *, at: datetime) -> None:
    """End every way in. Earlier passwords stay, so that none of them comes back (P6)."""
    person.closed_at = at
    person.is_active = False
    person.set_unusable_password()
    person.save(update_fields=["closed_at", "is_active", "password", "updated_at"])
    models: tuple[type[Model], ...] = (Authenticator, EmailAddress, AddressChange, Recovery)
    for model in models:
        model._default_manager.filter(user=person).delete()
    end_sessions(person.pk)


def _details(
    handed_over: Collection[LifecycleEvent],
    deactivations: Collection[LifecycleEvent],
    departures: Collection[LifecycleEvent],
) -> dict[str, object]:
    organizations = {"handed_over": handed_over, "deactivated": deactivations, "left": departures}
    lost = ("tokens", "team_memberships", "role_assignments", "invitations")
    return {
        **{name: [str(event.organization_id) for event in events] for name, events in organizations.items()},
        "counts": {
            **{name: len(events) for name, events in organizations.items()},
            **{kind: sum(event.details["counts"][kind] for event in departures) for kind in lost},
        },
    }


def _tell_closed(closing: Closing, choices: Mapping[UUID, Choice], event: LifecycleEvent) -> None:
    kept = [each for each in closing.owned if isinstance(choices[each.pk], HandOver)]
    deactivated = [each for each in closing.owned if each not in kept]
    context = {
        "closed_at": event.at,
        "reopens_until": reopens_until(closing.person),
        "is_locked": is_locked(closing.person.email),
        "handed_over": _names(kept),
        "deactivated": _names(deactivated),
        "left": _names(each for each in closing.left if each.state == State.ACTIVE),
    }
    queue_mails([_mail(closing.person, "account_closed", context, event)])


def _names(organizations: Iterable[Organization]) -> str:
    return ", ".join(organization.name for organization in organizations)


def _reopen(user_id: UUID, *, actor: User, via: Via, address: str | None, **said: str) -> LifecycleEvent:
    now = timezone.now()
    person = User.objects.filter(is_staff=False).select_for_update(no_key=True).get(pk=user_id)
    if refusal := why_not_reopened(person, at=now):
        raise LifecycleError(refusal)
    person.closed_at = None
    person.is_active = True
    person.save(update_fields=["closed_at", "is_active", "updated_at"])
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    event = record_event(
        Act.ACCOUNT_REOPENED,
        organization_id=None,
        actor=actor,
        via=via,
        address=address,
        at=now,
        about=[person],
        details={"user": str(person.pk)},
        **said,
    )
    context = {"hours": settings.PASSWORD_RESET_TIMEOUT // 3600, "reopened_at": now}
    queue_mails([_mail(person, "account_reopened", context, event)])
    return event


def _mail(person: User, kind: str, context: dict, event: LifecycleEvent) -> NewMail:
    return NewMail(to=person.email, kind=kind, context=context, event_id=event.pk, person_id=person.pk)
