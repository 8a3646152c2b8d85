from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject

from accounts.access import OrganizationDeactivated, organization_of


class OrganizationMiddleware:
    """`request.organization`: the one this session works in, asked for on first use, false where there is none (P5).

    A page that asks for a deactivated one is answered with the reason and where support is (P40).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organization = SimpleLazyObject(lambda: organization_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OrganizationDeactivated):
            return render(request, "accounts/deactivated.html", {"refusal": exception}, status=403)
        return None
