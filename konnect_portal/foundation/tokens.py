"""Bearer tokens: made here, shown once by whoever asked for them, stored as a hash."""

import secrets
import string
from hashlib import sha256

SECRET_LENGTH = 50
ALPHABET = string.ascii_letters + string.digits


def new_token(prefix: str) -> tuple[str, bytes]:
    """A token that tells by its prefix what it is for, and the SHA-256 to store of it."""
    raw = prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    return raw, digest_of(raw)


def digest_of(raw: str) -> bytes:
    return sha256(raw.encode()).digest()
