"""A person's address: asked to change, proven by the link mailed to the new one, changed (P1, P2, P45)."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import AddressChange, User
from accounts.services.locks import hold_addresses
from accounts.services.recovery import stop_recovery_of
from accounts.services.replacing import REFUSALS, PersonMoved, hold_person, obstacle_of, replace_address
from accounts.words import RecoveryStopped, Via
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

SALT = "accounts.address_change"


class AddressRefused(Exception):
    """The address did not change; the text says why, worded for whoever can read its mail."""


@transaction.atomic
def request_address_change(user: User, email: str) -> AddressChange:
    """Keep the wish and write to the address: a link, or why it cannot be used. The caller's answer is the same."""
    change, _created = AddressChange.objects.update_or_create(
        user=user, defaults={"email": email, "requested_at": timezone.now()}
    )
    refusal = _refusal(email)
    if refusal:
        mail = NewMail(to=email, kind="address_change_refused", context={"refusal": refusal})
    else:
        mail = NewMail(
            to=email,
            kind="address_change",
            context={"hours": settings.ADDRESS_CHANGE_HOURS},
            person_id=user.pk,
        )
    queue_mails([mail])
    return change


def find_address_change(user: User, link: str) -> AddressChange | None:
    """The person's own wish that the link belongs to, within its time; None where it was used, voided or forged."""
    try:
        id, email = signing.loads(link, salt=SALT, max_age=timedelta(hours=settings.ADDRESS_CHANGE_HOURS))
    except signing.BadSignature:
        return None
    return AddressChange.objects.filter(pk=id, user=user, email=email).first()


def change_address(user: User, change: AddressChange, *, address: str | None = None) -> None:
    """Make the proven address the person's; a replacement that somebody asked support for is stopped by it.

    Whether it is locked or taken is asked again, under lock: a deactivation that locks it right now comes first or
    is waited for. Raises AddressRefused.
    """
    try:
        _change_address(user.pk, change, address)
    except IntegrityError:
        raise AddressRefused(REFUSALS[RecoveryStopped.TAKEN]) from None
    except PersonMoved:
        raise AddressRefused("You joined another organization just now. Please follow the link once more.") from None


def _refusal(email: str) -> str | None:
    obstacle = obstacle_of(email)
    return REFUSALS[obstacle] if obstacle else None


@transaction.atomic
def _change_address(user_id: UUID, change: AddressChange, address: str | None) -> None:
    user = hold_person(user_id)
    hold_addresses([change.email])
    if not AddressChange.objects.filter(pk=change.pk, email=change.email).exists():
        raise AddressRefused("This link was used already.")
    if refusal := _refusal(change.email):
        raise AddressRefused(refusal)
    stop_recovery_of(user, because=RecoveryStopped.CHANGED, actor=user, via=Via.ACCOUNT, address=address)
    replace_address(user, change.email)


def make_link(mail: Mail) -> str | None:
    """The signature proves the mailbox and ends in time; the row makes the link work once."""
    change = AddressChange.objects.filter(user=mail.person_id, email__in=mail.email.to).first()
    if change is None:
        return None
    link = signing.dumps([str(change.pk), change.email], salt=SALT)
    return settings.PUBLIC_URL.rstrip("/") + reverse("account_confirm_address", args=[link])
