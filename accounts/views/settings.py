"""Settings > General: name, login path and contact e-mail, for the owner and Organization Admin (P2)."""

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import OrganizationRequest
from accounts.forms.settings import ContactForm, SettingsForm
from accounts.models import ContactChange, Organization
from accounts.services.contacts import (
    ContactRefused,
    cancel_contact_change,
    confirm_contact_change,
    find_contact_change,
    request_contact_change,
)
from accounts.services.settings import SettingsError, change_organization
from accounts.views.acting import acting
from accounts.views.stepping_up import asking_again
from accounts.words import Via
from konnect_portal.foundation.pages import organization_view

CHANGE = "accounts.change_organization"


@organization_view(CHANGE)
def general(request: OrganizationRequest) -> HttpResponse:
    organization = request.organization
    form = SettingsForm(
        request.POST if request.method == "POST" else None,
        initial={"name": organization.name, "login_path": organization.login_path or ""},
    )
    if form.is_valid():
        try:
            changed = change_organization(organization.pk, **form.changes, **acting(request, Via.SETTINGS))
        except SettingsError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, "Your changes are saved." if changed else "Nothing was changed.")
            return redirect("settings")
    context = {
        "form": form,
        "owner": organization.owner,
        "hours": settings.ADDRESS_CHANGE_HOURS,
        "contact_change": ContactChange.objects.filter(organization=organization.pk).first(),
        "may": request.user.get_all_permissions(organization),
    }
    return render(request, "accounts/settings/general.html", context)


@organization_view(CHANGE)
@asking_again
def contact(request: OrganizationRequest) -> HttpResponse:
    """Set the contact apart, which the link mailed to it completes, or let it follow the owner again."""
    form = ContactForm(request.POST if request.method == "POST" else None, organization=request.organization)
    if form.is_valid():
        if not ratelimit.consume(request, action="manage_email", user=request.user):
            return ratelimit.respond_429(request)
        email = form.cleaned_data["email"]
        if request_contact_change(request.organization.pk, email, **acting(request, Via.SETTINGS)):
            messages.success(request, f"We wrote to {email}. Whoever reads it follows the link in that mail.")
        else:
            messages.success(request, f"The contact e-mail is {email} and follows the owner from now on.")
        return redirect("settings")
    return render(request, "accounts/settings/contact.html", {"form": form, "owner": request.organization.owner})


@require_POST
@organization_view(CHANGE)
def cancel_contact(request: OrganizationRequest) -> HttpResponse:
    if cancel_contact_change(request.organization.pk):
        messages.success(request, "The contact e-mail stays. The link that we mailed no longer works.")
    else:
        messages.info(request, "There was no change to cancel. It may have been confirmed meanwhile.")
    return redirect("settings")


@never_cache
def confirm_contact(request: HttpRequest, link: str) -> HttpResponse:
    """Where the mailed link leads, whoever reads that mailbox; a button, since some mail programs follow links.

    An organization that was deactivated meanwhile and a link that never was one are answered alike.
    """
    change, confirmed = find_contact_change(link), False
    if change is not None and request.method == "POST":
        try:
            confirm_contact_change(change, address=get_adapter().get_client_ip(request))
            confirmed = True
        except (ContactRefused, Organization.DoesNotExist):
            change = None
    context = {"change": change, "confirmed": confirmed}
    return render(request, "accounts/settings/confirm_contact.html", context, status=200 if change else 410)
