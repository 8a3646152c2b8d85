"""Who a customer's page is for, asked before anything else (P5, P40). None of these pages is kept by a cache."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

View = Callable[..., HttpResponseBase]


def person_view(view: View) -> View:
    """A page for a customer who is signed in; others are sent to sign in and back. Staff are no customers: 404."""

    @wraps(view)
    @never_cache
    @sensitive_post_parameters()
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return page


def organization_view(perm: str) -> Callable[[View], View]:
    """A page for whoever has `perm` in the organization entered; 403 without it.

    Whoever entered none, or was away too long, is sent to the switcher and back. What `request.organization` refuses
    stays refused. `request.permissions` has all that the person may do in it, asked once for the page and its head.
    """

    def decorate(view: View) -> View:
        @person_view
        @wraps(view)
        def page(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.organization:
                return redirect(f"{reverse('organizations')}?{urlencode({'next': request.get_full_path()})}")
            request.permissions = request.user.get_all_permissions(request.organization)
            if perm not in request.permissions:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return page

    return decorate


def visible[Row: Model](request: Any, perm: str, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of `rows` of the organization entered that the person has `perm` on, by roles limited to some of them.

    Asks `settings.VISIBLE_ROWS`, which keeps the ground from importing the floor that knows roles.
    """
    return import_string(settings.VISIBLE_ROWS)(request.user, perm, rows, request.organization.pk)


def allowed[Thing](request: Any, perm: str, things: Iterable[Thing]) -> list[Thing]:
    """Those of `things`, all of the organization entered, that the person has `perm` on; they need not exist yet.

    Asks `settings.ALLOWED_OBJECTS`, for the same reason.
    """
    found: list[Thing] = import_string(settings.ALLOWED_OBJECTS)(request.user, perm, things, request.organization.pk)
    return found


def safe_next(request: HttpRequest, fallback: str) -> str:
    """Where the request wants to go on to, if that is a page of ours."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if ours else fallback
