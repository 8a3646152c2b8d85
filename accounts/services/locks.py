"""E-mail locks (P45, P54): addresses that may not open or join anything new while a deactivation stands."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import EmailLock, LifecycleEvent
from accounts.words import Act
from konnect_portal.foundation.addresses import address_hash
from konnect_portal.foundation.copying import copy_in


def hold_addresses(addresses: Iterable[str]) -> None:
    """Let nobody else lock, sign up or open anything with these addresses until the transaction ends (P45).

    Whoever asks whether an address is locked, to act on the answer, holds it first; so does whoever locks it.
    Organizations are held before addresses.
    """
    keys = sorted({int.from_bytes(bytes.fromhex(address_hash(address))[:8], signed=True) for address in addresses})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def refuse_locked(address: str) -> None:
    """Raise AddressLocked where any lock on the address is live; from here on, and until the commit, none can come."""
    hold_addresses([address])
    if is_locked(address):
        raise AddressLocked(address)


class AddressLocked(Exception):
    """The address belongs to a deactivated organization, so it can neither open nor join anything new (P45)."""


def lock_addresses(events: Iterable[LifecycleEvent], addresses: dict[UUID, list[str]], *, at: datetime) -> None:
    """Lock each address for the organization of its event (P45). The caller holds the organizations."""
    hold_addresses(address for some in addresses.values() for address in some)
    copy_in(
        [
            EmailLock(
                organization_id=event.organization_id,
                address=address,
                address_hash=address_hash(address),
                locked_at=at,
                locked_event_id=event.pk,
            )
            for event in events
            if event.organization_id is not None
            for address in addresses[event.organization_id]
        ]
    )


def is_locked(address: str) -> bool:
    """Whether any lock on the address is live, whatever its case or Unicode form (P45)."""
    return EmailLock.objects.live().filter(address_hash=address_hash(address)).exists()


def hold_live_locks(**of: object) -> list[EmailLock]:
    """The live locks of an organization or an address, held until the commit."""
    return list(
        EmailLock.objects.live().filter(**of).order_by("organization_id", "pk").select_for_update(of=("self",))
    )


def unlocked_at(address_hash: str, *, at: datetime) -> datetime | None:
    """When the address was last unlocked as an act of its own within 12 months; a reactivation is none (P54)."""
    return _unlockings(address_hash, at=at).order_by("-at").values_list("at", flat=True).first()


def with_unlockings(locks: QuerySet[EmailLock], *, at: datetime) -> QuerySet[EmailLock]:
    """Each with `was_unlocked`: whether its address was, as `unlocked_at` says it."""
    return locks.annotate(was_unlocked=Exists(_unlockings(OuterRef(OuterRef("address_hash")), at=at)))


def _unlockings(address_hash: str | OuterRef, *, at: datetime) -> QuerySet[LifecycleEvent]:
    released = EmailLock.objects.filter(
        address_hash=address_hash, released_at__gt=at - timedelta(days=settings.UNLOCK_AGAIN_DAYS)
    )
    return LifecycleEvent.objects.filter(
        pk__in=released.values("released_event_id"), act=Act.EMAIL_UNLOCKED, at__lte=at
    )


def release_locks(locks: Collection[EmailLock], *, event: LifecycleEvent) -> None:
    EmailLock.objects.filter(pk__in=[lock.pk for lock in locks]).update(
        released_at=event.at, released_event_id=event.pk
    )
