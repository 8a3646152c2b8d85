"""Links that are secrets: made when their mail is sent, stored as a hash, kept out of logs."""

import hashlib
import re
import secrets
from collections.abc import MutableMapping
from typing import Any

from django.conf import settings


def new_secret() -> tuple[str, bytes]:
    """A secret for a link, and the SHA-256 to store of it."""
    secret = secrets.token_urlsafe(32)
    return secret, digest_of(secret)


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def hide_secrets(logger: Any, method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of log entries: what follows one of `SECRET_PATHS` is written down nowhere in them."""
    paths = "|".join(re.escape(path) for path in settings.SECRET_PATHS)
    for name, value in entry.items():
        if isinstance(value, str):
            entry[name] = re.sub(rf"({paths})[^\s?'\"]+", r"\1…", value)
    return entry
