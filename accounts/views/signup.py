"""Signing up (P8), and opening another organization."""

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.access import SignedInRequest, enter_organization
from accounts.forms.signup import AddressForm, OrganizationForm, SignUpForm
from accounts.models import Organization, User
from accounts.services.locks import AddressLocked
from accounts.services.opening import AlreadyOpened, open_organization
from accounts.services.sign_up import AddressTaken, LinkUsedUp, find_request, request_sign_up, sign_up
from accounts.words import Via
from konnect_portal.foundation.pages import person_view


@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """One field, and the same answer whatever the address is; whoever is signed in opens an organization instead."""
    if request.user.is_authenticated:
        return redirect("new_organization")
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if not ratelimit.consume(request, action="signup", key=email):
            return ratelimit.respond_429(request)
        request_sign_up(email)
        return render(request, "accounts/signup/sent.html", {"email": email, "hours": settings.SIGN_UP_HOURS})
    return render(request, "accounts/signup/ask.html", {"form": form})


@never_cache
@sensitive_post_parameters()
def finish(request: SignedInRequest, secret: str) -> HttpResponse:
    """Where the mailed link leads. Looking uses nothing up, since some mail programs follow links themselves."""
    try:
        asked = find_request(secret)
    except LinkUsedUp:
        return _used_up(request)
    form = SignUpForm(request.POST or None, email=asked.email)
    if request.method == "POST" and form.is_valid():
        return _sign_up(request, secret, form)
    return render(request, "accounts/signup/finish.html", {"form": form, "email": asked.email})


def _sign_up(request: SignedInRequest, secret: str, form: SignUpForm) -> HttpResponse:
    try:
        user, organization = sign_up(
            secret,
            full_name=form.cleaned_data["full_name"],
            password=form.cleaned_data["password"],
            opening=form.opening(),
        )
    except AddressLocked:
        return render(request, "accounts/signup/locked.html", {"email": form.email}, status=403)
    except (AddressTaken, AlreadyOpened, LinkUsedUp):
        return _used_up(request)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    enter_organization(request, organization.pk)
    messages.success(request, f"{organization.name} is open.")
    return redirect("home")


def _used_up(request: HttpRequest) -> HttpResponse:
    """Sent twice, the second time by whoever is signed in now: nothing is wrong."""
    if request.user.is_authenticated:
        return redirect("organizations")
    return render(request, "accounts/signup/used_up.html", status=410)


@person_view
def new_organization(request: SignedInRequest) -> HttpResponse:
    """Another organization of somebody signed in; the trial of an address and person comes once (P30)."""
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        opening = form.opening()
        try:
            organization = open_organization(opening, owner=request.user, via=Via.ACCOUNT)
        except AddressLocked:
            return render(request, "accounts/signup/locked.html", {"email": request.user.email}, status=403)
        except AlreadyOpened:
            if not Organization.objects.filter(pk=opening.id, owner=request.user).exists():
                form.add_error(None, "This page was too old. Please load it again and send it once more.")
                return render(request, "accounts/signup/new_organization.html", {"form": form}, status=409)
            return redirect("organizations")
        except User.DoesNotExist:  # since the page was asked for
            return redirect("account_deleted")
        enter_organization(request, organization.pk)
        messages.success(request, f"{organization.name} is open.")
        return redirect("home")
    return render(request, "accounts/signup/new_organization.html", {"form": form})
