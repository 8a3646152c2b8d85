"""Where the link of an invitation leads: joining with the account that one has, or with a new one (P7, P45)."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.access import SignedInRequest, enter_organization
from accounts.forms.signup import NewcomerForm
from accounts.models import Invitation, Organization, User
from accounts.services.invitations import (
    InvitationEnded,
    NotInvited,
    accept_invitation,
    find_invitation,
    join_as_newcomer,
)
from accounts.services.locks import AddressLocked, is_locked
from accounts.services.sign_up import AddressTaken


@never_cache
@sensitive_post_parameters()
def join(request: SignedInRequest, secret: str) -> HttpResponse:
    """Looking uses nothing up, since some mail programs follow links themselves; a button joins.

    What it says of the address is told to who reads its mail, and to nobody else.
    """
    try:
        invitation = find_invitation(secret)
        return _answer(request, secret, invitation)
    except InvitationEnded:
        return render(request, "accounts/joining/ended.html", status=410)
    except (NotInvited, AddressTaken):  # since it was asked: the page says what is the case now
        return redirect(request.path)


def _answer(request: Any, secret: str, invitation: Invitation) -> HttpResponse:
    holder = User.objects.of_address(invitation.email).first()
    context = {"invitation": invitation}
    if holder is not None and holder.is_staff:
        return render(request, "accounts/joining/staff.html", context, status=403)
    if request.user.is_authenticated and request.user != holder:
        return render(request, "accounts/joining/other_account.html", context)
    if request.user.is_authenticated:
        return _accept(request, secret, context)
    if holder is not None:
        return render(request, "accounts/joining/sign_in.html", context)
    return _make_account(request, secret, context)


def _accept(request: SignedInRequest, secret: str, context: dict) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/joining/accept.html", context)
    organization = accept_invitation(secret, request.user, address=_address(request))
    return _enter(request, organization)


def _make_account(request: SignedInRequest, secret: str, context: dict) -> HttpResponse:
    email = context["invitation"].email
    if is_locked(email):
        return render(request, "accounts/joining/locked.html", context, status=403)
    form = NewcomerForm(request.POST if request.method == "POST" else None, email=email)
    if not form.is_valid():
        return render(request, "accounts/joining/newcomer.html", context | {"form": form})
    try:
        user, organization = join_as_newcomer(secret, **form.cleaned_data, address=_address(request))
    except AddressLocked:
        return render(request, "accounts/joining/locked.html", context, status=403)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return _enter(request, organization)


def _enter(request: SignedInRequest, organization: Organization) -> HttpResponse:
    enter_organization(request, organization.pk)
    messages.success(request, f"You belong to {organization.name} now.")
    return redirect("home")


def _address(request: HttpRequest) -> str:
    return get_adapter().get_client_ip(request)
