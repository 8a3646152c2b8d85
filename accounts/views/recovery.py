"""What support was asked to replace: stopped by link or by whoever is signed in, the new address proven by link."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.access import SignedInRequest
from accounts.services.recovery import (
    find_to_prove,
    find_to_stop,
    prove_address,
    stop_recovery,
    stop_recovery_of,
    waiting_for,
)
from accounts.views.acting import acting
from accounts.words import RecoveryStopped, Via
from konnect_portal.foundation.pages import person_view


@person_view
def waiting(request: SignedInRequest) -> HttpResponse:
    """For whoever can still sign in: what waits for their account, and its end."""
    if request.method == "POST":
        if stop_recovery_of(request.user, because=RecoveryStopped.PERSON, **acting(request, Via.ACCOUNT)):
            messages.success(request, "It is stopped. Nothing changes.")
        return redirect("account")
    recovery = waiting_for(request.user)
    return render(request, "accounts/recovery/stop.html", {"recovery": recovery}) if recovery else redirect("account")


@never_cache
def stop(request: HttpRequest, link: str) -> HttpResponse:
    """Where the link in the mail to the present address leads."""
    recovery = find_to_stop(link)
    if recovery is None:
        return _ended(request)
    if request.method == "POST":
        address = acting(request)["address"]
        if not stop_recovery(recovery, because=RecoveryStopped.LINK, via=Via.LINK, address=address):
            return _ended(request)
        return render(request, "accounts/recovery/stopped.html", {"recovery": recovery})
    return render(request, "accounts/recovery/stop.html", {"recovery": recovery})


@never_cache
def prove(request: HttpRequest, link: str) -> HttpResponse:
    """Where the link in the mail to the new address leads."""
    recovery = find_to_prove(link)
    if recovery is None:
        return _ended(request)
    if request.method == "POST":
        prove_address(recovery)
        recovery.refresh_from_db()
    is_due = recovery.in_force_at <= timezone.now()
    return render(request, "accounts/recovery/prove.html", {"recovery": recovery, "is_due": is_due})


def _ended(request: HttpRequest) -> HttpResponse:
    """The same for a link that was used, is too old or was made up."""
    return render(request, "accounts/recovery/ended.html", status=410)
