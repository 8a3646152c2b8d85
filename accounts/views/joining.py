"""Where the link of an invitation leads: joining or owning, with the account that one has or a new one (P7, P53)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import owner_invitations
from accounts.access import SignedInRequest, enter_organization
from accounts.forms.signup import NewcomerForm
from accounts.models import Invitation, Organization, OwnerInvitation, User
from accounts.owner_invitations import InvitationBarred
from accounts.services.invitations import (
    InvitationEnded,
    NotInvited,
    accept_invitation,
    find_invitation,
    join_as_newcomer,
)
from accounts.services.locks import AddressLocked, is_locked
from accounts.services.sign_up import AddressTaken


@dataclass(frozen=True)
class Door:
    """An invitation's way in: how it is found and accepted, and what the pages call it."""

    find: Callable[[str], Any]
    accept: Callable[..., Organization]
    accept_as_newcomer: Callable[..., tuple[User, Organization]]
    is_locked_out: Callable[[Any], bool]
    verb: str
    purpose: str
    done: str


JOIN = Door(
    find_invitation,
    accept_invitation,
    join_as_newcomer,
    lambda invitation: is_locked(invitation.email),
    "Join",
    "work there.",
    "You belong to {} now.",
)
OWN = Door(
    owner_invitations.find_invitation,
    owner_invitations.accept_invitation,
    owner_invitations.accept_as_newcomer,
    owner_invitations.is_locked_out,
    "Take over",
    "own it. It was deactivated, and comes back, on Free, as soon as you accept.",
    "{} is active again, and you own it.",
)


@never_cache
@sensitive_post_parameters()
def join(request: SignedInRequest, secret: str, door: Door) -> HttpResponse:
    """Looking uses nothing up, since some mail programs follow links themselves; a button joins.

    What it says of the address is told to who reads its mail, and to nobody else.
    """
    try:
        return _answer(request, secret, door)
    except InvitationBarred:
        return render(request, "accounts/joining/barred.html", status=409)
    except InvitationEnded:
        return render(request, "accounts/joining/ended.html", status=410)
    except (NotInvited, AddressTaken):  # since it was asked: the page says what is the case now
        return redirect(request.path)


def _answer(request: Any, secret: str, door: Door) -> HttpResponse:
    invitation: Invitation | OwnerInvitation = door.find(secret)
    holder = User.objects.of_address(invitation.email).first()
    context = {"invitation": invitation, "door": door}
    if holder is not None and holder.is_staff:
        return render(request, "accounts/joining/staff.html", context, status=403)
    if request.user.is_authenticated and request.user != holder:
        return render(request, "accounts/joining/other_account.html", context)
    try:
        if request.user.is_authenticated:
            return _accept(request, secret, context)
        if holder is not None:
            return render(request, "accounts/joining/sign_in.html", context)
        return _make_account(request, secret, context)
    except AddressLocked:
        return render(request, "accounts/joining/locked.html", context, status=403)


def _accept(request: SignedInRequest, secret: str, context: dict) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/joining/accept.html", context)
    door = context["door"]
    return _enter(request, door, door.accept(secret, request.user, address=_address(request)))


def _make_account(request: SignedInRequest, secret: str, context: dict) -> HttpResponse:
    invitation, door = context["invitation"], context["door"]
    if door.is_locked_out(invitation):
        raise AddressLocked(invitation.email)
    form = NewcomerForm(request.POST if request.method == "POST" else None, email=invitation.email)
    if not form.is_valid():
        return render(request, "accounts/joining/newcomer.html", context | {"form": form})
    user, organization = door.accept_as_newcomer(secret, **form.cleaned_data, address=_address(request))
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return _enter(request, door, organization)


def _enter(request: SignedInRequest, door: Door, organization: Organization) -> HttpResponse:
    enter_organization(request, organization.pk)
    messages.success(request, door.done.format(organization.name))
    return redirect("home")


def _address(request: HttpRequest) -> str:
    return get_adapter().get_client_ip(request)
