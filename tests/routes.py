"""Every route of the project, as the URL patterns have it: our own views by method, libraries' by include."""

import re
from collections.abc import Iterator
from inspect import getclosurevars
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import Operation, PathView

OURS = ("konnect_portal", "accounts", "billing", "geos", "licensing")
PARAMETER = re.compile(r"<[^>]+>|\(\?P")


class Route(NamedTuple):
    """A row's name: method and pattern. One of a library has `…` for whatever the library serves there, and `path`."""

    method: str
    pattern: str
    path: str

    def __str__(self):
        return f"{self.method} {self.pattern}"

    @property
    def has_parameters(self) -> bool:
        return bool(PARAMETER.search(self.path))

    def filled(self, *values) -> str:
        """Its path with `values` for its parameters."""
        found = iter(values)
        return PARAMETER.sub(lambda _: str(next(found)), self.path)


def every_route() -> list[Route]:
    """Each once: pages by GET and POST, API operations by their method, of a library's routes one for each include."""
    routes: dict[str, Route] = {}
    for prefix, pattern, is_listed in _every_pattern():
        for route in _routes(prefix, pattern, is_listed):
            if str(route) not in routes or routes[str(route)].has_parameters:
                routes[str(route)] = route
    return list(routes.values())


def every_operation() -> Iterator[tuple[str, Operation]]:
    """Every operation of every API, by the name of its row."""
    for prefix, pattern, _ in _every_pattern():
        api = _api_of(pattern.callback)
        for operation in api.operations if api else ():
            for method in operation.methods:
                yield f"{method} {prefix}{pattern.pattern}", operation


def _every_pattern() -> Iterator[tuple[str, URLPattern, bool]]:
    """Those of the page host, and then those of a geo's host, which has some of them, too."""
    for urlconf in (None, "konnect_portal.geo_urls"):
        yield from _walk(get_resolver(urlconf), "/")


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern, bool]]:
    """Every pattern with what stands before it, and whether a module of ours lists it by name."""
    is_listed = getattr(resolver.urlconf_module, "__name__", "").startswith(OURS)
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, prefix + str(pattern.pattern))
        else:
            yield prefix, pattern, is_listed


def _routes(prefix: str, pattern: URLPattern, is_listed: bool) -> Iterator[Route]:
    path, view = prefix + str(pattern.pattern), pattern.callback
    api = _api_of(view)
    if api is not None:
        for operation in api.operations:
            yield from (Route(method, path, path) for method in operation.methods)
    elif is_listed or view.__module__.startswith(OURS):
        yield from (Route(method, path, path) for method in ("GET", "POST"))
    else:
        yield Route("GET", f"{prefix}…", path)


def _api_of(view) -> PathView | None:
    if not hasattr(view, "__closure__"):
        return None
    api = getclosurevars(view).nonlocals.get("self")
    return api if isinstance(api, PathView) else None
