"""Who is inactive and since when (P60 to P64, P66, P67). It asks and writes nothing; accounts.checks acts."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import CheckEntry, CheckPause, CheckRun, Exemption, InactivityNotice, LifecycleEvent, Organization
from accounts.words import Act, HeldBy, Reason, State
from billing.services import ActivityFacts, activity_facts, complete_through, running_subscriptions
from geos.services import geos_of, known_geos

SET_SIZE = 1_000
"""How many are asked about at once: more than are acted on at once, since meanwhile nothing is locked (habit 2)."""
FIRST_NOTICE_AGE = timedelta(days=14)
LAST_NOTICE_AGE = timedelta(hours=23)
ANNOUNCEMENT_LASTS = timedelta(days=14)

LONGEST_REACH = timedelta(days=366)
"""How far from the moment asked about the check looks, at most: two cycles, a notice, a dismissal."""


@dataclass(frozen=True)
class Question:
    """What is the same for every organization that is asked about at `at`; `now` is when it is asked.

    A moment other than now is answered with today's facts. Of kind `notify` it is not who is due for deactivation, but
    for a first notice (P64).
    """

    at: datetime
    now: datetime
    kind: CheckRun.Kind
    notices: bool
    paused: bool
    geos: frozenset[str]
    complete_through: dict[str, datetime]
    dismissed_runs: list[UUID]

    @property
    def usage_wanted_through(self) -> datetime:
        """How far usage must be complete (P63). Of a time to come, what is missing today is all that can be known."""
        return min(self.at, self.now) - timedelta(hours=settings.USAGE_COMPLETE_WITHIN_HOURS)

    @cached_property
    def late_geos(self) -> set[str]:
        """Those of which usage is not complete; one that never told any is among them."""
        return {geo for geo in self.geos if not self.is_enough(self.complete_through.get(geo))}

    def is_enough(self, through: datetime | None) -> bool:
        return through is not None and through >= self.usage_wanted_through

    @property
    def ahead(self) -> timedelta:
        """How long before its moment an organization is due."""
        return FIRST_NOTICE_AGE if self.kind == CheckRun.Kind.NOTIFY else timedelta(0)

    @property
    def is_about_now(self) -> bool:
        return self.at == self.now


@dataclass(frozen=True)
class Standing:
    """The facts that decide about one organization at a moment, with their dates (P67)."""

    organization: Organization
    facts: ActivityFacts
    at: datetime
    exemption: Exemption | None = None
    missing_geos: tuple[str, ...] = ()
    held_by: HeldBy | None = None
    ahead: timedelta = timedelta(0)

    @property
    def id(self) -> UUID:
        return self.organization.pk

    @property
    def name(self) -> str:
        return self.organization.name

    @property
    def seen(self) -> dict[str, datetime]:
        """What counts as a login (P61), each with its date. A running trial will, when it ends."""
        moments = {
            "login": self.organization.last_login_at,
            "created": self.organization.created_at,
            "reactivated": self.organization.reactivated_at,
            "free": self.facts.free_since,
            "trial": self.facts.plan_until if self.facts.on_trial else None,
        }
        return {what: moment for what, moment in moments.items() if moment is not None}

    @cached_property
    def last_seen_at(self) -> datetime:
        return max(self.seen.values())

    @property
    def last_api_request_at(self) -> datetime | None:
        return self.facts.last_api_request_at

    @cached_property
    def inactive_by_activity(self) -> datetime:
        """The moment of P62, to be expected with no more activity, whatever the plan."""
        return max(self.last_seen_at + inactivity_days(), self.facts.requests_count_until or self.last_seen_at)

    @property
    def inactive_at(self) -> datetime | None:
        """The moment of P62; None on a paid plan, which is never inactive (P60)."""
        return self.inactive_by_activity if self.facts.is_free or self.facts.on_trial else None

    @property
    def lower_bound(self) -> datetime:
        """What `Organization.inactive_at` may be raised to when asked now (habit 7)."""
        return self.inactive_at or self.at + inactivity_days()

    @property
    def is_outdated(self) -> bool:
        """The stored lower bound lies earlier than it may."""
        stored = self.organization.inactive_at
        return stored is not None and stored < self.lower_bound

    @property
    def is_checked(self) -> bool:
        """P60, P63: active, on Free, not marked "never deactivate"."""
        return self.organization.state == State.ACTIVE and self.facts.is_free and self.exemption is None

    @property
    def is_due(self) -> bool:
        return self.is_checked and self.inactive_by_activity <= self.at + self.ahead

    @property
    def may_go(self) -> bool:
        """Due and held by nothing but, possibly, the limit."""
        return self.is_due and self.held_by is None


def inactivity_days() -> timedelta:
    return timedelta(days=settings.INACTIVITY_DAYS)


def ask(
    at: datetime | None = None, *, kind: CheckRun.Kind = CheckRun.Kind.DEACTIVATE, notices: bool | None = None
) -> Question:
    """The question put at `at` (now unless given); `notices` false leaves the conditions of P64 out."""
    now = timezone.now()
    at = at or now
    return Question(
        at=at,
        now=now,
        kind=kind,
        notices=settings.INACTIVITY_NOTICES if notices is None else notices,
        paused=CheckPause.objects.filter(resumed_at__isnull=True).exists(),
        geos=known_geos(),
        complete_through=complete_through(),
        dismissed_runs=dismissed_runs(at),
    )


def dismissed_runs(at: datetime) -> list[UUID]:
    """Those whose lists a lead dismissed in the 30 days before `at` (P66)."""
    since = at - timedelta(days=settings.DISMISSAL_DAYS)
    dismissed = CheckRun.objects.filter(outcome=CheckRun.Outcome.DISMISSED, decided_at__gt=since)
    return list(dismissed.values_list("pk", flat=True))


def can_be_asked(at: datetime) -> bool:
    """Whether everything that the check looks at around a moment can be written as a date."""
    try:
        _ = at - LONGEST_REACH, at + LONGEST_REACH
    except OverflowError:
        return False
    return True


def standings_in_sets(question: Question) -> Iterator[list[Standing]]:
    """Everyone whose stored lower bound has come, in sets by key. Read a set, and only one is in memory."""
    candidates = Organization.objects.active().filter(inactive_at__lte=question.at + question.ahead)
    if question.kind == CheckRun.Kind.NOTIFY:
        first = InactivityNotice.objects.live().filter(days_before=InactivityNotice.FIRST)
        candidates = candidates.exclude(Exists(first.filter(organization=OuterRef("pk"))))
    after = Q()
    while organizations := list(candidates.filter(after).order_by("inactive_at", "pk")[:SET_SIZE]):
        last = organizations[-1]
        # The first condition alone is a range of the index.
        after = Q(inactive_at__gte=last.inactive_at) & (Q(inactive_at__gt=last.inactive_at) | Q(pk__gt=last.pk))
        yield standings(organizations, question)


def standings(organizations: Collection[Organization], question: Question) -> list[Standing]:
    """The facts of each organization at the question's moment, those who are due with what holds them."""
    ids = [organization.pk for organization in organizations]
    facts = activity_facts(ids, at=question.at)
    exemptions = {
        exemption.organization_id: exemption
        for exemption in Exemption.objects.live(question.at).filter(organization__in=ids)
    }
    at, ahead = question.at, question.ahead
    found = [
        Standing(organization, facts[organization.pk], at, exemptions.get(organization.pk), ahead=ahead)
        for organization in organizations
        if organization.pk in facts
    ]
    return with_holds(found, question)


def with_holds(found: list[Standing], question: Question) -> list[Standing]:
    """The same, with what keeps those that are due from being deactivated; the limit is not asked (P63, P64, P66)."""
    due = [standing for standing in found if standing.is_due]
    if not due:
        return found
    missing = missing_usage(due, question)
    reasons: list[tuple[HeldBy, Collection[UUID]]] = [
        (HeldBy.PAUSED, [standing.id for standing in due if question.paused]),
        (HeldBy.HOLD, [standing.id for standing in due if standing.organization.is_on_hold(question.at)]),
        (HeldBy.MISSING_USAGE, missing),
        (HeldBy.NOTICE, not_told(due) if question.notices and not question.ahead else ()),
        (HeldBy.DISMISSED, dismissed([standing.id for standing in due], question)),
    ]
    held = {id: reason for reason, ids in reversed(reasons) for id in ids}
    return [
        replace(each, held_by=held[each.id], missing_geos=missing.get(each.id, ())) if each.id in held else each
        for each in found
    ]


def missing_usage(due: Collection[Standing], question: Question) -> dict[UUID, tuple[str, ...]]:
    """Who had a control plane in this cycle or the one before in geos whose usage is not complete, and which (P63)."""
    if not question.late_geos:
        return {}
    asked = {standing.id: standing for standing in due}
    geos = geos_of({id: standing.facts.cycles_since(question.at) for id, standing in asked.items()})
    missing = {
        id: tuple(sorted(geo for geo in codes if not is_complete(geo, asked[id], question)))
        for id, codes in geos.items()
    }
    return {id: codes for id, codes in missing.items() if codes}


def is_complete(geo: str, standing: Standing, question: Question) -> bool:
    known = (question.complete_through.get(geo), standing.facts.usage_known_until)
    return any(question.is_enough(through) for through in known)


def not_told(due: Collection[Standing]) -> set[UUID]:
    """Those to whom the notices of P64 have not all come, for the moment that they are inactive from now."""
    notices = live_notices([standing.id for standing in due])
    return {standing.id for standing in due if not is_told(standing, notices[standing.id])}


def live_notices(ids: Collection[UUID]) -> dict[UUID, dict[int, InactivityNotice]]:
    """The live notices of each organization, by their days before."""
    notices: dict[UUID, dict[int, InactivityNotice]] = {id: {} for id in ids}
    for notice in InactivityNotice.objects.live().filter(organization__in=notices):
        notices[notice.organization_id][notice.days_before] = notice
    return notices


def is_told(standing: Standing, notices: dict[int, InactivityNotice]) -> bool:
    """The three conditions of P64. Where nobody can be told at all, no last notice is asked for."""
    first, last = notices.get(InactivityNotice.FIRST), notices.get(InactivityNotice.LAST)
    if first is None or first.inactive_at != standing.inactive_at or not _has_settled(first, standing.at):
        return False
    is_time = first.announced_at <= standing.at <= first.announced_at + ANNOUNCEMENT_LASTS
    return is_time and (first.undeliverable_at is not None or (last is not None and _has_settled(last, standing.at)))


def _has_settled(notice: InactivityNotice, at: datetime) -> bool:
    """Accepted long enough ago; one that is undeliverable is complete 14 days later, a first and a last one alike."""
    accepted_for = LAST_NOTICE_AGE if notice.days_before == InactivityNotice.LAST else FIRST_NOTICE_AGE
    age = FIRST_NOTICE_AGE if notice.accepted_at is None else accepted_for
    return notice.settled_at is not None and notice.settled_at <= at - age


def dismissed(ids: Collection[UUID], question: Question) -> set[UUID]:
    """Those on a list that a lead dismissed in the last 30 days (P66)."""
    if not question.dismissed_runs:
        return set()
    return set(dismissals(question).filter(organization__in=ids).values_list("organization", flat=True))


def dismissals(question: Question) -> QuerySet[CheckEntry]:
    """What stands on the lists that leads dismissed in the last 30 days."""
    return CheckEntry.objects.filter(run__in=question.dismissed_runs)


def due(question: Question) -> list[Standing]:
    """Whom P60 to P62 name at the question's moment, with what holds each of them, by moment and id (P67)."""
    found = [standing for found in standings_in_sets(question) for standing in found if standing.is_due]
    if sum(standing.may_go for standing in found) > room(question):
        found = [replace(each, held_by=HeldBy.LIMIT) if each.may_go else each for each in found]
    return sorted(found, key=lambda standing: (standing.inactive_by_activity, standing.id))


def is_due_now(organizations: Collection[Organization]) -> set[UUID]:
    """Those who may be deactivated now. The lifecycle asks it under lock (P65); the limit is not asked."""
    return {standing.id for standing in standings(organizations, ask()) if standing.may_go}


def exact_inactive_at(ids: Collection[UUID], at: datetime) -> dict[UUID, datetime | None]:
    """The moment of P62 for each organization, asked at `at`; None on a paid plan."""
    standings = standings_by_facts(list(Organization.objects.active().filter(pk__in=ids)), at)
    return {id: standing.inactive_at for id, standing in standings.items()}


def standings_by_facts(organizations: Collection[Organization], at: datetime) -> dict[UUID, Standing]:
    """By what billing knows of them alone, in one statement: not asked is what exempts or holds them."""
    facts = activity_facts([organization.pk for organization in organizations], at=at)
    return {each.pk: Standing(each, facts[each.pk], at) for each in organizations if each.pk in facts}


def explain(id: UUID, at: datetime | None = None) -> Standing:
    """Why one organization is due at a moment, or not: the facts that decide (P67). The limit is not asked."""
    organization = Organization.objects.get(pk=id)
    return standings([organization], ask(at))[0]


def limit(at: datetime) -> int:
    """How many the check may deactivate, and to how many it may begin to send notices, in 24 hours (P66)."""
    most, percent = settings.INACTIVITY_LIMIT_COUNT, settings.INACTIVITY_LIMIT_PERCENT
    # Counting more of them than make up the highest limit changes nothing.
    enough = math.ceil(most * 100 / percent) if percent else 0
    return limit_for(Organization.objects.active().exclude(running_subscriptions(at))[:enough].count())


def limit_for(free: int) -> int:
    """The lower of 500 and 2 % of so many Free organizations, but at least 10."""
    share = int(free * settings.INACTIVITY_LIMIT_PERCENT / 100)
    return max(min(settings.INACTIVITY_LIMIT_COUNT, share), settings.INACTIVITY_LIMIT_FLOOR)


def deactivated_lately(now: datetime) -> int:
    """How many were deactivated for inactivity in the last 24 hours."""
    return LifecycleEvent.objects.filter(
        act=Act.DEACTIVATED, reason=Reason.INACTIVITY, at__gt=now - timedelta(hours=24)
    ).count()


def told_lately(now: datetime) -> int:
    """How many were sent a first notice in the last 24 hours, whatever became of it."""
    return InactivityNotice.objects.filter(
        days_before=InactivityNotice.FIRST, created_at__gt=now - timedelta(hours=24)
    ).count()


def room(question: Question) -> int:
    """How many may still go, or be told, within the limit (P66)."""
    lately = told_lately if question.kind == CheckRun.Kind.NOTIFY else deactivated_lately
    return max(0, limit(question.now) - lately(question.now))
