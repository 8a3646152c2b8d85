"""Which host serves what, and that an API says no in one shape, whoever says it."""

import pytest

from konnect_portal.hosts import _api_label

API_HOSTS = ["us.api.localhost", "US.API.localhost:8000", "sg.api.localhost", "global.api.localhost", "api.localhost"]

GEO_HOSTS = API_HOSTS[:3]
PATHS = ["/", "/admin/", "/admin/login/", "/healthz", "/metrics", "/v2/", "/v3/"]


def is_problem(response, status: int, title: str) -> bool:
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response["Content-Type"] == "application/problem+json"
        and body["title"] == title
        and body["instance"].removeprefix("konnect:trace:").isdigit()
        and bool(body["detail"])
    )


@pytest.mark.parametrize(
    ("host", "label"),
    [
        ("us.api.localhost:8000", "us"),
        ("api.localhost", ""),
        ("localhost", None),
        ("127.0.0.1:8000", None),
        ("xapi.localhost", None),
        ("api.localhost.example", None),
    ],
)
def test_an_api_host_is_told_by_its_domain(host, label):
    assert _api_label(host) == label


@pytest.mark.parametrize("host", API_HOSTS)
@pytest.mark.parametrize("path", PATHS)
def test_api_hosts_serve_no_pages(client, host, path):
    assert is_problem(client.get(path, headers={"Host": host}), 404, "Not Found")


@pytest.mark.parametrize("host", [*API_HOSTS, "localhost", "127.0.0.1:8000"])
def test_v3_answers_on_every_host(client, host):
    response = client.get("/v3/organizations/me", headers={"Host": host})

    assert is_problem(response, 401, "Unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("host", GEO_HOSTS)
def test_v2_answers_where_the_host_names_a_geo(client, host):
    """P11"""
    assert is_problem(client.get("/v2/control-planes", headers={"Host": host}), 401, "Unauthenticated")


@pytest.mark.parametrize("host", [*API_HOSTS[3:], "mars.api.localhost", "us.eu.api.localhost", "localhost"])
def test_and_nowhere_else(client, host):
    """P11"""
    assert is_problem(client.get("/v2/control-planes", headers={"Host": host}), 404, "Not Found")


def test_a_host_that_is_not_ours_is_refused(client):
    assert client.get("/healthz", headers={"Host": "portal.example"}).status_code == 400


def test_an_unknown_path_of_the_api_is_not_found(client):
    assert is_problem(client.get("/v3/nothing"), 404, "Not Found")


def test_another_method_is_not_allowed(client):
    response = client.post("/v3/organizations/me")

    assert is_problem(response, 405, "Method Not Allowed")
    assert response["Allow"] == "GET"


def test_each_refusal_has_a_trace_of_its_own(client):
    assert client.get("/v3/users/me").json()["instance"] != client.get("/v3/users/me").json()["instance"]


def test_a_fault_on_our_side_is_a_problem_and_tells_no_inner_things(client, settings):
    settings.API_AUTHENTICATION = "builtins.divmod"
    client.raise_request_exception = False
    response = client.get("/v3/users/me", headers={"Authorization": "Bearer x"})

    assert is_problem(response, 500, "Internal Server Error")
    assert "divmod" not in response.text


def test_an_unknown_page_is_no_problem_json(client):
    assert client.get("/nothing")["Content-Type"].startswith("text/html")
