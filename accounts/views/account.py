"""My Account: name, address, password, second factor, sessions."""

from allauth.account.views import ReauthenticateView
from allauth.core import ratelimit
from allauth.mfa.base.views import IndexView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.views import AddWebAuthnView, ReauthenticateWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_safe

from accounts.forms.account import AddressForm, ChangePasswordForm, NameForm
from accounts.models import AddressChange
from accounts.services.addresses import (
    AddressRefused,
    change_address,
    find_address_change,
    request_address_change,
)
from accounts.services.former import with_issued_invoices
from accounts.services.recovery import waiting_for
from accounts.services.sessions import end_session, end_sessions, sessions_of
from accounts.views.acting import acting
from accounts.views.stepping_up import step_up
from konnect_portal.foundation.pages import person_view

confirm = person_view(ReauthenticateView.as_view(template_name="accounts/account/confirm.html"))
confirm_by_code = person_view(ReauthenticateByCodeView.as_view(template_name="accounts/account/confirm.html"))
confirm_by_passkey = person_view(
    ReauthenticateWebAuthnView.as_view(template_name="accounts/account/confirm_by_passkey.html")
)

second_factor = person_view(IndexView.as_view(template_name="accounts/account/second_factor.html"))
add_app = person_view(ActivateTOTPView.as_view(template_name="accounts/account/add_app.html"))
remove_app = person_view(
    transaction.atomic(DeactivateTOTPView.as_view(template_name="accounts/account/remove_app.html"))
)
recovery_codes = person_view(ViewRecoveryCodesView.as_view(template_name="accounts/account/recovery_codes.html"))
new_codes = person_view(GenerateRecoveryCodesView.as_view(template_name="accounts/account/new_codes.html"))
add_passkey = person_view(
    transaction.atomic(AddWebAuthnView.as_view(template_name="accounts/account/add_passkey.html"))
)
remove_passkey = person_view(
    transaction.atomic(
        RemoveWebAuthnView.as_view(
            template_name="accounts/account/remove_passkey.html", success_url=reverse_lazy("mfa_index")
        )
    )
)


@person_view
@require_safe
def overview(request):
    context = {
        "change": AddressChange.objects.filter(user=request.user).first(),
        "recovery": waiting_for(request.user),
        "has_second_factor": is_mfa_enabled(request.user),
        "has_invoices": with_issued_invoices(request.user).exists(),
    }
    return render(request, "accounts/account/overview.html", context)


@person_view
def name(request):
    form = NameForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your name is saved.")
        return redirect("account")
    return render(request, "accounts/account/name.html", {"form": form})


@step_up
def address(request):
    """Ask for another address. The page says the same whether it can be used or not; the mail to it says which."""
    form = AddressForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        if not ratelimit.consume(request, action="manage_email", user=request.user):
            return ratelimit.respond_429(request)
        change = request_address_change(request.user, form.cleaned_data["email"])
        messages.success(request, f"We wrote to {change.email}. Follow the link in that mail.")
        return redirect("account")
    return render(request, "accounts/account/address.html", {"form": form})


@person_view
def confirm_address(request, link):
    """Where the link mailed to the new address leads; a button, since some mail programs follow links themselves."""
    change = find_address_change(request.user, link)
    refusal = None
    if change is not None and request.method == "POST":
        try:
            change_address(request.user, change, address=acting(request)["address"])
        except AddressRefused as refused:
            refusal = str(refused)
        else:
            messages.success(request, f"Your e-mail address is {change.email} now.")
            return redirect("account")
    return render(request, "accounts/account/confirm_address.html", {"change": change, "refusal": refusal})


@person_view
def password(request):
    """Another password: the present one is asked for, and every other session ends."""
    form = ChangePasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, request.user)
        end_sessions(request.user.pk, but=request.session.session_key)
        messages.success(request, "Your password is changed. Every other session has ended.")
        return redirect("account")
    return render(request, "accounts/account/password.html", {"form": form})


@person_view
def sessions(request):
    """The person's sessions; one, or all but this one, can be ended."""
    this = request.session.session_key
    if request.method == "POST":
        if "all" in request.POST:
            end_sessions(request.user.pk, but=this)
            messages.success(request, "Every other session has ended.")
        elif end_session(request.user, request.POST.get("session", "")):
            messages.success(request, "The session has ended.")
        return redirect("account_sessions")
    return render(request, "accounts/account/sessions.html", {"sessions": sessions_of(request.user, this=this)})
