"""An organization's contact e-mail: the owner's address, or one set apart and proven by the link mailed to it (P2)."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts.models import ContactChange, LifecycleEvent, Organization, User
from accounts.services.events import record_event
from accounts.words import Act, State, Via
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

SALT = "accounts.contact_change"


class ContactRefused(Exception):
    """The link can't be followed: it was used or voided, or whoever asked for it may not do so any more."""


@transaction.atomic
def request_contact_change(
    organization_id: UUID, email: str, *, actor: User, via: Via, address: str | None = None
) -> ContactChange | None:
    """Mail a link that proves the address; until it is followed the contact stays. A new request voids the one before.

    The owner's own address is proven already: the contact follows the owner again at once, and None comes back.
    Raises Organization.DoesNotExist where the organization is not active.
    """
    organization = Organization.objects.hold(organization_id)
    ContactChange.objects.filter(organization=organization).delete()
    if email == organization.owner.email:
        _set_contact(organization, email, actor=actor, via=via, address=address)
        return None
    change = ContactChange.objects.create(organization=organization, email=email, asked_by_id=actor.pk)
    context = {
        "organization_name": organization.name,
        "asked_by": str(actor),
        "hours": settings.ADDRESS_CHANGE_HOURS,
    }
    queue_mails([NewMail(to=email, kind="contact_change", context=context, organization_id=organization.pk)])
    return change


@transaction.atomic
def cancel_contact_change(organization_id: UUID) -> bool:
    """Void the link that was mailed; False where there is none to void."""
    organization = Organization.objects.hold(organization_id)
    return bool(ContactChange.objects.filter(organization=organization).delete()[0])


def find_contact_change(link: str) -> ContactChange | None:
    """The wish that the link belongs to, within its time, of an active organization; None for every other link."""
    try:
        id, email = signing.loads(link, salt=SALT, max_age=timedelta(hours=settings.ADDRESS_CHANGE_HOURS))
    except signing.BadSignature:
        return None
    changes = ContactChange.objects.filter(organization__state=State.ACTIVE).select_related("organization")
    return changes.filter(pk=id, email=email).first()


@transaction.atomic
def confirm_contact_change(change: ContactChange, *, address: str | None = None) -> LifecycleEvent | None:
    """Make the proven address the contact, on behalf of whoever asked for it, if they may still do so.

    Raises ContactRefused, and Organization.DoesNotExist where the organization is not active.
    """
    organization = Organization.objects.hold(change.organization_id)
    asker = User.objects.get(pk=change.asked_by_id)
    if not asker.has_perm("accounts.change_organization", organization):
        raise ContactRefused
    if not ContactChange.objects.filter(pk=change.pk).delete()[0]:
        raise ContactRefused
    return _set_contact(organization, change.email, actor=asker, via=Via.LINK, address=address)


def make_link(mail: Mail) -> str | None:
    """The signature proves the mailbox and ends in time; the row makes the link work once."""
    change = ContactChange.objects.filter(organization=mail.organization_id, email__in=mail.email.to).first()
    if change is None:
        return None
    link = signing.dumps([str(change.pk), change.email], salt=SALT)
    return settings.PUBLIC_URL.rstrip("/") + reverse("confirm_contact", args=[link])


def _set_contact(
    organization: Organization, email: str, *, actor: User, via: Via, address: str | None
) -> LifecycleEvent | None:
    """Write it, and tell the contact before and the owner. None where it is the contact already."""
    old = organization.contact_email
    if old == email:
        return None
    organization.contact_email = email
    organization.save(update_fields=["contact_email", "updated_at"])
    event = record_event(
        Act.CONTACT_CHANGED,
        organization_id=organization.pk,
        actor=actor,
        via=via,
        address=address,
        about=[old, email],
    )
    _tell(organization, old, actor, event)
    return event


def _tell(organization: Organization, old: str, actor: User, event: LifecycleEvent) -> None:
    context = {
        "organization_name": organization.name,
        "old_contact": old,
        "new_contact": organization.contact_email,
        "changed_by": str(actor),
        "changed_at": event.at,
    }
    queue_mails(
        NewMail(to=email, kind="contact_changed", context=context, organization_id=organization.pk, event_id=event.pk)
        for email in sorted({old, organization.owner.email} - {organization.contact_email})
    )
