"""The tokens by which geos say who they are, as they stand in the environment."""

from collections import defaultdict
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured


def geo_tokens(pairs: Iterable[str]) -> dict[str, list[str]]:
    """Of `us=secret` and so on; a geo may have several, of which each opens, while one replaces the other."""
    tokens: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        geo, _, token = pair.strip().partition("=")
        if not geo or not token:
            raise ImproperlyConfigured("GEO_TOKENS is a list such as us=SECRET,eu=SECRET.")
        tokens[geo].append(token)
    return dict(tokens)
