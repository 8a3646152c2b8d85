"""Staff sign-in (P70): a password, then a second factor, and only then a session that is signed in.

Between the two steps the session holds who has shown the right password, for ten minutes; nobody is signed in by it.
"""

import time
from functools import wraps

from allauth.core import ratelimit
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP, clear_totp_secret
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import admin, messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts.desk.forms import PasswordForm, StaffPasswordForm
from accounts.models import User
from konnect_portal.foundation.addresses import normalize_address

PENDING = "staff_sign_in"
PENDING_SECONDS = 600
BACKEND = "accounts.backends.PortalBackend"
WRONG = "The e-mail address or the password is not right."
TITLES = {
    "password": "Sign in",
    "code": "Second factor",
    "second_factor": "Set up your second factor",
    "recovery_codes": "Your recovery codes",
}
TOO_MANY = "That was wrong too often. Please wait five minutes, then try again."


def page(view):
    """A sign-in page: kept by no cache, its posts checked for their origin and left out of error reports."""
    return wraps(view)(never_cache(csrf_protect(sensitive_post_parameters()(view))))


def second_step(view):
    """A page for whoever has shown the right password in this session within ten minutes."""

    @page
    def inner(request):
        user = _pending_user(request)
        if user is None:
            return redirect("admin:login")
        return view(request, user)

    return inner


@page
def password(request):
    """First step. A customer, a closed account and a wrong password get the same answer."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = _authenticate(request, form)
        if user is not None:
            _remember(request, user, request.GET.get("next", ""))
            return redirect(_next_step(user))
    return _render(request, "password", form=form)


@second_step
def code(request, user):
    """Second step for whoever has an authenticator: a code from it or a recovery code."""
    if not is_mfa_enabled(user):
        return redirect("admin:login_second_factor")
    form = AuthenticateForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        return _sign_in(request, user, form.authenticator)
    return _render(request, "code", form=form, email=user.email)


@second_step
def second_factor(request, user):
    """Second step for whoever has no authenticator yet: set one up, then read the recovery codes."""
    if is_mfa_enabled(user):
        return redirect("admin:login_code")
    form = ActivateTOTPForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        _sign_in(request, user, _enroll(user, form.secret))
        clear_totp_secret(request)
        return redirect("admin:recovery_codes")
    url = get_adapter().build_totp_url(user, form.secret)
    return _render(
        request, "second_factor", form=form, email=user.email, secret=form.secret, qr=get_adapter().build_totp_svg(url)
    )


def recovery_codes(request):
    """The recovery codes, shown once: right after they were made."""
    made = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.RECOVERY_CODES).first()
    codes = made.wrap() if made else None
    if codes is None or codes.did_view:
        messages.info(request, "Recovery codes are shown once, when the second factor is set up.")
        return redirect("admin:index")
    codes.mark_as_viewed()
    return _render(request, "recovery_codes", codes=codes.get_unused_codes())


@method_decorator(page, name="dispatch")
class Welcome(PasswordResetConfirmView):
    """Where the single-use link of `create_staff` leads: choose a password, then set up the second factor."""

    form_class = StaffPasswordForm
    template_name = "admin/sign_in/welcome.html"
    title = "Choose your password"

    def get_user(self, uidb64):
        user = super().get_user(uidb64)
        return user if user is not None and user.is_staff and user.is_active else None

    def form_valid(self, form):
        response = super().form_valid(form)
        _remember(self.request, self.user, "")
        return response

    def get_success_url(self):
        return reverse(_next_step(self.user))

    def get_context_data(self, **kwargs):
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}


def _authenticate(request, form):
    """The staff person whose password it is, or None with the reason on the form. Five tries in 5 minutes."""
    email = normalize_address(form.cleaned_data["email"])
    if not ratelimit.consume(request, action="login_failed", key=email):
        form.add_error(None, TOO_MANY)
        return None
    user = authenticate(request, username=email, password=form.cleaned_data["password"])
    if user is None or not user.is_staff:
        form.add_error(None, WRONG)
        return None
    return user


def _remember(request, user, then):
    """Under a new session key: whoever planted the old one must not go on with somebody else's password."""
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": str(user.pk),
        "proof": user.get_session_auth_hash(),
        "at": time.time(),
        "next": then,
    }


def _pending_user(request):
    pending = request.session.get(PENDING)
    if pending is None or time.time() - pending["at"] > PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=pending["user"], is_staff=True, is_active=True).first()
    same = user is not None and constant_time_compare(pending["proof"], user.get_session_auth_hash())
    return user if same else None


def _next_step(user):
    return "admin:login_code" if is_mfa_enabled(user) else "admin:login_second_factor"


def _sign_in(request, user, authenticator):
    """Sign in under a new session key, and record in the session that a second factor was shown."""
    then = request.session.pop(PENDING)["next"]
    login(request, user, backend=BACKEND)
    authenticator.user = user
    post_authentication(request, authenticator)
    ratelimit.clear(request, action="login_failed", key=user.email)
    return HttpResponseRedirect(_safe(request, then))


def _safe(request, url):
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if ours else reverse("admin:index")


@transaction.atomic
def _enroll(user, secret):
    RecoveryCodes.activate(user)
    return TOTP.activate(user, secret).instance


def _render(request, name, **context):
    title = TITLES[name]
    return TemplateResponse(
        request, f"admin/sign_in/{name}.html", {**admin.site.each_context(request), "title": title, **context}
    )
