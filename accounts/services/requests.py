"""What customers ask support for: in the owner's session, or confirmed by the link to the contact e-mail (P73)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.errors import LifecycleError
from accounts.models import Organization, SupportRequest, User
from accounts.services.events import record_event
from accounts.words import Act, Proof, Via, Wish
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails

SALT = "accounts.support_request"


@transaction.atomic
def ask_support(
    organization_id: UUID, *, wish: Wish, text: str, actor: User, via: Via, address: str | None = None
) -> SupportRequest:
    """Keep what the owner asks for in their own session; support reads it on the case. Nothing else changes.

    LifecycleError for whoever does not own the organization.
    """
    organization = Organization.objects.select_for_update(no_key=True).filter(pk=organization_id, owner=actor).first()
    if organization is None:
        raise LifecycleError("You do not own this organization.")
    now = timezone.now()
    return _keep(
        Act.SUPPORT_ASKED,
        SupportRequest(
            organization=organization,
            wish=wish,
            text=text,
            proof=Proof.SESSION,
            asked_by_id=actor.pk,
            asked_at=now,
            confirmed_at=now,
        ),
        actor=actor,
        via=via,
        address=address,
    )


@transaction.atomic
def ask_contact(
    organization_id: UUID,
    *,
    wish: Wish,
    text: str,
    note: str,
    ticket: str,
    actor: User,
    via: Via,
    address: str | None = None,
) -> SupportRequest:
    """Mail the contact a link, good once and for 7 days, that confirms what was asked for. Errors: LifecycleError."""
    if not actor.has_perm("accounts.ask_contact"):
        raise LifecycleError(f"{actor.email} may not do this: it needs an agent.")
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    now = timezone.now()
    request = SupportRequest(
        organization=organization,
        wish=wish,
        text=text,
        proof=Proof.CONTACT_LINK,
        asked_by_id=actor.pk,
        asked_at=now,
        email=organization.contact_email,
        expires_at=now + timedelta(days=settings.CONTACT_LINK_DAYS),
    )
    _keep(Act.CONTACT_ASKED, request, actor=actor, via=via, address=address, note=note, ticket=ticket)
    context = {
        "organization_name": organization.name,
        "wish": request.get_wish_display().lower(),
        "days": settings.CONTACT_LINK_DAYS,
    }
    mail = NewMail(
        to=request.email,
        kind="request_to_confirm",
        context=context,
        organization_id=organization.pk,
        event_id=request.event_id,
    )
    queue_mails([mail])
    return request


def find_to_confirm(link: str) -> SupportRequest | None:
    """What the mailed link confirms; None where it was used, is too old or was made up."""
    try:
        id = signing.loads(link, salt=SALT)
    except signing.BadSignature:
        return None
    waiting = SupportRequest.objects.to_confirm(timezone.now()).select_related("organization")
    return waiting.filter(pk=id).first()


@transaction.atomic
def confirm_request(request: SupportRequest, *, address: str | None = None) -> bool:
    """Count it as the contact's word from now on; False where somebody was faster."""
    now = timezone.now()
    if not SupportRequest.objects.to_confirm(now).filter(pk=request.pk).update(confirmed_at=now):
        return False
    record_event(
        Act.CONTACT_CONFIRMED,
        organization_id=request.organization_id,
        actor=None,
        via=Via.LINK,
        address=address,
        at=now,
        about=[request.email],
        details={"request": str(request.pk), "wish": request.wish},
    )
    return True


def proofs_of(organization_ids: Collection[UUID], *, at: datetime) -> list[SupportRequest]:
    """The requests of the last 30 days that show who asks, the newest first, whatever they ask for."""
    since = at - timedelta(days=settings.PROOF_DAYS)
    requests = SupportRequest.objects.shown_since(since).filter(organization__in=organization_ids)
    return list(requests.select_related("organization"))


def make_link(mail: Mail) -> str | None:
    """Signed, and made as the mail is sent; what it does is done to a row that still waits, and once."""
    request = SupportRequest.objects.to_confirm(timezone.now()).filter(event_id=mail.event_id).first()
    if request is None:
        return None
    return settings.PUBLIC_URL.rstrip("/") + reverse(
        "confirm_request", args=[signing.dumps(str(request.pk), salt=SALT)]
    )


def _keep(act: Act, request: SupportRequest, **said) -> SupportRequest:
    event = record_event(
        act,
        organization_id=request.organization_id,
        at=request.asked_at,
        details={"request": str(request.pk), "wish": request.wish},
        **said,
    )
    request.event_id = event.pk
    request.save(force_insert=True)
    return request
