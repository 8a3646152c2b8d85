"""Finding organizations and people by what a customer says of them: each way is the range of an index (P72)."""

import unicodedata
from uuid import UUID

from django.db.models import Q

from accounts.models import EmailLock, Membership, Organization
from accounts.models.people import PERSON_SEARCH
from konnect_portal.foundation.addresses import normalize_address

SHORTEST = 3
"""Characters that a trigram index can begin to answer from."""


def find(queryset, term: str):
    """Those with this id, this part of a name, login path or contact, or this address of a person or a lock.

    `%` and `_` stand for themselves. A term shorter than three characters finds nothing.
    """
    term = _said(term)
    if len(term) < SHORTEST:
        return queryset.none()
    identity = _uuid(term)
    if identity is not None:
        return queryset.filter(pk=identity)
    found = Q(search__contains=term)
    if "@" in term:
        found |= Q(pk__in=_by_address(normalize_address(term)))
    return queryset.filter(found)


def find_people(queryset, term: str):
    """Those with this id, or this part of a name or address, open accounts and closed ones; as `find` has it."""
    term = _said(term)
    if len(term) < SHORTEST:
        return queryset.none()
    identity = _uuid(term)
    if identity is not None:
        return queryset.filter(pk=identity)
    return queryset.alias(search=PERSON_SEARCH).filter(search__contains=term)


def _said(term: str) -> str:
    return unicodedata.normalize("NFKC", term).strip().lower()


def _by_address(address: str) -> set[UUID]:
    """Organizations that a person of this address owns or is in, or for which the address is or was locked."""
    return {
        *Organization.objects.filter(owner__email=address).values_list("pk", flat=True),
        *Membership.objects.filter(user__email=address).values_list("organization_id", flat=True),
        *EmailLock.objects.filter(address=address).values_list("organization_id", flat=True),
    }


def _uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
