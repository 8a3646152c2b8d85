"""What a support case asks of one person, in a fixed number of queries however much they belong to."""

from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Count, F, IntegerField, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce

from accounts.admin.case import SHOWN_EVENTS, Part, part, with_names
from accounts.admin.person_columns import names_of
from accounts.models import (
    AccessToken,
    EmailLock,
    EventSubject,
    LifecycleEvent,
    Membership,
    Organization,
    RoleAssignment,
    Session,
    TeamMembership,
)
from accounts.services.locks import with_unlockings
from konnect_portal.foundation.addresses import address_hash
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.moments import absolute, distance


class PersonCase:
    """A person as the list annotates them; each part is asked once, when the page comes to it."""

    def __init__(self, person: Any, *, at: datetime):
        self.person = person
        self.at = at

    @cached_property
    def organizations(self) -> Part:
        """What they own and belong to, by name, with their teams and direct roles there."""
        teams = TeamMembership.objects.filter(user=self.person).select_related("team")
        roles = RoleAssignment.objects.filter(organization=OuterRef("pk"), user=self.person)
        counted = roles.order_by().values("organization").annotate(size=Count("pk")).values("size")
        return part(
            Organization.objects.filter(pk__in=self._ids)
            .annotate(role_count=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
            .prefetch_related(Prefetch("team_memberships", queryset=teams, to_attr="teams_here"))
            .order_by("name", "pk")
        )

    @cached_property
    def _ids(self) -> set[UUID]:
        """Asked one after the other: each is the range of an index."""
        return {
            *Organization.objects.filter(owner=self.person.pk).values_list("pk", flat=True),
            *Membership.objects.filter(user=self.person.pk).values_list("organization_id", flat=True),
        }

    @cached_property
    def second_factors(self) -> list[str]:
        return names_of(Authenticator.objects.filter(user=self.person))

    @cached_property
    def session_count(self) -> int:
        return Session.objects.filter(user_id=self.person.pk, expire_date__gt=self.at).count()

    @cached_property
    def token_count(self) -> int:
        return AccessToken.objects.live(self.at).filter(user=self.person).count()

    @cached_property
    def recoveries(self) -> Part:
        return part(self.person.recoveries.order_by("-asked_at"))

    @cached_property
    def email_locks(self) -> Part:
        locks = EmailLock.objects.filter(address_hash=address_hash(self.person.email)).select_related("organization")
        return part(with_unlockings(locks, at=self.at).order_by(F("released_at").asc(nulls_first=True), "-locked_at"))

    @cached_property
    def mails(self) -> Part:
        return part(Mail.objects.filter(person_id=self.person.pk).select_related("email").order_by("-email_id"))

    @cached_property
    def events(self) -> Part:
        """What they did and what was done about them, wherever it was."""
        theirs = EventSubject.objects.filter(subject_id=self.person.pk).values("event")
        where = Organization.objects.filter(pk=OuterRef("organization_id")).values("name")
        events = with_names(LifecycleEvent.objects.filter(pk__in=theirs))
        return part(events.annotate(organization_name=Subquery(where)), SHOWN_EVENTS)

    @cached_property
    def sentence(self) -> str:
        """What is going on, in a line."""
        if self.person.closed_at:
            return f"Closed {distance(self.person.closed_at, self.at)}: nobody signs in, and the address is free."
        waiting = next((each for each in self.recoveries.rows if not each.stopped_at and not each.done_at), None)
        seen = f"Open; last seen {distance(self.person.seen_at, self.at)}"
        if waiting is None:
            return f"{seen}."
        what = f"The address becomes {waiting.email}" if waiting.email else "The second factor is taken away"
        confirmed = ", once that is confirmed" if waiting.email and not waiting.proven_at else ""
        return f"{seen}. {what} on {absolute(waiting.in_force_at)}{confirmed}, unless somebody stops it."
