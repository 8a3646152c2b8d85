"""Staff in tests: with password and authenticator, signed in with the second factor, and the codes to do so by hand."""

import time
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD

PERIOD = 30
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def enroll(user, secret=SECRET):
    """Give the person the tests' password and an authenticator with recovery codes."""
    user.set_password(PASSWORD)
    user.save()
    TOTP.activate(user, secret)
    return RecoveryCodes.activate(user).get_unused_codes()


def totp_code(secret=SECRET, *, for_seconds=2) -> str:
    """What an authenticator app shows; near the end of a code's 30 seconds, waits for the next one."""
    left = PERIOD - time.time() % PERIOD
    if left < for_seconds:
        time.sleep(left)
    [counter] = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, counter))


def signed_in(user) -> Client:
    """A client with a session of this person, second factor shown."""
    if not Authenticator.objects.filter(user=user).exists():
        enroll(user)
    client = Client()
    client.post(reverse("admin:login"), {"email": user.email, "password": PASSWORD})
    recovery = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    answer = client.post(reverse("admin:login_code"), {"code": recovery.get_unused_codes()[0]})
    assert urlsplit(answer["Location"]).path == reverse("admin:index")
    return client
