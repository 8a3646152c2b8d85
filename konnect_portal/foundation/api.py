"""What every API of the project has in common: who is let in, how it reads what is sent, how it says no."""

from datetime import UTC, datetime
from typing import Annotated, Any, Never
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer
from pydantic import PlainSerializer

from konnect_portal.foundation.problems import Problem, invalid, problem_response

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
    "model_type": "is_object",
    "datetime_type": "is_date_time",
    "datetime_parsing": "is_date_time",
    "datetime_from_date_parsing": "is_date_time",
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
REASONS = {
    "model_type": "must be an object",
    "missing": "is a required field",
    "uuid_type": "invalid ID format",
    "uuid_parsing": "invalid ID format",
    "extra_forbidden": "property {field} should not exist",
}
"""Konnect's sentences, where pydantic's own would say something else."""
LIMITS = {
    "min_length": "minimum",
    "ge": "minimum",
    "max_length": "maximum",
    "le": "maximum",
}
"""Konnect's names for the limit that was not kept."""


def rfc3339(moment: datetime) -> str:
    """With milliseconds, as Konnect writes moments."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(rfc3339)]
UnixSeconds = Annotated[datetime, PlainSerializer(lambda moment: int(moment.timestamp()))]
"""As Konnect writes moments of what lies under a control plane."""
TextOrNull = Annotated[str, PlainSerializer(lambda text: text or None)]
"""Null where there is none."""


class BearerToken(HttpBearer):
    """Lets in whoever holds a token and has `perm` in the organization that it is for; with None every holder.

    Asks `settings.API_AUTHENTICATION`, a function of the raw token: what it returns becomes `request.auth`. The
    setting keeps the ground from importing the floor that knows tokens. A Problem it raises is the answer.
    """

    def __init__(self, perm: str | None) -> None:
        super().__init__()
        self.perm = perm

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        access = import_string(settings.API_AUTHENTICATION)(token)
        self.admit(request, access)
        return access

    def admit(self, request: HttpRequest, access: Any) -> None:
        """Raise Problem where the holder may not do what is asked for."""
        self.check(access)

    def check(self, access: Any) -> None:
        if self.perm is not None and not access.has_perm(self.perm, access.organization):
            raise Problem(403)


def nobody(request: HttpRequest) -> Never:
    """Who may call an operation that does not say who may."""
    raise Problem(403)


class JsonParser(Parser):
    """Bodies are JSON and say so."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem(415, "A body has to be JSON, sent with Content-Type: application/json")
        return super().parse_body(request)


def found[Row: Model](rows: QuerySet[Row], id: UUID) -> Row:
    """The one of `rows` with this id; Problem 404 where there is none, as for what is another organization's."""
    row = rows.filter(pk=id).first()
    if row is None:
        raise not_found(rows.model)
    return row


def not_found(model: type[Model]) -> Problem:
    return Problem(404, f"The requested {model._meta.verbose_name} was not found")


def make_api(version: str) -> NinjaAPI:
    """An API under `/<version>/` that takes bearer tokens, denies by default and says no by problem+json."""
    api = NinjaAPI(
        title="Konnect Portal",
        version=version,
        urls_namespace=version,
        auth=nobody,
        parser=JsonParser(),
        docs_url=None,
        openapi_url=None,
    )
    for kind in (Problem, Http404, HttpError, ValidationError, RequestDataTooBig):
        api.add_exception_handler(kind, _answer)
    return api


def _answer(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(_problem_of(error))


def _problem_of(error: Exception) -> Problem:
    match error:
        case (Problem() as problem) | HttpError(__cause__=Problem() as problem):
            return problem
        case ValidationError(errors=errors):
            return Problem(400, invalid_parameters=[_parameter(found) for found in errors])
        case HttpError(status_code=400):
            return invalid("body", "request format is invalid")
        case HttpError(status_code=status):
            return Problem(status)
        case RequestDataTooBig():
            return Problem(413, f"A body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes at most")
    return Problem(404)


def _parameter(found: dict) -> dict:
    source, *path = (str(part) for part in found["loc"])
    field = ".".join(path[1:] or path) or source
    limits = {LIMITS[name]: limit for name, limit in found.get("ctx", {}).items() if name in LIMITS}
    return {
        "field": field,
        "reason": reason_of(found, path[-1] if path else source),
        "rule": RULES.get(found["type"], "invalid"),
        "source": source,
        **limits,
    }


def reason_of(found: Any, field: str) -> str:
    """What pydantic found wrong with `field`, in words for people."""
    return REASONS.get(found["type"], found["msg"]).replace("{field}", field)
