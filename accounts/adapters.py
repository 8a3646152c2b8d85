"""What allauth is told of the portal: who may sign in at /login/, how it names things, where its mails go."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.access import enter_only_organization
from accounts.devices import name_of_device
from konnect_portal.foundation.addresses import normalize_address
from konnect_portal.foundation.outbox import NewMail, queue_mails

WRONG = "The e-mail address or the password is not right."
TOO_MANY = "That was wrong too often. Please wait five minutes, then try again."
CHANGES = {
    "mfa/email/totp_activated": "An authenticator app was added",
    "mfa/email/totp_deactivated": "The authenticator app was removed",
    "mfa/email/recovery_codes_generated": "New recovery codes were made; the old ones no longer work",
    "mfa/email/webauthn_added": "A passkey was added",
    "mfa/email/webauthn_removed": "A passkey was removed",
}
"""allauth's notices, as the one mail about changes to sign-in tells them."""


class AccountAdapter(DefaultAccountAdapter):
    """allauth's door to the portal: for customers only, staff have their own (P70)."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": WRONG,
        "too_many_login_attempts": TOO_MANY,
        "incorrect_password": "That is not your password.",
        "incorrect_code": "That code is not right.",
    }

    def authenticate(self, request, **credentials):
        """The customer whose password it is. Staff, closed accounts and unknown addresses: all as a wrong password.

        A try is taken back only where it was right, so that the limit tells no more than the answer.
        """
        self.pre_authenticate(request, **credentials)
        user = authenticate(request, **credentials)
        if user is None or user.is_staff:
            return None
        self._rollback_login_failed_rl_usage()
        return user

    def _get_login_attempts_cache_key(self, request, **credentials):
        """The limit goes with the address in the form of P1, whatever host was asked and at whichever sign-in."""
        return normalize_address(credentials["email"])

    def pre_login(self, request: HttpRequest, user, **kwargs) -> HttpResponse | None:
        """Go on under a new session key: whoever planted the old one must not show the second factor in it."""
        if user.is_staff or not user.is_active:
            messages.error(request, WRONG)
            return redirect("account_login")
        request.session.cycle_key()
        return None

    def post_login(self, request, user, **kwargs):
        """Whoever has one organization goes straight in: signing in was a post, so it may count as a login (P5)."""
        enter_only_organization(request)
        return super().post_login(request, user, **kwargs)

    def get_reauthentication_methods(self, user):
        """Whoever has a second factor shows it: the password alone must not remove it."""
        methods = super().get_reauthentication_methods(user)
        if is_mfa_enabled(user):
            return [method for method in methods if method["id"] != "reauthenticate"]
        return methods

    def send_mail(self, template_prefix, email, context):
        told = {
            "change": CHANGES[template_prefix],
            "changed_at": context["timestamp"],
            "device": name_of_device(context["user_agent"]),
            "address": context["ip"],
        }
        queue_mails([NewMail(to=email, kind="sign_in_changed", context=told, person_id=self.request.user.pk)])


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is not right.",
    }
