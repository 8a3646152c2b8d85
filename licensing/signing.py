"""Licenses as documents: JSON signed with Ed25519, which whoever has the public key can check offline (P21).

A key is 32 bytes, written as 64 hexadecimal digits. Its id is made from its public half, so a document names the key
that it was signed with and nobody has to give keys names. What is signed is the payload as JSON without blanks, its
names in order.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SIGNS_NOTHING = "unused"
"""What `LICENSE_SIGNING_KEY` says where licenses are only verified."""

VERSION = "1"
KEY_ID_LENGTH = 16


class NotValid(Exception):
    """The document is no valid license; the text says why."""


@dataclass(frozen=True)
class Terms:
    """What a valid document says. The license ends at 00:00 UTC of `expires_on`."""

    product: str
    customer: str
    expires_on: date


# Keys


@dataclass(frozen=True)
class SigningKey:
    """The key that new licenses are signed with; the id is that of its public half."""

    id: str
    private: Ed25519PrivateKey


def signing_key() -> SigningKey:
    """The current one. Raises ImproperlyConfigured where the setting holds none."""
    return _signing_key(settings.LICENSE_SIGNING_KEY)


@cache
def _signing_key(text: str) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(_bytes_of(text, "LICENSE_SIGNING_KEY"))
    return SigningKey(_id_of(private.public_key()), private)


def public_keys() -> dict[str, Ed25519PublicKey]:
    """Every key that verifies, by its id: that of the current signing key first, then the older ones.

    Raises ImproperlyConfigured where a setting holds something else.
    """
    signs = settings.LICENSE_SIGNING_KEY != SIGNS_NOTHING
    current = [signing_key().private.public_key()] if signs else []
    older = [
        Ed25519PublicKey.from_public_bytes(_bytes_of(text, "LICENSE_PUBLIC_KEYS"))
        for text in settings.LICENSE_PUBLIC_KEYS
    ]
    return {_id_of(key): key for key in [*current, *older]}


def _bytes_of(text: str, setting: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured(f"{setting} holds no key: it takes 64 hexadecimal digits, which are 32 bytes.")
    return key


def _id_of(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:KEY_ID_LENGTH]


# Documents


def sign(payload: dict[str, str], key: SigningKey) -> str:
    """The document that says `payload` and which key signed it."""
    payload = {**payload, "key_id": key.id}
    signature = key.private.sign(_signed_bytes(payload)).hex()
    return json.dumps({"license": {"payload": payload, "signature": signature, "version": VERSION}})


def expiry_date(expires_at: datetime) -> date:
    """The date on which a document lets its license end: the first midnight that is not before `expires_at`.

    A document knows dates only, and ends at 00:00 of its expiry date. So it never ends early, and a day late at most.
    """
    day = expires_at.astimezone(UTC)
    return (day + timedelta(days=1) - timedelta.resolution).date()


def verify(document: str | bytes, *, at: datetime) -> Terms:
    """What a document that is valid at `at` says; raises NotValid for any other."""
    payload, signature = _parts_of(document)
    key = public_keys().get(payload.get("key_id", ""))
    if key is None:
        raise NotValid("It was signed with a key that is not known here.")
    _check(signature, payload, key)
    terms = _terms_of(payload)
    if terms.expires_on <= at.astimezone(UTC).date():
        raise NotValid(f"It expired on {terms.expires_on:%d %b %Y}, 00:00 UTC.")
    return terms


def _parts_of(document: str | bytes) -> tuple[dict[str, str], str]:
    match _parsed(document):
        case {"license": {"payload": dict(payload), "signature": str(signature), **rest}, **others}:
            is_text = all(isinstance(value, str) for value in payload.values())
            if is_text and rest == {"version": VERSION} and not others:
                return payload, signature
    raise NotValid("It does not have the form of a license.")


def _parsed(document: str | bytes) -> object:
    try:
        return json.loads(document, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        raise NotValid("It is not JSON.") from None


def _without_doubles(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Of a name given twice one reader takes the first value and another the last, so none may stand twice."""
    pairs = list(pairs)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _check(signature: str, payload: dict[str, str], key: Ed25519PublicKey) -> None:
    try:
        key.verify(bytes.fromhex(signature), _signed_bytes(payload))
    except (InvalidSignature, ValueError):
        raise NotValid("The signature does not fit: it was changed after it was signed.") from None


def _terms_of(payload: dict[str, str]) -> Terms:
    try:
        expires_on = date.fromisoformat(payload["license_expiration_date"])
        return Terms(payload["product_subscription"], payload["customer"], expires_on)
    except (KeyError, ValueError):
        raise NotValid("It does not say what a license has to say.") from None


def _signed_bytes(payload: dict[str, str]) -> bytes:
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
