"""The errors of the API (`application/problem+json`), in Konnect's shape: docs/konnect-shapes.md."""

import secrets
from http import HTTPStatus

import structlog
from django.http import JsonResponse

logger = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Permission denied",
    404: "Not Found",
    409: "Conflict",
    429: "Rate Limited",
}
DETAILS = {
    400: "What was sent cannot be accepted as it is",
    401: "A valid token is required",
    403: "Your roles do not allow this. Whoever manages the organization's people can give you one that does.",
    404: "The requested resource was not found",
    405: "The method is not allowed for this resource",
    500: "The request failed on our side; nothing is wrong with it",
}


class Problem(Exception):
    """What an API answers where it does not do what was asked: the status, and in `detail` why."""

    def __init__(self, status: int, detail: str = "", invalid_parameters: list[dict] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail or DETAILS.get(status, HTTPStatus(status).description)
        self.invalid_parameters = invalid_parameters


def invalid(field: str, reason: str, rule: str = "invalid", source: str = "body", **limits: object) -> Problem:
    """The 400 for one parameter that cannot be accepted."""
    parameter = {"field": field, "reason": reason, "rule": rule, "source": source, **limits}
    return Problem(400, invalid_parameters=[parameter])


def problem_response(problem: Problem) -> JsonResponse:
    """The answer, with a trace of its own by which the log finds it again."""
    trace = f"konnect:trace:{secrets.randbelow(10**19)}"
    logger.info("problem", status=problem.status, detail=problem.detail, trace=trace)
    body = {
        "status": problem.status,
        "title": TITLES.get(problem.status, HTTPStatus(problem.status).phrase),
        "instance": trace,
        "detail": problem.detail,
    }
    if problem.invalid_parameters:
        body["invalid_parameters"] = problem.invalid_parameters
    response = JsonResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response
