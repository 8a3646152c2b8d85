"""Customers' sign-in and what leads back to it; staff have their own (accounts/desk)."""

from allauth.account.views import LoginView, LogoutView
from allauth.core import ratelimit
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib import messages
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms.signin import NewPasswordForm, ResetRequestForm
from accounts.models import User
from accounts.services.resets import request_password_reset
from accounts.services.sessions import end_sessions

sign_in = LoginView.as_view(template_name="accounts/signin/sign_in.html")
sign_out = LogoutView.as_view(template_name="accounts/signin/sign_out.html")
passkey = never_cache(LoginWebAuthnView.as_view())
second_factor = AuthenticateView.as_view(template_name="accounts/signin/second_factor.html")


@never_cache
def request_reset(request):
    """Ask for a link by mail. The answer says nothing about who has an account."""
    form = ResetRequestForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if not ratelimit.consume(request, action="reset_password", key=email):
            return ratelimit.respond_429(request)
        request_password_reset(email)
        return render(request, "accounts/signin/reset_sent.html", {"email": email})
    return render(request, "accounts/signin/request_reset.html", {"form": form})


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class ResetPassword(PasswordResetConfirmView):
    """Where the mailed link leads. The new password signs nobody in: the second factor is still asked for."""

    form_class = NewPasswordForm
    template_name = "accounts/signin/reset_password.html"
    success_url = reverse_lazy("account_login")

    def get_user(self, uidb64):
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active and not user.is_staff else None

    @transaction.atomic
    def form_valid(self, form):
        user = form.user
        try:
            answer = super().form_valid(form)
        except User.DoesNotExist:  # since the link was read
            self.validlink = False
            return self.render_to_response(self.get_context_data())
        end_sessions(user.pk)
        ratelimit.clear(self.request, action="login_failed", key=user.email)
        messages.success(self.request, "Your password is set. Sign in with it.")
        return answer
