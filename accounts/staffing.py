"""Staff accounts: made by an administrator or from the command line, moved to another tier, ended (P70).

Whoever changes who is an administrator holds that group's row first, and asks again under it who acts: of two
administrators who end each other one stays.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.errors import LifecycleError
from accounts.models import LifecycleEvent, User
from accounts.services.events import record_event
from accounts.services.sessions import end_sessions
from accounts.words import Act, Tier, Via
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

RIGHT = "accounts.manage_staff"


class NotStaff(Exception):
    """The address is a customer's, who cannot be staff (P1); the text says so."""


@transaction.atomic
def create_staff(email: str, tier: Tier) -> tuple[User, bool]:
    """From the command line: give the address a staff account of `tier` without a password; whether anything changed.

    An account that exists keeps its password and second factor and is moved to `tier`. LifecycleError where it is the
    last administrator's.
    """
    _hold_administrators()
    user, created = _account(email)
    before = user.tier
    if before == tier:
        return user, False
    _move(user, tier)
    act = Act.STAFF_MADE if created else Act.TIER_CHANGED
    _tell(act, user, actor=None, via=Via.COMMAND, before=before, to=tier)
    return user, True


@transaction.atomic
def make_staff(
    email: str,
    *,
    full_name: str,
    tier: Tier,
    note: str,
    ticket: str,
    actor: User,
    via: Via,
    address: str | None = None,
) -> User:
    """Give the address a staff account of `tier`, and mail it the link behind which its owner chooses a password.

    LifecycleError where it is staff's already or the actor may not, NotStaff where it is a customer's.
    """
    _hold_administrators()
    _check(actor, note=note, ticket=ticket)
    user, created = _account(email)
    if not created:
        raise LifecycleError(f"{user.email} is staff already. Change their tier instead.")
    user.full_name = full_name
    user.save(update_fields=["full_name"])
    _move(user, tier)
    event = _tell(Act.STAFF_MADE, user, actor=actor, via=via, address=address, note=note, ticket=ticket, to=tier)
    context = {"actor_name": str(actor), "hours": settings.PASSWORD_RESET_TIMEOUT // 3600}
    queue_mails([NewMail(to=user.email, kind="staff_made", context=context, event_id=event.pk, person_id=user.pk)])
    return user


@transaction.atomic
def change_tier(
    person: User, *, tier: Tier, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> LifecycleEvent:
    """Move a colleague to another tier, in force with their next request. Nobody changes their own.

    LifecycleError where the actor may not, or it would leave no administrator.
    """
    held = _hold(person, actor, note=note, ticket=ticket)
    before = held.tier
    if before == tier:
        raise LifecycleError(f"{held.email} is {tier.label.lower()} already.")
    _move(held, tier)
    said: dict[str, Any] = {"actor": actor, "via": via, "address": address, "note": note, "ticket": ticket}
    return _tell(Act.TIER_CHANGED, held, before=before, to=tier, **said)


@transaction.atomic
def end_staff(
    person: User, *, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> LifecycleEvent:
    """End a colleague's account: every session at once, tier and second factor with it. What they did stays on record.

    Nobody ends their own. LifecycleError as in `change_tier`. The address can be made staff anew, with a new account.
    """
    held = _hold(person, actor, note=note, ticket=ticket)
    before = held.tier
    _move(held, None)
    Authenticator.objects.filter(user=held).delete()
    held.is_active, held.closed_at = False, timezone.now()
    held.save(update_fields=["is_active", "closed_at"])
    said: dict[str, Any] = {"actor": actor, "via": via, "address": address, "note": note, "ticket": ticket}
    return _tell(Act.STAFF_ENDED, held, before=before, sessions=end_sessions(held.pk), **said)


@transaction.atomic
def reset_second_factor(
    person: User, *, note: str, ticket: str, actor: User, via: Via, address: str | None = None
) -> LifecycleEvent:
    """Take a colleague's lost second factor away and end their sessions; at the next sign-in they set up a new one.

    Their password stays. Nobody resets their own; LifecycleError says so. The person is told by mail.
    """
    held = _hold(person, actor, note=note, ticket=ticket)
    count, _by_model = Authenticator.objects.filter(user=held).delete()
    if not count:
        raise LifecycleError(f"{held.email} has no second factor; at the next sign-in they set one up.")
    end_sessions(held.pk)
    said: dict[str, Any] = {"actor": actor, "via": via, "address": address, "note": note, "ticket": ticket}
    event = _tell(Act.SECOND_FACTOR_RESET, held, authenticators=count, actor_tier=actor.tier, **said)
    context = {"actor_name": str(actor)}
    queue_mails(
        [NewMail(to=held.email, kind="second_factor_reset", context=context, event_id=event.pk, person_id=held.pk)]
    )
    return event


def welcome_link(user: User) -> str:
    """Where the person chooses the first password: works once, for `PASSWORD_RESET_TIMEOUT` seconds."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin:welcome", args=[uid, default_token_generator.make_token(user)])
    return settings.PUBLIC_URL.rstrip("/") + path


def make_link(mail: Mail) -> str | None:
    """Made as the mail is sent, and stored nowhere; none where the account has ended meanwhile."""
    user = User.objects.filter(pk__in=[mail.person_id], is_staff=True, is_active=True).first()
    return welcome_link(user) if user else None


def _account(email: str) -> tuple[User, bool]:
    address = normalize_address(email)
    user, created = User.objects.get_or_create(
        email=address, closed_at=None, defaults={"is_staff": True, "password": make_password(None)}
    )
    if not user.is_staff:
        raise NotStaff(f"{address} is a customer's address. Staff need an address of their own.")
    return user, created


def _hold_administrators() -> None:
    Group.objects.select_for_update().get(name=Tier.ADMINISTRATOR)


def _hold(person: User, actor: User, *, note: str, ticket: str) -> User:
    """Lock a colleague whom the actor may change; LifecycleError otherwise."""
    _hold_administrators()
    _check(actor, note=note, ticket=ticket)
    if person.pk == actor.pk:
        raise LifecycleError("Nobody changes their own staff account. Ask another administrator.")
    held = (
        User.objects.filter(is_staff=True, is_active=True).select_for_update(no_key=True).filter(pk=person.pk).first()
    )
    if held is None:
        raise LifecycleError("This is no member of staff, or not any more.")
    return held


def _check(actor: User, *, note: str, ticket: str) -> None:
    """Asked under the lock, of the actor as they are now."""
    if not User.objects.get(pk=actor.pk).has_perm(RIGHT):
        raise LifecycleError("Only an administrator changes who is staff.")
    if not note.strip() or not ticket.strip():
        raise LifecycleError("Please say why, and name the ticket that asks for this.")


def _move(user: User, tier: Tier | None) -> None:
    """Set the tier; the last administrator stays one."""
    others = User.objects.filter(is_staff=True, is_active=True, groups__name=Tier.ADMINISTRATOR).exclude(pk=user.pk)
    if user.tier == Tier.ADMINISTRATOR and not others.exists():
        raise LifecycleError(f"{user.email} is the last administrator. Make another one first.")
    user.groups.set(Group.objects.filter(name=tier) if tier else [])


def _tell(
    act: Act,
    person: User,
    *,
    actor: User | None,
    via: Via,
    address: str | None = None,
    note: str = "",
    ticket: str = "",
    **details: Any,
) -> LifecycleEvent:
    return record_event(
        act,
        organization_id=None,
        actor=actor,
        via=via,
        address=address,
        about=[person],
        details={"person": str(person.pk), **details},
        note=note,
        ticket=ticket,
    )
