"""A person's address: asked to change, proven by the link mailed to the new one, changed (P1, P2, P45)."""

from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import AddressChange, Organization, User
from accounts.services.locks import hold_addresses, is_locked
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

SALT = "accounts.address_change"
TAKEN = "It has an account of its own already."
LOCKED = "It is locked, because an organization that it belonged to was deactivated."


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


def change_address(user: User, change: AddressChange) -> None:
    """Make the proven address the person's (P1), and that of contact where it was the same (P2); tell the old one.

    Whether it is locked or taken is asked again, under lock: a deactivation that locks it right now comes first or
    is waited for. Raises AddressRefused.
    """
    try:
        _change_address(user.pk, change)
    except IntegrityError:
        raise AddressRefused(TAKEN) from None


def _refusal(email: str) -> str | None:
    if is_locked(email):
        return LOCKED
    return TAKEN if User.objects.of_address(email).exists() else None


@transaction.atomic
def _change_address(user_id: UUID, change: AddressChange) -> None:
    _hold_organizations(user_id)
    hold_addresses([change.email])
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if not AddressChange.objects.filter(pk=change.pk, email=change.email).delete()[0]:
        raise AddressRefused("This link was used already.")
    if refusal := _refusal(change.email):
        raise AddressRefused(refusal)
    old = user.email
    user.email = change.email
    user.save(update_fields=["email", "updated_at"])
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    Organization.objects.filter(owner=user, contact_email=old).update(contact_email=user.email)
    queue_mails([NewMail(to=old, kind="address_changed", context={"new_address": user.email}, person_id=user.pk)])


def _hold_organizations(user_id: UUID) -> None:
    """Hold the person's own, so that a deactivation locks the address that its owner has when it commits (P45)."""
    owned = Organization.objects.filter(owner=user_id).order_by("pk").select_for_update(no_key=True)
    list(owned.values_list("pk", flat=True))


def make_link(mail: Mail) -> str | None:
    """The signature proves the mailbox and ends in time; the row makes the link work once."""
    change = AddressChange.objects.filter(user=mail.person_id, email__in=mail.email.to).first()
    if change is None:
        return None
    link = signing.dumps([str(change.pk), change.email], salt=SALT)
    return settings.PUBLIC_URL.rstrip("/") + reverse("account_confirm_address", args=[link])
