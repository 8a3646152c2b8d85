"""Staff's own trail as an administrator reads it: what they did and whom they looked up, the newest first."""

from functools import cached_property
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from accounts.admin.case import with_names
from accounts.models import LifecycleEvent, Organization, StaffLookup, User
from accounts.words import Via
from konnect_portal.foundation.paging import KeyPage, key_page

PAGES = {
    StaffLookup.What.ORGANIZATION: "admin:accounts_organization_change",
    StaffLookup.What.PERSON: "admin:accounts_person_change",
}


class Trail:
    """Of one colleague, or of all; each list by pages, in a fixed number of queries.

    What is kept are ids: names are read now, and erased ones are gone from here too.
    """

    def __init__(self, request, person: User | None = None):
        self.request = request
        self.person = person
        self.days = settings.STAFF_TRAIL_DAYS

    @cached_property
    def events(self) -> KeyPage[LifecycleEvent]:
        whose = Q(actor_id=self.person.pk) if self.person else Q(via__in=[Via.ADMIN, Via.COMMAND])
        rows = with_names(LifecycleEvent.objects.filter(whose, actor_id__isnull=False))
        return key_page(rows, by="-at", after=self.request.GET.get("acts"), name="acts")

    @cached_property
    def lookups(self) -> KeyPage[StaffLookup]:
        rows = StaffLookup.objects.filter(staff_id=self.person.pk) if self.person else StaffLookup.objects.all()
        return key_page(rows, by="-at", after=self.request.GET.get("looks"), name="looks")

    @cached_property
    def looked(self) -> list[tuple[StaffLookup, str, str, str]]:
        """Each look with who it was, whom it was at, and that one's page; an id where there is no name any more."""
        names = self._names
        return [
            (
                row,
                names.get(row.staff_id, str(row.staff_id)),
                names.get(row.target_id, str(row.target_id)) if row.target_id else "",
                reverse(PAGES[StaffLookup.What(row.what)], args=[row.target_id]) if row.target_id else "",
            )
            for row in self.lookups.rows
        ]

    @cached_property
    def _names(self) -> dict[UUID | None, str]:
        ids = {id for row in self.lookups.rows for id in (row.staff_id, row.target_id) if id}
        found = [*User.objects.filter(pk__in=ids), *Organization.objects.filter(pk__in=ids)]
        return {thing.pk: str(thing) for thing in found}
