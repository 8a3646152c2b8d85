"""A second factor of the last minutes before a dangerous act; whoever is asked for it loses nothing they typed."""

import time

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.internal.flows import post_authentication
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme

KEPT = "staff_step_up"


def shown_lately(request: HttpRequest) -> bool:
    """Whether this session has shown a second factor within minutes; a password does not stand for it."""
    since = time.time() - settings.STEP_UP_MINUTES * 60
    records = get_authentication_records(request, request.user)
    return any(record["method"] == "mfa" and record["at"] >= since for record in records)


def ask_again(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, then lead back to this page; a form that was sent waits in the session."""
    typed = request.POST.copy()
    typed.pop("csrfmiddlewaretoken", None)
    request.session[KEPT] = {"path": request.get_full_path(), "typed": typed.urlencode()}
    return redirect("admin:step_up")


def typed_before(request: HttpRequest) -> dict[str, str]:
    """What was typed on this page before the second factor was asked for, once; usually nothing."""
    kept = request.session.get(KEPT)
    if kept is None or kept["path"] != request.get_full_path():
        return {}
    del request.session[KEPT]
    return QueryDict(kept["typed"]).dict()


def step_up(request: HttpRequest) -> HttpResponse:
    """The page that asks."""
    form = ReauthenticateForm(request.POST or None, user=request.user)
    then = request.session.get(KEPT, {}).get("path", "")
    if request.method == "POST" and form.is_valid():
        form.authenticator.user = request.user
        post_authentication(request, form.authenticator, reauthenticated=True)
        return redirect(then if url_has_allowed_host_and_scheme(then, None) else "admin:index")
    context = {"form": form, "minutes": settings.STEP_UP_MINUTES, "title": "Show that it is you", "back": then}
    return TemplateResponse(request, "admin/sign_in/step_up.html", {**admin.site.each_context(request), **context})
