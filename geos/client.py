"""The only door to a geo's own service.

A geo with an address in GEO_SERVICES is asked over HTTP. Any other is embedded: this database keeps its state, and
asking it is a statement of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, responses
from socket import SHUT_RDWR, socket
from threading import Timer
from time import monotonic
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from geos.models import ControlPlane, EmbeddedTakeDown, Geo

ANSWER_BYTES = 4096
"""Read of an answer at most; nothing but its beginning is of use to anybody."""
TOLD_LETTERS = 300
RETRY_AFTER_MAX = timedelta(days=1)

GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
OF_SERVICE = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True)
class Service:
    """Where a geo's own service is and how to speak to it; the limit is for connecting, and again for the answer."""

    url: str
    token: str = field(repr=False)
    timeout_seconds: float = 10


class GeoError(Exception):
    """A geo did not confirm, in words for support; `status` where it answered at all.

    `retry_after` where it asks not to be asked again before. `of_service`: it would say the same of any other control
    plane. `misconfigured`: it says so until somebody changes a setting.
    """

    def __init__(
        self,
        message: str,
        retry_after: timedelta | None = None,
        *,
        status: int | None = None,
        of_service: bool = True,
        misconfigured: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.status = status
        self.of_service = of_service
        self.misconfigured = misconfigured


def service_of(geo: str) -> Service | None:
    """The geo's own service; None where the geo is embedded."""
    given = settings.GEO_SERVICES.get(geo)
    return None if given is None else Service(**given)


def embedded_geos() -> list[str]:
    """The geos whose state is kept here, so that their usage is complete as soon as it is recorded (P63)."""
    return list(Geo.objects.exclude(code__in=settings.GEO_SERVICES).values_list("code", flat=True))


def take_down(control_plane: ControlPlane) -> int | None:
    """Have its geo take a control plane down for good; returns when the geo confirms, else raises GeoError.

    Gives the HTTP status, None of an embedded geo. Asking again is confirmed again and changes nothing. Nodes and
    zones are left running (P43).
    """
    service = service_of(control_plane.geo_id)
    if service is None:
        _take_down_here(control_plane)
        return None
    began = monotonic()
    try:
        return _meaning(control_plane, service, *_ask(control_plane, service))
    except ConnectionRefusedError as error:
        raise GeoError(f"{control_plane.geo} refused the connection.") from error
    except (OSError, HTTPException) as error:
        if monotonic() - began >= service.timeout_seconds:
            limit = f"{service.timeout_seconds:g} seconds"
            raise GeoError(f"{control_plane.geo} did not answer within {limit}.") from error
        what = _plain(repr(error), service)
        raise GeoError(f"{control_plane.geo} could not be asked, or its answer was lost: {what}") from error


def _take_down_here(control_plane: ControlPlane) -> None:
    try:
        with transaction.atomic():
            EmbeddedTakeDown.objects.update_or_create(
                control_plane_id=control_plane.pk,
                create_defaults={"geo": control_plane.geo_id},
                defaults={"requests": F("requests") + 1},
            )
    except DatabaseError as error:
        raise GeoError(f"{control_plane.geo} did not confirm: {error}") from error


def _ask(control_plane: ControlPlane, service: Service) -> tuple[HTTPResponse, str]:
    """The geo's answer with the beginning of its body; OSError or HTTPException where there is no whole one."""
    headers = {
        "Accept": "application/json",
        "Authorization": f"Bearer {service.token}",
        "Idempotency-Key": str(control_plane.pk),
    }
    path = urlsplit(service.url).path.rstrip("/")
    with _connected(service) as connection:
        connection.request("DELETE", f"{path}/v2/control-planes/{control_plane.pk}", headers=headers)
        with connection.getresponse() as response:
            body = response.read(ANSWER_BYTES)
            if response.length and len(body) < ANSWER_BYTES:
                raise HTTPException(f"{response.length} bytes are missing")
            return response, body.decode(errors="replace")


@contextmanager
def _connected(service: Service) -> Iterator[HTTPConnection]:
    """A connection that is cut when the time is up, also of a service that sends a byte now and then."""
    address = urlsplit(service.url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port or kind.default_port, timeout=service.timeout_seconds)
    connection.connect()
    limit = Timer(service.timeout_seconds, _cut, [connection.sock])
    limit.start()
    try:
        yield connection
    finally:
        limit.cancel()
        connection.close()


def _cut(connected: socket) -> None:
    with suppress(OSError):
        connected.shutdown(SHUT_RDWR)


def _meaning(control_plane: ControlPlane, service: Service, response: HTTPResponse, body: str) -> int:
    """The status of an answer that confirms; GeoError of any other. A redirect is not followed."""
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in GONE:
        return status
    answer = f"{control_plane.geo} answered {status} {responses.get(status, '')}".rstrip()
    if status in UNAUTHORIZED:
        message = f"{answer}: it does not take the token that GEO_SERVICES has for it. {_plain(body, service)}"
        raise GeoError(message, status=status, misconfigured=True)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        message = f"{answer}: its address in GEO_SERVICES leads elsewhere, where nobody is asked."
        raise GeoError(message, status=status, misconfigured=True)
    raise GeoError(
        f"{answer}. {_plain(body, service)}",
        _retry_after(response) if status in BUSY else None,
        status=status,
        of_service=status in OF_SERVICE or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def _retry_after(response: HTTPResponse) -> timedelta | None:
    """How long it asks us to wait, in seconds or until a date, a day at most; None where it does not say."""
    asked = response.headers.get("Retry-After", "")
    try:
        if asked.isascii() and asked.isdigit():
            pause = timedelta(seconds=int(asked[:9]))
        else:
            until = parsedate_to_datetime(asked)
            pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - timezone.now()
    except ValueError:
        return None
    return min(max(pause, timedelta()), RETRY_AFTER_MAX)


def _plain(text: str, service: Service) -> str:
    """A line that can be stored and shown, without our token should the service have sent it back."""
    line = " ".join(text.replace(service.token, "…").split())
    return "".join(letter for letter in line if letter.isprintable())[:TOLD_LETTERS]
