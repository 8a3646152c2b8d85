"""What each answer of a geo's own service means, asked over a real connection (P42, P48)."""

import logging
import socket
from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from geos import client
from geos.checks import check_geo_services
from geos.models import EmbeddedTakeDown
from tests import factories, geo_service
from tests.geo_service import TOKEN, answers

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def running():
    with geo_service.running() as service:
        yield service


@pytest.fixture
def service(running, settings):
    running.script.clear()
    settings.GEO_SERVICES = {"eu": running.setting}
    return running


@pytest.fixture
def control_plane(acme):
    return factories.control_plane(acme, geo="eu")


def refused(control_plane) -> client.GeoError:
    with pytest.raises(client.GeoError) as refusal:
        client.take_down(control_plane)
    return refusal.value


def test_a_geo_is_asked_by_id_with_its_token_and_the_same_key_each_time(service, control_plane):
    """P42, P48"""
    service.script.append(answers(500))
    refused(control_plane)
    assert client.take_down(control_plane) == 204

    assert service.taken_down == {control_plane.pk: 1}
    assert service.headers["Authorization"] == f"Bearer {TOKEN}"
    assert service.keys[control_plane.pk] == {str(control_plane.pk)}


def test_a_geo_without_an_address_is_embedded(service, control_plane, acme):
    """P63"""
    assert client.take_down(factories.control_plane(acme, geo="us")) is None

    assert EmbeddedTakeDown.objects.get().geo == "us"
    assert "eu" not in client.embedded_geos()
    assert "us" in client.embedded_geos()


@pytest.mark.parametrize("status", [200, 202, 204, 404, 410])
def test_done_and_already_gone_are_done(service, control_plane, status):
    """P42"""
    service.script.append(answers(status))

    assert client.take_down(control_plane) == status


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 408, 409, 422, 429, 500, 502, 503, 504])
def test_anything_else_is_not_confirmed_and_its_status_is_kept(service, control_plane, status):
    """P42"""
    service.script.append(answers(status, "Closed for maintenance", Location="/elsewhere"))
    error = refused(control_plane)

    assert error.status == status
    assert str(error).startswith(f"Europe answered {status}")
    assert error.misconfigured == (status in (301, 302, 307, 401, 403))
    assert error.of_service == (status not in (400, 409, 422))
    assert error.retry_after is None


def test_a_redirect_is_not_followed(service, control_plane):
    service.script.append(
        answers(307, Location=f"http://127.0.0.1:{service.port}{geo_service.PATH}{control_plane.pk}")
    )

    refused(control_plane)

    assert not service.taken_down[control_plane.pk]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (geo_service.hangs, "did not answer within 0.5 seconds"),
        (geo_service.trickles, "did not answer within 0.5 seconds"),
        (geo_service.resets, "its answer was lost"),
        (geo_service.babbles, "its answer was lost"),
        (geo_service.loses_its_answer, "its answer was lost"),
    ],
)
def test_what_gives_no_whole_answer_is_not_confirmed(service, control_plane, fault, words):
    """P42, P48"""
    service.script.append(fault)
    error = refused(control_plane)

    assert words in str(error)
    assert error.status is None
    assert error.of_service


def test_an_answer_that_was_lost_is_asked_for_again_and_taken_down_once(service, control_plane):
    """P48"""
    service.script.append(geo_service.loses_its_answer)
    refused(control_plane)

    assert client.take_down(control_plane) == 404
    assert service.taken_down[control_plane.pk] == 1


def test_a_geo_that_refuses_or_is_unknown_is_not_confirmed(settings, control_plane):
    """P42"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.GEO_SERVICES = {"eu": {"url": f"http://127.0.0.1:{taken.getsockname()[1]}", "token": TOKEN}}
        assert str(refused(control_plane)) == "Europe refused the connection."
    settings.GEO_SERVICES = {"eu": {"url": "http://geo.invalid", "token": TOKEN}}
    assert "could not be asked" in str(refused(control_plane))


def test_a_geo_that_speaks_no_tls_is_not_confirmed(service, settings, control_plane):
    settings.GEO_SERVICES = {"eu": {**service.setting, "url": f"https://127.0.0.1:{service.port}"}}

    assert "could not be asked" in str(refused(control_plane))


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        ("120", 120),
        ("0", 0),
        ("9" * 5000, 86400),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_who_asks_to_be_asked_later_is_at_most_a_day_later(service, control_plane, status, asked, pause):
    """P42"""
    service.script.append(answers(status, Retry_After=asked))

    assert refused(control_plane).retry_after == (None if pause is None else timedelta(seconds=pause))


@pytest.mark.parametrize(("ahead", "pause"), [(600, 600), (-600, 0), (10 * 86400, 86400)])
def test_later_may_be_told_by_a_date(service, control_plane, ahead, pause):
    """P42"""
    until = timezone.now() + timedelta(seconds=ahead)
    service.script.append(answers(429, Retry_After=format_datetime(until, usegmt=True)))

    retry_after = refused(control_plane).retry_after
    assert retry_after is not None
    assert abs(retry_after.total_seconds() - pause) < 3


def test_of_a_huge_answer_the_beginning_is_kept_as_a_line_that_can_be_stored(service, control_plane):
    service.script.append(answers(500, "no\0 room\n\nleft \x1b[31m" + "x" * 1_000_000))
    error = refused(control_plane)

    assert str(error).startswith("Europe answered 500 Internal Server Error. no room left [31mxxx")
    assert len(str(error)) < 400


def test_a_huge_yes_is_a_yes(service, control_plane):
    service.script.append(answers(200, "x" * 1_000_000))

    assert client.take_down(control_plane) == 200


def test_the_token_is_told_to_nobody(service, control_plane, caplog):
    caplog.set_level(logging.DEBUG)
    service.script.append(answers(401, f"Bearer {TOKEN} is unknown"))
    error = refused(control_plane)

    assert "GEO_SERVICES" in str(error)
    assert TOKEN not in f"{error} {client.service_of('eu')!r} {caplog.text}"


GOOD = {"url": "https://eu.example.com/base", "token": "t"}


def test_a_good_setting_is_taken(settings):
    settings.GEO_SERVICES = {"eu": GOOD, "us": {**GOOD, "url": "http://[::1]:8080", "timeout_seconds": 2.5}}

    assert check_geo_services() == []


@pytest.mark.parametrize(
    "services",
    [
        ["eu"],
        {"mars": GOOD},
        {"eu": "https://eu.example.com"},
        {"eu": {**GOOD, "timeout": 3}},
        *(
            {"eu": {**GOOD, "url": url}}
            for url in ("", None, "eu.example.com", "ftp://eu", "https://", "https://u:p@eu")
        ),
        *(
            {"eu": {**GOOD, "url": url}}
            for url in ("https://eu?a=b", "https://eu#a", "https://eu:99999", "https://[eu")
        ),
        *({"eu": {**GOOD, "token": token}} for token in ("", None, "two words", "tökén", "line\nbreak")),
        *({"eu": {**GOOD, "timeout_seconds": seconds}} for seconds in (0, -1, 51, "5", None, True)),
    ],
)
def test_a_wrong_setting_is_told_before_any_geo_is_asked(settings, services):
    settings.GEO_SERVICES = services
    [error] = check_geo_services()

    assert "GEO_SERVICES" in error.msg
    assert "two words" not in error.msg
