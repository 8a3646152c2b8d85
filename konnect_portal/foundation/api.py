"""What every API of the project has in common: who is let in, how it says no, how it writes a moment."""

from datetime import UTC, datetime
from typing import Annotated, Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer
from pydantic import PlainSerializer

from konnect_portal.foundation.problems import Problem, problem_response

RULES = {
    "missing": "required",
    "string_type": "is_string",
    "uuid_type": "is_uuid",
    "uuid_parsing": "is_uuid",
    "int_type": "is_integer",
    "int_parsing": "is_integer",
    "bool_type": "is_boolean",
    "bool_parsing": "is_boolean",
    "list_type": "is_array",
    "dict_type": "is_object",
    "datetime_type": "is_date_time",
    "datetime_parsing": "is_date_time",
    "extra_forbidden": "unknown_property",
    "string_pattern_mismatch": "matches_regex",
    "string_too_short": "min_length",
    "string_too_long": "max_length",
    "too_short": "min_items",
    "too_long": "max_items",
    "greater_than_equal": "min",
    "less_than_equal": "max",
    "enum": "enum",
    "literal_error": "enum",
}
"""Konnect's names for what pydantic finds wrong."""


def rfc3339(moment: datetime) -> str:
    """With milliseconds, as Konnect writes moments."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(rfc3339)]


class BearerToken(HttpBearer):
    """Asks `settings.API_AUTHENTICATION`, a function of the raw token: what it returns becomes `request.auth`.

    The setting keeps the ground from importing the floor that knows tokens. A Problem it raises is the answer.
    """

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return import_string(settings.API_AUTHENTICATION)(token)


def make_api(version: str) -> NinjaAPI:
    """An API under `/<version>/` that takes bearer tokens and says no by problem+json."""
    api = NinjaAPI(
        title="Konnect Portal",
        version=version,
        urls_namespace=version,
        auth=BearerToken(),
        docs_url=None,
        openapi_url=None,
    )
    for kind in (Problem, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, _answer)
    return api


def _answer(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(_problem_of(error))


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case ValidationError(errors=errors):
            return Problem(400, invalid_parameters=[_parameter(found) for found in errors])
        case HttpError(status_code=400):
            return Problem(400, invalid_parameters=[{"field": "body", "reason": "request format is invalid"}])
        case HttpError(status_code=status):
            return Problem(status)
    return Problem(404)


def _parameter(found: dict) -> dict:
    source, *path = (str(part) for part in found["loc"])
    return {
        "field": ".".join(path[1:] or path) or source,
        "reason": found["msg"],
        "rule": RULES.get(found["type"], "invalid"),
        "source": source,
    }
