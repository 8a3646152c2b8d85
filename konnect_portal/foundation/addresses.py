"""E-mail addresses: one form to compare by, and a keyed hash that outlives the address itself."""

import hmac
import unicodedata

from django.conf import settings


def normalize_address(address: str) -> str:
    """The form of P1: trimmed, Unicode NFKC, lower case. Applying it twice changes nothing.

    Lower case, not case folding: folding would take two mailboxes (`straße@`, `strasse@`) for one.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).strip().lower())


def address_hash(address: str) -> str:
    """Keyed hash of the address in the form of P1: 64 hexadecimal digits. It outlives the address (P55)."""
    key = settings.ADDRESS_HASH_KEY.encode()
    return hmac.new(key, normalize_address(address).encode(), "sha256").hexdigest()
