"""Signing up in two steps: the address is proven first, and until then there is nothing but the request (P8)."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, SignUpRequest, User
from accounts.services.locks import hold_addresses, is_locked, refuse_locked
from accounts.services.opening import Opening, open_organization
from accounts.words import Via
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.links import digest_of, new_secret
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails


class LinkUsedUp(Exception):
    """The link was used, is older than 24 hours, was voided by a newer one, or never was one."""


class AddressTaken(Exception):
    """The address has got an account since the link was mailed."""


@transaction.atomic
def request_sign_up(email: str) -> None:
    """Write to the address what is the case: a link, that it has an account, or that it is locked (P8).

    The caller answers alike whatever it is. A new request voids the link of the one before.
    """
    email = normalize_address(email)
    hold_addresses([email])
    if is_locked(email):
        queue_mails([NewMail(to=email, kind="sign_up_locked", context={})])
    elif User.objects.filter(email=email).exists():
        queue_mails([NewMail(to=email, kind="sign_up_known", context={})])
    else:
        _open(email).update(voided_at=timezone.now())
        SignUpRequest.objects.create(email=email)
        queue_mails([NewMail(to=email, kind="sign_up", context={"hours": settings.SIGN_UP_HOURS})])


def make_link(mail: Mail) -> str | None:
    """The link for the mail, good once; None where nobody waits for it any more. A second one voids the first."""
    secret, digest = new_secret()
    if not _open(mail.email.to[0]).update(digest=digest):
        return None
    return settings.PUBLIC_URL.rstrip("/") + reverse("finish_sign_up", args=[secret])


def find_request(secret: str) -> SignUpRequest:
    """The request whose link this is; LinkUsedUp where it can't be followed. Asking uses nothing up."""
    since = timezone.now() - timedelta(hours=settings.SIGN_UP_HOURS)
    open_requests = SignUpRequest.objects.filter(used_at__isnull=True, voided_at__isnull=True)
    request = open_requests.filter(digest=digest_of(secret), requested_at__gt=since).first()
    if request is None:
        raise LinkUsedUp
    return request


@transaction.atomic
def sign_up(secret: str, *, full_name: str, password: str, opening: Opening) -> tuple[User, Organization]:
    """Make person and organization at once (P8, P20, P30), and use the link up.

    Raises LinkUsedUp, AddressTaken or AddressLocked; then nothing was made, and the link still works.
    """
    refuse_locked(find_request(secret).email)
    request = find_request(secret)  # nobody uses or voids it from here on: they hold the address
    user = _make_user(request.email, password, full_name)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    organization = open_organization(opening, owner=user, via=Via.SIGN_UP)
    request.used_at = timezone.now()
    request.save(update_fields=["used_at"])
    return user, organization


def _make_user(email: str, password: str, full_name: str) -> User:
    """Whoever imports or makes staff holds no address, so that it is free is known only when the person is there."""
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, full_name=full_name)
    except IntegrityError:
        raise AddressTaken from None


def _open(email: str):
    return SignUpRequest.objects.filter(email=email, used_at__isnull=True, voided_at__isnull=True)
