"""Passwords set anew by mail: a link to whoever has an account, and an answer alike for everybody (P6)."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import NewMail, queue_mails


@transaction.atomic
def request_password_reset(email: str) -> None:
    """Write to the address: a link where a customer can sign in with it, else that nobody can."""
    user = User.objects.of_address(email).filter(is_staff=False, is_active=True).first()
    if user is None:
        mail = NewMail(to=email, kind="password_reset_unknown", context={})
    else:
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        mail = NewMail(to=email, kind="password_reset", context={"hours": hours}, person_id=user.pk)
    queue_mails([mail])


def make_link(mail: Mail) -> str | None:
    """Stored nowhere: the link is made of what the account is now, so a new password or sign-in ends it."""
    user = User.objects.filter(pk__in=[mail.person_id], is_staff=False, is_active=True).first()
    if user is None:
        return None
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("reset_password", args=[uid, default_token_generator.make_token(user)])
    return settings.PUBLIC_URL.rstrip("/") + path
