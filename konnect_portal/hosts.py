"""Which host was asked: pages and `/v3` on the page host, only the API on `<geo>.api.…` and its neighbours.

`/v2` answers where the host names a geo, and there for that geo only (P11).
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from konnect_portal.foundation.problems import CONTENT_TYPE, Problem, problem_response


class ApiHostMiddleware:
    """Gives API hosts their own urls and sets `request.geo` (None where the host names none).

    Stands first, so that everything an API says no with is problem+json, whoever said it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        label = _api_label(request.get_host())
        request.geo = label if label in settings.GEOS else None  # type: ignore[attr-defined]
        if label is not None:
            request.urlconf = f"konnect_portal.{'geo' if label in settings.GEOS else 'api'}_urls"
        response = self.get_response(request)
        if label is not None or request.path.startswith(("/v2/", "/v3/")):
            return _as_problem(response)
        return response


def _api_label(host: str) -> str | None:
    """What stands before the API's domain, "" for the domain itself; None on the page host."""
    name, domain = f".{host.partition(':')[0].lower()}", f".{settings.API_HOST}"
    return name.removesuffix(domain).removeprefix(".") if name.endswith(domain) else None


def _as_problem(response: HttpResponse) -> HttpResponse:
    if response.status_code < 400 or response.get("Content-Type") == CONTENT_TYPE:
        return response
    problem = problem_response(Problem(response.status_code))
    if "Allow" in response:
        problem["Allow"] = response["Allow"]
    return problem
