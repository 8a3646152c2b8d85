"""Staff's own trail: who of them looked up whom. What they did stands in the events."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import StaffLookup, User

SLOT_SECONDS = 300


def note_lookup(staff: User, what: StaffLookup.What, target_id: UUID | None = None) -> None:
    """Leave a row, in one statement; the same person's same look within five minutes leaves one."""
    now = timezone.now()
    slot = int(now.timestamp()) // SLOT_SECONDS
    row = StaffLookup(staff_id=staff.pk, what=what, target_id=target_id, at=now, slot=slot)
    StaffLookup.objects.bulk_create([row], ignore_conflicts=True)


def forget_lookups(*, at: datetime) -> int:
    """Delete what is older than its retention; how many rows went."""
    return StaffLookup.objects.filter(at__lte=at - timedelta(days=settings.STAFF_TRAIL_DAYS)).delete()[0]
