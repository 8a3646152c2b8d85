"""What an owner asks support for, and where the link mailed to a contact leads (P73)."""

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.access import SignedInRequest
from accounts.forms.requests import SupportRequestForm
from accounts.models import SupportRequest
from accounts.services.requests import ask_support, confirm_request, find_to_confirm
from accounts.views.acting import acting
from accounts.views.stepping_up import step_up
from accounts.words import Via, Wish

SHOWN = 10


@step_up
def ask(request: SignedInRequest) -> HttpResponse:
    """For whoever owns an organization, deactivated ones too: ask, and see what was asked."""
    form = SupportRequestForm(request.POST if request.method == "POST" else None, owner=request.user)
    if form.is_valid():
        if not ratelimit.consume(request, action="ask_support", user=request.user):
            return ratelimit.respond_429(request)
        organization = form.cleaned_data["organization"]
        ask_support(
            organization.pk,
            wish=Wish(form.cleaned_data["wish"]),
            text=form.cleaned_data["text"],
            **acting(request, Via.ACCOUNT),
        )
        messages.success(request, f"Support reads it with {organization.name}. Name it in your ticket.")
        return redirect("support_request")
    asked = SupportRequest.objects.filter(asked_by_id=request.user.pk).select_related("organization")[:SHOWN]
    return render(request, "accounts/requests/ask.html", {"form": form, "asked": asked})


@never_cache
def confirm(request: HttpRequest, link: str) -> HttpResponse:
    """A button, since some mail programs follow links; a used link and a made-up one are answered alike."""
    wish, confirmed = find_to_confirm(link), False
    if wish is not None and request.method == "POST":
        confirmed = confirm_request(wish, address=get_adapter().get_client_ip(request))
        wish = wish if confirmed else None
    context = {"wish": wish, "confirmed": confirmed}
    return render(request, "accounts/requests/confirm.html", context, status=200 if wish else 410)
