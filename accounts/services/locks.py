"""E-mail locks (P45, P54): addresses that may not open or join anything new while a deactivation stands."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from accounts.models import EmailLock, LifecycleEvent
from konnect_portal.foundation.addresses import address_hash


def lock_addresses(
    events: Iterable[LifecycleEvent], addresses: dict[UUID, list[str]], *, at: datetime
) -> list[EmailLock]:
    """Lock each address for the organization of its event (P45). The caller holds the organizations."""
    return EmailLock.objects.bulk_create(
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


def release_locks(locks: Collection[EmailLock], *, event: LifecycleEvent) -> None:
    EmailLock.objects.filter(pk__in=[lock.pk for lock in locks]).update(
        released_at=event.at, released_event_id=event.pk
    )
