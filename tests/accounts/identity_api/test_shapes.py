"""Every operation of the identity API: what it answers with, key by key, and what it has done (P4, P5, P7).

The table is written from the vendor's description, in docs/konnect-shapes.md, not from the code.
"""

import re
from datetime import datetime
from uuid import UUID

import pytest

from tests.accounts.identity_api.world import name_of
from tests.routes import every_route

pytestmark = pytest.mark.django_db


def is_id(value) -> bool:
    return str(UUID(value)) == value


def is_moment(value) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)) and bool(datetime.fromisoformat(value))


def is_text(value) -> bool:
    return isinstance(value, str)


def is_number(value) -> bool:
    return type(value) is int


def is_truth(value) -> bool:
    return isinstance(value, bool)


def is_labels(value) -> bool:
    return isinstance(value, dict) and all(map(is_text, [*value, *value.values()]))


def may_be_none(check):
    return lambda value: value is None or check(value)


def is_secret(prefix):
    return lambda value: bool(re.fullmatch(prefix + r"\w{50}", value))


def is_entity(value) -> bool:
    return value == "*" or is_id(value)


def is_described(role) -> bool:
    return role.keys() == {"name", "description"} and all(map(is_text, role.values()))


MADE = {"id": is_id, "created_at": is_moment, "updated_at": is_moment}
USER = {**MADE, "email": is_text, "full_name": is_text, "preferred_name": is_text, "active": is_truth}
TEAM = {
    **MADE,
    "name": is_text,
    "description": may_be_none(is_text),
    "system_team": is_truth,
    "labels": is_labels,
}
ROLE = {
    "id": is_id,
    "role_name": is_text,
    "entity_id": is_entity,
    "entity_type_name": is_text,
    "entity_region": is_text,
}
ACCOUNT = {**MADE, "name": is_text, "description": is_text, "konnect_managed": is_truth}
TOKEN = {**MADE, "name": is_text, "expires_at": is_moment, "last_used_at": may_be_none(is_moment)}
PERSONAL = {
    **TOKEN,
    "user_id": is_id,
    "state": lambda value: value in ("ACTIVE", "REVOKED", "EXPIRED"),
    "revoked_by": may_be_none(is_id),
    "revoked_at": may_be_none(is_moment),
}
ORGANIZATION = {
    **MADE,
    "name": is_text,
    "owner_id": is_id,
    "login_path": is_text,
    "state": lambda value: value == "active",
    "retention_period_days": is_number,
}
NUMBERS = {"number": is_number, "size": is_number, "total": is_number}
DESCRIBED = {
    "name": is_text,
    "roles": lambda roles: all(role.keys() == {"name", "description"} for role in roles.values()),
}
ROLES = dict.fromkeys(
    ("control_planes", "api_products", "audit_logs", "identity", "mesh_control_planes", "dashboards", "reports"),
    DESCRIBED,
)
NOTHING = None


def page(row):
    return {"meta": {"page": NUMBERS}, "data": [row]}


def fits(value, shape) -> bool:
    if isinstance(shape, dict):
        return value.keys() == shape.keys() and all(fits(value[key], shape[key]) for key in shape)
    if isinstance(shape, list):
        return bool(value) and all(fits(each, shape[0]) for each in value)
    return shape(value)


ROLE_IN = {"role_name": "Viewer", "entity_type_name": "Control Planes", "entity_id": "*", "entity_region": "eu"}
MACHINE_IN = {"name": "deployer", "description": "Deploys"}

OPERATIONS = [
    ("GET", "/organizations/me", None, 200, ORGANIZATION),
    ("GET", "/users/me", None, 200, USER),
    ("GET", "/users", None, 200, page(USER)),
    ("GET", "/users/{bob}", None, 200, USER),
    ("PATCH", "/users/{alice}", {"full_name": "Alice", "preferred_name": "Al"}, 200, USER),
    ("DELETE", "/users/{bob}", None, 204, NOTHING),
    ("POST", "/invites", {"email": "new@acme.example"}, 201, NOTHING),
    ("GET", "/users/{bob}/teams", None, 200, page(TEAM)),
    ("GET", "/users/{bob}/assigned-roles", None, 200, {"data": [ROLE]}),
    ("POST", "/users/{bob}/assigned-roles", ROLE_IN, 201, ROLE),
    ("GET", "/users/{bob}/assigned-roles/{bobs_role}", None, 200, ROLE),
    ("DELETE", "/users/{bob}/assigned-roles/{bobs_role}", None, 204, NOTHING),
    ("GET", "/users/{alice}/access-tokens", None, 200, {"meta": NUMBERS, "data": [PERSONAL]}),
    (
        "POST",
        "/users/{alice}/access-tokens",
        {"name": "new", "ttl_seconds": 86400},
        201,
        {**PERSONAL, "konnect_token": is_secret("kpat_")},
    ),
    ("GET", "/users/{bob}/access-tokens/{bobs_token}", None, 200, PERSONAL),
    ("PATCH", "/users/{alice}/access-tokens/{alices_token}", {"name": "desk"}, 200, PERSONAL),
    ("DELETE", "/users/{alice}/access-tokens/{alices_token}", None, 204, NOTHING),
    ("PATCH", "/users/{bob}/access-tokens/{bobs_token}/revoke", None, 200, PERSONAL),
    ("GET", "/teams", None, 200, page(TEAM)),
    ("POST", "/teams", {"name": "New", "description": "It is new", "labels": {"env": "test"}}, 201, TEAM),
    ("GET", "/teams/{team}", None, 200, TEAM),
    ("PATCH", "/teams/{team}", {"description": None}, 200, TEAM),
    ("DELETE", "/teams/{team}", None, 204, NOTHING),
    ("GET", "/teams/{team}/users", None, 200, page(USER)),
    ("POST", "/teams/{system}/users", {"id": "{carol}"}, 201, NOTHING),
    ("DELETE", "/teams/{team}/users/{bob}", None, 204, NOTHING),
    ("GET", "/teams/{team}/system-accounts", None, 200, page(ACCOUNT)),
    ("POST", "/teams/{team}/system-accounts", {"id": "{idle}"}, 201, NOTHING),
    ("DELETE", "/teams/{team}/system-accounts/{robot}", None, 204, NOTHING),
    ("GET", "/teams/{team}/assigned-roles", None, 200, {"data": [ROLE]}),
    ("POST", "/teams/{team}/assigned-roles", {**ROLE_IN, "entity_id": "{plane}", "entity_region": "us"}, 201, ROLE),
    ("GET", "/teams/{team}/assigned-roles/{teams_role}", None, 200, ROLE),
    ("DELETE", "/teams/{team}/assigned-roles/{teams_role}", None, 204, NOTHING),
    ("GET", "/system-accounts", None, 200, page(ACCOUNT)),
    ("POST", "/system-accounts", MACHINE_IN, 201, ACCOUNT),
    ("GET", "/system-accounts/{robot}", None, 200, ACCOUNT),
    ("PATCH", "/system-accounts/{robot}", {"name": "android"}, 200, ACCOUNT),
    ("DELETE", "/system-accounts/{robot}", None, 204, NOTHING),
    ("GET", "/system-accounts/{robot}/teams", None, 200, page(TEAM)),
    ("GET", "/system-accounts/{robot}/assigned-roles", None, 200, {"data": [ROLE]}),
    ("POST", "/system-accounts/{robot}/assigned-roles", ROLE_IN, 201, ROLE),
    ("GET", "/system-accounts/{robot}/assigned-roles/{robots_role}", None, 200, ROLE),
    ("DELETE", "/system-accounts/{robot}/assigned-roles/{robots_role}", None, 204, NOTHING),
    ("GET", "/system-accounts/{robot}/access-tokens", None, 200, page(TOKEN)),
    (
        "POST",
        "/system-accounts/{robot}/access-tokens",
        {"name": "new", "expires_at": "{soon}"},
        201,
        {**TOKEN, "token": is_secret("spat_")},
    ),
    ("GET", "/system-accounts/{robot}/access-tokens/{robots_token}", None, 200, TOKEN),
    ("PATCH", "/system-accounts/{robot}/access-tokens/{robots_token}", {"name": "release"}, 200, TOKEN),
    ("DELETE", "/system-accounts/{robot}/access-tokens/{robots_token}", None, 204, NOTHING),
    ("GET", "/roles", None, 200, ROLES),
]


def outline(path: str) -> str:
    return re.sub(r"\{\w+\}|<[^>]+>", "…", path)


def test_no_operation_is_missing():
    routes = {
        f"{route.method} {outline(route.pattern)}" for route in every_route() if route.pattern.startswith("/v3/")
    }

    assert {f"{method} {outline(f'/v3{path}')}" for method, path, *_ in OPERATIONS} == routes - {"GET /v3/…"}


@pytest.mark.parametrize(("method", "path", "body", "status", "shape"), OPERATIONS, ids=name_of)
def test_it_is_answered_with_this_status_and_shape(world, method, path, body, status, shape):
    response = world.call(method, path, body)

    assert response.status_code == status, response.text
    assert not response.content if shape is NOTHING else fits(response.json(), shape), response.text
