"""Pages that only tests see: every part of the look once, as a page of the portal would use it."""

from pathlib import Path

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import path
from django.utils import timezone

from konnect_portal.foundation.choices import Described
from konnect_portal.urls import urlpatterns as of_the_portal

PAGES = Path(__file__).parent / "look"
LONG = "aNameThatSomebodyMadeVeryLong" * 5


class SignUpForm(forms.Form):
    name = forms.CharField(label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        help_text="At least 12 characters with upper case, lower case, a digit and a special character.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    note = forms.CharField(label="What you will use it for", required=False, widget=forms.Textarea)
    geo = forms.ChoiceField(
        help_text="Your control planes and their data live here. Sign-in, billing and teams are shared.",
        choices=[
            ("us", Described("United States", hint="us.api.example.com")),
            ("eu", Described("Europe", hint="eu.api.example.com")),
            ("au", "Australia"),
        ],
        widget=forms.RadioSelect,
    )
    terms = forms.BooleanField(label="I have read the terms of service")


class NameForm(forms.Form):
    name = forms.CharField(label="Type “Acme” to confirm")


def show(request, page):
    """A page of `look/`; a form that is sent comes back with what is wrong, or ends at the table."""
    form = (NameForm if page == "settings" else SignUpForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        messages.success(request, "Acme was created.")
        return redirect("/look/table/")
    rows = [{"name": name, "at": timezone.now()} for name in ("Deploy from the pipeline", LONG, "Terraform")]
    context = {"form": form, "rows": rows, "page": Paginator(range(100), 10).page(3), "long": LONG}
    if page == "notices":
        for level in (messages.INFO, messages.SUCCESS, messages.WARNING, messages.ERROR):
            messages.add_message(request, level, "The card ending in 4242 is used from the next invoice on.")
    template = engines["django"].from_string((PAGES / f"{page}.html").read_text())
    return HttpResponse(template.render(context, request))


def refuse(request, how):
    raise {"400": BadRequest, "403": PermissionDenied, "500": RuntimeError}[how]


def enter(request):
    """Only for somebody who works in an organization."""
    return HttpResponse(request.organization.name)


urlpatterns = [
    path("look/<page>/", show),
    path("refuse/<how>/", refuse),
    path("enter/", enter),
    *of_the_portal,
]
