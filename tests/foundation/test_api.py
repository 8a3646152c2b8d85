"""Bad input to an API is answered in Konnect's words: docs/konnect-shapes.md."""

import json
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from ninja import Schema
from pydantic import ConfigDict, Field

from konnect_portal.foundation.api import make_api
from konnect_portal.foundation.problems import Problem


class Wish(Schema):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=5)
    id: UUID
    tags: list[str] = []
    size: int = Field(1, ge=1, le=100)


@pytest.fixture(scope="module")
def ask():
    api = make_api("test")

    @api.post("/wishes", auth=None)
    def make_wish(request: HttpRequest, wish: Wish) -> dict:
        raise Problem(409, "It exists already")

    [view] = [pattern.callback for pattern in api.urls[0] if str(pattern.pattern) == "wishes" and pattern.callback]

    def ask(body: object):
        return view(RequestFactory().post("/wishes", body, content_type="application/json"))

    return ask


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"name": "a"}, [("id", "required")]),
        ({"name": "a", "id": "x"}, [("id", "is_uuid")]),
        ({"name": 1, "id": str(UUID(int=1))}, [("name", "is_string")]),
        ({"name": "", "id": str(UUID(int=1))}, [("name", "min_length")]),
        ({"name": "abcdef", "id": str(UUID(int=1))}, [("name", "max_length")]),
        ({"name": "a", "id": str(UUID(int=1)), "color": "red"}, [("color", "unknown_property")]),
        ({"name": "a", "id": str(UUID(int=1)), "tags": ["a", 1]}, [("tags.1", "is_string")]),
        ({"name": "a", "id": str(UUID(int=1)), "size": 101}, [("size", "max")]),
        ({}, [("name", "required"), ("id", "required")]),
    ],
)
def test_each_wrong_parameter_is_named_with_its_rule(ask, body, found):
    response = ask(body)
    answer = json.loads(response.content)
    told = answer["invalid_parameters"]

    assert (response.status_code, answer["title"]) == (400, "Bad Request")
    assert [(parameter["field"], parameter["rule"]) for parameter in told] == found
    assert all(parameter["source"] == "body" and parameter["reason"] for parameter in told)


def test_an_operation_that_does_not_say_who_may_call_it_lets_nobody_in():
    api = make_api("closed")

    @api.get("/wishes")
    def list_wishes(request: HttpRequest) -> list:
        return []

    [view] = [pattern.callback for pattern in api.urls[0] if str(pattern.pattern) == "wishes" and pattern.callback]
    answer = view(RequestFactory().get("/wishes", headers={"Authorization": "Bearer kpat_x"}))

    assert (answer.status_code, json.loads(answer.content)["title"]) == (403, "Permission denied")


@pytest.mark.parametrize("body", ["", "no json", "[]", "null", '"text"'])
def test_a_body_that_is_no_object_is_bad_input(ask, body):
    response = ask(body)

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert json.loads(response.content)["invalid_parameters"]


def test_what_exists_already_is_a_conflict(ask):
    answer = json.loads(ask({"name": "a", "id": str(UUID(int=1))}).content)

    assert answer.pop("instance").removeprefix("konnect:trace:").isdigit()
    assert answer == {"status": 409, "title": "Conflict", "detail": "It exists already"}
