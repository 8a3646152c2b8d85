"""Staff in tests: signed in with a second factor, or with what it takes to sign in by hand."""

import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from accounts.services.sessions import note_use
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
    """A client with a session of this person in which a second factor was shown, as allauth records it.

    Its trace is written already, so that the first request costs no more than the others.
    """
    client = Client()
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    note_use(session, user_agent="", address="127.0.0.1")
    session.save()
    return client
