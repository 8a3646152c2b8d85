"""Staff accounts: made from the command line, opened by a single-use link, a lost second factor reset (P70)."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.errors import LifecycleError
from accounts.models import EventSubject, LifecycleEvent, User
from accounts.services.sessions import end_sessions
from accounts.words import Act, Tier, Via
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.outbox import NewMail, queue_mails


class NotStaff(Exception):
    """The address is a customer's, who cannot be staff (P1); the text says so."""


@transaction.atomic
def create_staff(email: str, tier: Tier) -> tuple[User, bool]:
    """Give the address a staff account of `tier` without a password; also whether anything changed.

    An account that exists keeps its password and second factor and is moved to `tier`.
    """
    address = normalize_address(email)
    user, created = User.objects.get_or_create(
        email=address, closed_at=None, defaults={"is_staff": True, "password": make_password(None)}
    )
    if not user.is_staff:
        raise NotStaff(f"{address} is a customer's address. Staff need an address of their own.")
    changed = created or user.tier != tier
    user.groups.set([Group.objects.get(name=tier.value)])
    return user, changed


def welcome_link(user: User) -> str:
    """Where the person chooses the first password: works once, for `PASSWORD_RESET_TIMEOUT` seconds."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin:welcome", args=[uid, default_token_generator.make_token(user)])
    return settings.PUBLIC_URL.rstrip("/") + path


@transaction.atomic
def reset_second_factor(
    person: User, *, note: str, ticket: str, actor: User, via: Via, proof: str = "", address: str | None = None
) -> LifecycleEvent:
    """Take a colleague's lost second factor away and end their sessions; at the next sign-in they set up a new one.

    Their password stays. Nobody resets their own; LifecycleError says so. The person is told by mail.
    """
    held = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    _check_reset(held, actor)
    count, _by_model = Authenticator.objects.filter(user=held).delete()
    end_sessions(held.pk)
    event = LifecycleEvent.objects.create(
        act=Act.SECOND_FACTOR_RESET,
        actor_id=actor.pk,
        via=via,
        note=note,
        ticket=ticket,
        proof=proof,
        remote_address=address,
        details={"person": str(held.pk), "authenticators": count, "actor_tier": actor.tier},
    )
    EventSubject.objects.bulk_create(
        EventSubject(event=event, part=part, subject_id=who.pk, name=who.full_name, address=who.email)
        for part, who in ((EventSubject.Part.ACTOR, actor), (EventSubject.Part.STAFF, held))
    )
    context = {"actor_name": str(actor)}
    queue_mails(
        [NewMail(to=held.email, kind="second_factor_reset", context=context, event_id=event.pk, person_id=held.pk)]
    )
    return event


def _check_reset(person: User, actor: User) -> None:
    if not actor.has_perm("accounts.manage_staff"):
        raise LifecycleError("Only an administrator resets a second factor.")
    if not person.is_staff:
        raise LifecycleError("This is no member of staff.")
    if person.pk == actor.pk:
        raise LifecycleError("Nobody resets their own second factor. Ask another administrator.")
    if not Authenticator.objects.filter(user=person).exists():
        raise LifecycleError(f"{person.email} has no second factor; at the next sign-in they set one up.")
