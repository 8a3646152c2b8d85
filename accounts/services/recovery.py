"""A customer's lost address or second factor, replaced by a lead (P1, P6, P73).

The address that they have is told at once and can stop it; 72 hours later a worker carries it out. Every end of it is
one UPDATE of a row that still waits, so that of two who end it at once one wins.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import Recovery, User
from accounts.services.events import record_event
from accounts.services.locks import hold_addresses
from accounts.services.replacing import REFUSALS, hold_person, obstacle_of, replace_address
from accounts.services.sessions import end_sessions
from accounts.services.tokens import revoke_tokens_of
from accounts.words import Act, RecoveryStopped, Via
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

GONE = "It was stopped or carried out meanwhile."
STOP, PROVE = "accounts.recovery.stop", "accounts.recovery.prove"

logger = structlog.get_logger(__name__)


@transaction.atomic
def ask_recovery(
    user_id: UUID,
    *,
    actor: User,
    via: Via,
    note: str,
    ticket: str,
    proof: str,
    email: str | None = None,
    address: str | None = None,
) -> Recovery:
    """Have a customer's address replaced by `email`, or without one their second factor taken away, in 72 hours.

    Their present address is told at once and gets the link that stops it; a new one gets the link that proves it.
    LifecycleError says what forbids it.
    """
    _check_lead(actor, note=note, ticket=ticket)
    if not proof:
        raise LifecycleError("Please say how it was shown that the request comes from the customer.")
    email = normalize_address(email) if email is not None else None
    person = _hold_customer(user_id)
    if refusal := refusal_of(person, email):
        raise LifecycleError(refusal)
    now = timezone.now()
    recovery = Recovery(
        user=person, email=email, asked_at=now, in_force_at=now + timedelta(hours=settings.RECOVERY_HOURS)
    )
    event = record_event(
        Act.RECOVERY_ASKED,
        organization_id=None,
        actor=actor,
        via=via,
        address=address,
        at=now,
        about=[person],
        details=_details(recovery, in_force_at=recovery.in_force_at.isoformat()),
        note=note,
        ticket=ticket,
        proof=proof,
    )
    recovery.event_id = event.pk
    recovery.save(force_insert=True)
    _tell(recovery, "recovery_asked", to=person.email)
    if email:
        _tell(recovery, "recovery_prove", to=email)
    return recovery


def refusal_of(person: User, email: str | None) -> str | None:
    """Why the address can't be replaced by `email`, or without one the second factor taken away; None where it can."""
    if Recovery.objects.waiting().filter(user=person).exists():
        return f"A replacement for {person.email} waits already. Stop that one first."
    if email is None:
        has_one = Authenticator.objects.filter(user=person).exists()
        return None if has_one else f"{person.email} has no second factor."
    if email == person.email:
        return f"{email} is their address already."
    obstacle = obstacle_of(email)
    return f"{email} can’t become their address. {REFUSALS[obstacle]}" if obstacle else None


@transaction.atomic
def stop_recovery(
    recovery: Recovery,
    *,
    because: RecoveryStopped,
    via: Via,
    actor: User | None = None,
    address: str | None = None,
    note: str = "",
    ticket: str = "",
) -> bool:
    """Stop it for good, and tell both addresses; False where it has ended already."""
    now = timezone.now()
    waiting = Recovery.objects.waiting().filter(pk=recovery.pk)
    if not waiting.update(stopped_at=now, stopped_because=because):
        return False
    record_event(
        Act.RECOVERY_STOPPED,
        organization_id=None,
        actor=actor,
        via=via,
        address=address,
        at=now,
        about=[recovery.user],
        details=_details(recovery, because=because.value),
        note=note,
        ticket=ticket,
    )
    for to in filter(None, (recovery.user.email, recovery.email)):
        _tell(recovery, "recovery_stopped", to=to)
    return True


def stop_recovery_of(
    person: User,
    *,
    because: RecoveryStopped,
    actor: User,
    via: Via,
    address: str | None = None,
    note: str = "",
    ticket: str = "",
) -> bool:
    """Stop what waits for this person; False where nothing does."""
    recovery = waiting_for(person)
    return recovery is not None and stop_recovery(
        recovery, because=because, actor=actor, via=via, address=address, note=note, ticket=ticket
    )


def stop_recovery_by_lead(
    person: User, *, actor: User, via: Via, note: str, ticket: str, address: str | None = None
) -> None:
    """Stop what waits for this person on a lead's word. LifecycleError where nothing does, or the actor may not."""
    _check_lead(actor, note=note, ticket=ticket)
    because = RecoveryStopped.STAFF
    if not stop_recovery_of(person, because=because, actor=actor, via=via, address=address, note=note, ticket=ticket):
        raise LifecycleError(GONE)


def waiting_for(person: User) -> Recovery | None:
    return Recovery.objects.waiting().filter(user=person).first()


def prove_address(recovery: Recovery) -> None:
    """The new address is read by whoever followed its link; where the 72 hours are over it is carried out now."""
    now = timezone.now()
    Recovery.objects.provable(now).filter(pk=recovery.pk, proven_at=None).update(proven_at=now)
    carry_out_recoveries(at=now, among=[recovery.pk])


def carry_out_recoveries(*, at: datetime, among: list[UUID] | None = None) -> int:
    """Carry out what is due, each in a transaction of its own; how many were.

    What has become impossible is stopped, with the reason. One that fails does not hold up the others and is found
    again; running twice changes nothing.
    """
    due = Recovery.objects.due(at) | Recovery.objects.unproven(at)
    if among is not None:
        due = due.filter(pk__in=among)
    return sum(_tried(recovery, at) for recovery in due.select_related("user").order_by("in_force_at"))


def find_to_stop(link: str) -> Recovery | None:
    """What the link in the mail to the present address can stop; None where it has ended, or the link is forged."""
    return Recovery.objects.waiting().filter(pk=_id_of(link, STOP)).select_related("user").first()


def find_to_prove(link: str) -> Recovery | None:
    """What the link in the mail to the new address proves, or has proven."""
    return Recovery.objects.provable(timezone.now()).filter(pk=_id_of(link, PROVE)).first()


def make_stop_link(mail: Mail) -> str | None:
    return _link(mail, STOP, "stop_recovery")


def make_prove_link(mail: Mail) -> str | None:
    return _link(mail, PROVE, "prove_recovery")


def _link(mail: Mail, salt: str, page: str) -> str | None:
    """Signed, since whatever can be done with it is done to a row that still waits, and once."""
    recovery = Recovery.objects.waiting().filter(event_id=mail.event_id).first()
    if recovery is None:
        return None
    return settings.PUBLIC_URL.rstrip("/") + reverse(page, args=[signing.dumps(str(recovery.pk), salt=salt)])


def _id_of(link: str, salt: str) -> str | None:
    try:
        return signing.loads(link, salt=salt)
    except signing.BadSignature:
        return None


def _tried(recovery: Recovery, at: datetime) -> bool:
    try:
        return _carry_out(recovery, at)
    except Exception:
        logger.exception("a replacement failed and is tried again", recovery=str(recovery.pk))
        return False


@transaction.atomic
def _carry_out(recovery: Recovery, at: datetime) -> bool:
    try:
        person = hold_person(recovery.user_id)
    except User.DoesNotExist:  # closed just now, and what waited for it went with it
        return False
    if recovery.email:
        hold_addresses([recovery.email])
    if obstacle := _obstacle(recovery):
        _give_up(recovery, obstacle)
        return False
    if not Recovery.objects.due(at).filter(pk=recovery.pk).update(done_at=at):
        return False
    counts = {
        "sessions": end_sessions(person.pk),
        "tokens": revoke_tokens_of(person, via=Via.WORKER, at=at),
        "second_factors": _replace(person, recovery),
    }
    record_event(
        Act.RECOVERY_DONE,
        organization_id=None,
        actor=None,
        via=Via.WORKER,
        at=at,
        about=[person],
        details=_details(recovery, counts=counts),
    )
    return True


def _obstacle(recovery: Recovery) -> RecoveryStopped | None:
    if recovery.email is None:
        return None
    return obstacle_of(recovery.email) if recovery.proven_at else RecoveryStopped.UNPROVEN


def _replace(person: User, recovery: Recovery) -> int:
    """Whoever reads the old address could have set the password, so it goes with it; the second factor stays (P6)."""
    if recovery.email is None:
        count = Authenticator.objects.filter(user=person).delete()[0]
        _tell(recovery, "second_factor_taken_away", to=person.email)
        return count
    replace_address(person, recovery.email)
    person.set_unusable_password()
    person.save(update_fields=["password"])
    _tell(recovery, "address_replaced", to=recovery.email)
    return 0


def _give_up(recovery: Recovery, because: RecoveryStopped) -> None:
    stop_recovery(recovery, because=because, via=Via.WORKER)


def _hold_customer(user_id: UUID) -> User:
    try:
        return User.objects.filter(is_staff=False).hold(user_id)
    except User.DoesNotExist:
        raise LifecycleError("There is no customer with an open account here.") from None


def _check_lead(actor: User, *, note: str, ticket: str) -> None:
    if not actor.is_staff or not actor.has_perm("accounts.recover_account"):
        raise LifecycleError(f"{actor.email} may not do this: it needs a lead.")
    if not note.strip() or not ticket.strip():
        raise LifecycleError("Please say why, and name the ticket that asks for this.")


def _details(recovery: Recovery, **more: object) -> dict[str, object]:
    kind = "second_factor" if recovery.email is None else "address"
    return {"recovery": str(recovery.pk), "kind": kind, **more}


def _tell(recovery: Recovery, kind: str, *, to: str) -> None:
    context = {
        "what": recovery.what,
        "new_address": recovery.email,
        "in_force_at": recovery.in_force_at,
        "reset_hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    queue_mails([NewMail(to=to, kind=kind, context=context, event_id=recovery.event_id, person_id=recovery.user_id)])
