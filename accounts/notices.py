"""Notices before a deactivation for inactivity (P64): starting them, their delivery, what voids them.

An organization's live notices are a set: a first one, one between, a last one, for one `inactive_at`. The first one
starts 14 days before that moment, and sets the announced moment once it is accepted: `inactive_at`, or 14 days after
the acceptance where that is later. The others start 7 days and 1 day before it and say it. What P64 leaves open:

- a first notice that is not accepted announces nothing: the others wait for it, however long mail is down;
- a first notice that is undeliverable announces 14 days after that was found; the others are tried nevertheless;
- a mail that came back counts as refused for good; what the set announced is worked out anew, and notices that say
  another moment than the one that now holds are void and start again in their time;
- a notice whose mails have all failed, though not all were refused for good, is void and starts again;
- one that was not started before the next one's time, or before the announced moment, is not made up for: a set that
  reaches its moment without a last notice, or passes it by 14 days, is void, and a new set begins;
- on hold, paused, with usage missing or dismissed by a lead, an organization is sent nothing new; after 30 days' rest
  a set that has run out begins anew;
- mails of a void notice that nobody has been sent are taken back.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts import emails, inactivity
from accounts.inactivity import ANNOUNCEMENT_LASTS, FIRST_NOTICE_AGE, SET_SIZE, Standing
from accounts.models import CheckRun, Exemption, InactivityNotice, Organization
from accounts.sets import in_sets
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import withdraw_mails

FIRST, SECOND, LAST = InactivityNotice.FIRST, InactivityNotice.SECOND, InactivityNotice.LAST
BOUNCES_WITHIN = timedelta(days=30)
"""A mail that comes back does so within days; older ones are not looked through."""

type Notices = dict[int, InactivityNotice]
"""The live notices of an organization by their days before."""


def follow_up() -> None:
    """Give every set that is under way what it needs; starts none. Running twice changes nothing (P65).

    Its delivery is recorded, it is void where it no longer holds, and the next notice starts in its time.
    """
    in_sets(_under_way(), _follow_up)


def _under_way() -> Iterator[UUID]:
    """The organizations with live notices, read a set at a time."""
    first = InactivityNotice.objects.live().filter(days_before=FIRST).order_by("organization")
    ids = list(first.values_list("organization", flat=True)[:SET_SIZE])
    while ids:
        yield from ids
        ids = list(first.filter(organization__gt=ids[-1]).values_list("organization", flat=True)[:SET_SIZE])


def _follow_up(ids: Collection[UUID]) -> list[UUID]:
    settle(InactivityNotice.objects.live().unsettled().filter(organization__in=ids))
    standings = _ask(Organization.objects.active().filter(pk__in=ids))
    void_outdated(ids, standings)
    live = inactivity.live_notices(ids)
    wanting = [id for id, standing in standings.items() if live[id] and _next(standing, live[id])]
    return tell(wanting) if wanting else []


def _ask(organizations: Iterable[Organization]) -> dict[UUID, Standing]:
    """Who may be told now, asked without regard to what has been told."""
    question = inactivity.ask(kind=CheckRun.Kind.NOTIFY)
    return {standing.id: standing for standing in inactivity.standings(list(organizations), question)}


@transaction.atomic
def tell(ids: Collection[UUID]) -> list[UUID]:
    """Start the notice whose time it is for each of these organizations, asked again under lock; gives whose it was.

    Whoever was used, is exempt, held or not active meanwhile is left alone.
    """
    held = Organization.objects.active().prefetch_related("owner").hold_all(ids)
    live = inactivity.live_notices([organization.pk for organization in held])
    told = [(standing, notice) for id, standing in _ask(held).items() if (notice := _next(standing, live[id]))]
    InactivityNotice.objects.bulk_create(notice for _, notice in told)
    emails.tell_of_inactivity(told)
    return [standing.id for standing, _ in told]


def _next(standing: Standing, live: Notices) -> InactivityNotice | None:
    """The notice whose time it is, not saved yet."""
    first = live.get(FIRST)
    if not standing.may_go:
        return None
    if first is None:
        announced_at = max(standing.inactive_by_activity, standing.at + FIRST_NOTICE_AGE)
        return _notice(standing, FIRST, announced_at)
    left = first.announced_at - standing.at
    days_before = LAST if left <= timedelta(days=LAST) else SECOND
    if first.settled_at is None or days_before in live or not timedelta(0) < left <= timedelta(days=days_before):
        return None
    return _notice(standing, days_before, first.announced_at)


def _notice(standing: Standing, days_before: int, announced_at: datetime) -> InactivityNotice:
    return InactivityNotice(
        organization=standing.organization,
        inactive_at=standing.inactive_by_activity,
        announced_at=announced_at,
        days_before=days_before,
        created_at=standing.at,
    )


# What voids them


@transaction.atomic
def void_outdated(ids: Collection[UUID], standings: dict[UUID, Standing]) -> None:
    """Void the live notices of these organizations that hold no more, and take their unsent mails back."""
    exempted = dict(
        Exemption.objects.filter(organization__in=ids).values_list("organization").annotate(Max("created_at"))
    )
    outdated = [
        notice.pk
        for id, live in inactivity.live_notices(ids).items()
        for notice in _outdated(live, standings.get(id), exempted.get(id))
    ]
    InactivityNotice.objects.live().filter(pk__in=outdated).update(voided_at=timezone.now())
    withdraw_mails(outdated)


def _outdated(live: Notices, standing: Standing | None, exempted_at: datetime | None) -> Collection[InactivityNotice]:
    first = live.get(FIRST)
    if first is None or standing is None or _is_void(first, standing, exempted_at) or _has_run_out(live, standing.at):
        return live.values()
    return [notice for notice in live.values() if notice.announced_at != first.announced_at]


def _is_void(first: InactivityNotice, standing: Standing, exempted_at: datetime | None) -> bool:
    """It was used, is not checked any more, or was exempt for a while."""
    was_exempt = exempted_at is not None and exempted_at > first.created_at
    return was_exempt or not standing.is_checked or standing.inactive_at != first.inactive_at


def _has_run_out(live: Notices, at: datetime) -> bool:
    first = live[FIRST]
    if first.settled_at is None or at < first.announced_at:
        return False
    lacks_last = LAST not in live and first.undeliverable_at is None
    return lacks_last or at > first.announced_at + ANNOUNCEMENT_LASTS


# Their delivery


@transaction.atomic
def settle(notices: QuerySet[InactivityNotice]) -> None:
    """Record what became of these notices' mails, and by that of the first one the announced moment.

    They are locked before their mails are read, so that of a bounce that comes meanwhile none is lost.
    """
    found = {notice.pk: notice for notice in notices.order_by("pk").select_for_update()}
    mails: dict[UUID, list[Mail]] = {id: [] for id in found}
    for mail in Mail.objects.filter(event_id__in=found).select_related("email"):
        mails[cast(UUID, mail.event_id)].append(mail)
    for id, notice in found.items():
        _settle(notice, mails[id])
    InactivityNotice.objects.bulk_update(
        found.values(), ["accepted_at", "undeliverable_at", "announced_at", "voided_at"]
    )


def _settle(notice: InactivityNotice, mails: list[Mail]) -> None:
    accepted = [mail.accepted_at for mail in mails if mail.accepted_at]
    undeliverable = [mail.undeliverable_at for mail in mails if mail.undeliverable_at]
    notice.accepted_at = min(accepted, default=None)
    notice.undeliverable_at = max(undeliverable) if undeliverable and len(undeliverable) == len(mails) else None
    if notice.settled_at is None:
        notice.voided_at = timezone.now() if all(mail.is_given_up for mail in mails) else None
    elif notice.days_before == FIRST:
        notice.announced_at = max(notice.inactive_at, notice.settled_at + FIRST_NOTICE_AGE)


@transaction.atomic
def record_bounce(message_id: str) -> Mail | None:
    """A mail of ours came back: no server has accepted it any more (P64). None for a mail that is not known.

    Looks among the mails of the last 30 days. Twice is as good as once.
    """
    now = timezone.now()
    lately = Mail.objects.filter(email__created__gt=now - BOUNCES_WITHIN)
    mail = lately.select_for_update(of=("self",)).filter(email__message_id=message_id).first()
    if mail is not None and mail.bounced_at is None:
        mail.bounced_at = now
        mail.save(update_fields=["bounced_at"])
        settle(InactivityNotice.objects.live().filter(pk=mail.event_id))
    return mail
