"""What is wrong with GEO_SERVICES is said when a process starts, not when the first geo is asked."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error

LONGEST_SECONDS = 50
"""A turn and one last question, connecting and answer, stay below the time limit of a task."""
FIELDS = {"url", "token", "timeout_seconds"}


def check_geo_services(app_configs=None, **options) -> list[Error]:
    services = settings.GEO_SERVICES
    if not isinstance(services, dict):
        return [_error('GEO_SERVICES is no JSON object like {"eu": {"url": "https://…", "token": "…"}}.')]
    return [
        _error(f"GEO_SERVICES: {geo}: {problem}")
        for geo, given in services.items()
        for problem in (_problems(given) if geo in settings.GEOS else ["GEOS does not name this geo."])
    ]


def _problems(given: object) -> Iterator[str]:
    """What is wrong with one geo's service; never the token itself."""
    if not isinstance(given, dict) or not given.keys() <= FIELDS:
        yield "it has a url, a token and, if wished, timeout_seconds, and nothing else."
        return
    if not _is_address(given.get("url")):
        yield "url is no address like https://eu.example.com, without a name, password, query or fragment."
    token = given.get("token")
    if not isinstance(token, str) or not token or not all("!" <= letter <= "~" for letter in token):
        yield "token is no text of visible ASCII characters without spaces."
    seconds = given.get("timeout_seconds", 1)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_SECONDS:
        yield f"timeout_seconds is no number above 0 and up to {LONGEST_SECONDS}."


def _is_address(url: object) -> bool:
    try:
        address = urlsplit(url if isinstance(url, str) else "")
        host = (address.hostname or "").encode("idna")
        return bool(
            address.scheme in ("http", "https")
            and host
            and address.port != 0
            and not (address.query or address.fragment or "@" in address.netloc)
        )
    except ValueError:
        return False


def _error(message: str) -> Error:
    return Error(message, id="geos.E001")
