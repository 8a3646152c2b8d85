from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject

from accounts.access import OrganizationDeactivated, organization_of
from accounts.models import Organization
from accounts.services.sessions import note_use


class OrganizationMiddleware:
    """`request.organization`: the one this session works in, asked for on first use, false where there is none (P5).

    A page that asks for a deactivated one is answered with the reason and where support is (P40). So is an act that
    could not hold its organization, because the deactivation came between the door and the act.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organization = SimpleLazyObject(lambda: organization_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OrganizationDeactivated):
            return _refuse(request, exception)
        if isinstance(exception, Organization.DoesNotExist):
            return _ask_again(request)
        return None


class SessionTraceMiddleware:
    """Keeps with each signed-in session from where and when it was used, for the page that lists sessions.

    Asks nothing: where no view looked at the session, nothing is noted.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.session.accessed and SESSION_KEY in request.session:
            adapter = get_adapter(request)
            note_use(
                request.session,
                user_agent=adapter.get_http_user_agent(request),
                address=adapter.get_client_ip(request),
            )
        return response


def _ask_again(request: HttpRequest) -> HttpResponse | None:
    if not request.organization:  # type: ignore[attr-defined]
        return None
    try:
        organization = organization_of(request)
    except OrganizationDeactivated as refusal:
        return _refuse(request, refusal)
    return None if organization else redirect("organizations")


def _refuse(request: HttpRequest, refusal: OrganizationDeactivated) -> HttpResponse:
    response = render(request, "accounts/deactivated.html", {"refusal": refusal}, status=403)
    add_never_cache_headers(response)
    return response
