"""Signing up in two steps: the address is proven first, and until then there is nothing but the request (P8)."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
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

KEPT = timedelta(days=7)


class LinkUsedUp(Exception):
    """The link was used, is older than 24 hours, was voided by a newer one, or never was one."""


class AddressTaken(Exception):
    """The address has got an account since the link was mailed."""


@transaction.atomic
def request_sign_up(email: str) -> None:
    """Write to the address what is the case: a link, that it has an account, or that it is locked (P8).

    The caller answers alike whatever it is, and the same rows are written. A new request voids the link before.
    """
    email = normalize_address(email)
    hold_addresses([email])
    SignUpRequest.objects.update_or_create(
        email=email, defaults={"requested_at": timezone.now(), "digest": None, "expires_at": None}
    )
    queue_mails([NewMail(to=email, kind=_case_of(email), context={"hours": settings.SIGN_UP_HOURS})])


def make_link(mail: Mail) -> str | None:
    """The link for the mail, good once and for 24 hours; None where nobody waits for it any more.

    A second one voids the first.
    """
    secret, digest = new_secret()
    expires_at = timezone.now() + timedelta(hours=settings.SIGN_UP_HOURS)
    waiting = SignUpRequest.objects.filter(email=mail.email.to[0])
    if not waiting.update(digest=digest, expires_at=expires_at):
        return None
    return settings.PUBLIC_URL.rstrip("/") + reverse("finish_sign_up", args=[secret])


def find_request(secret: str) -> SignUpRequest:
    """The request whose link this is; LinkUsedUp where it can't be followed. Asking uses nothing up."""
    request = _of_link(secret).first()
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
    user = make_account(request.email, full_name=full_name, password=password)
    request.delete()
    return user, open_organization(opening, owner=user, via=Via.SIGN_UP)


def make_account(email: str, *, full_name: str, password: str) -> User:
    """Give a proven address its account. Raises AddressTaken; the caller holds the address.

    Whoever imports or makes staff holds no address, so that it is free is known only when the person is there.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, full_name=full_name)
    except IntegrityError:
        raise AddressTaken from None
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def forget_requests() -> None:
    """Delete what nobody went on with: a mail is tried for three days, its link is good for one more."""
    SignUpRequest.objects.filter(requested_at__lt=timezone.now() - KEPT).delete()


def _case_of(email: str) -> str:
    if is_locked(email):
        return "sign_up_locked"
    return "sign_up_known" if User.objects.of_address(email).exists() else "sign_up"


def _of_link(secret: str) -> QuerySet[SignUpRequest]:
    return SignUpRequest.objects.filter(digest=digest_of(secret), expires_at__gt=timezone.now())
