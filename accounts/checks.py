"""The inactivity check acts (P64 to P66): what accounts.inactivity names is told, deactivated, or waits for a lead.

Each run first looks after the notices that are under way, then begins to tell whoever is inactive in 14 days, then
deactivates. Telling and deactivating are checks of two kinds, each with its runs, its limit and its waiting list.
One check at a time works on a database; a second one waits for it, and then finds what is left.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import inactivity, notices
from accounts.errors import LifecycleError
from accounts.inactivity import Question, Standing
from accounts.lifecycle import deactivate_organizations
from accounts.models import CheckEntry, CheckPause, CheckRun, Organization, User
from accounts.rights import check_permission
from accounts.sets import in_sets
from accounts.words import HeldBy, Reason, Via

CHECK_LOCK = 20_260_066
"""The advisory lock that a check holds; any number that nothing else here uses."""


@dataclass(frozen=True)
class CheckResult:
    run: CheckRun
    deactivated: list[UUID]


@dataclass
class Survey:
    """What a check found before it acts: counts, and those who may go, up to one more than there is room for.

    Of a check that tells, going is being told.
    """

    due: int = 0
    held: Counter[str] = field(default_factory=Counter)
    going: list[UUID] = field(default_factory=list)

    @property
    def may_go(self) -> int:
        return self.due - self.held.total()


def run_check(at: datetime | None = None) -> CheckResult:
    """Deactivate who is due and not held (P65); above the limit nobody, and one request waits for a lead (P66).

    It is decided by `at` (now unless given), asked again for now under lock, and stamped now. Running twice, or
    two at once, changes nothing more. An approved list whose carrying out broke off is finished first. Where notices
    are on, a check of now sends them first (P64).
    """
    with one_at_a_time():
        if at is None and settings.INACTIVITY_NOTICES:
            notices.follow_up()
            _check(inactivity.ask(kind=CheckRun.Kind.NOTIFY))
        return _check(inactivity.ask(at))


def _check(question: Question) -> CheckResult:
    if not question.paused:
        finish_approved(question.kind)
    room = inactivity.room(question)
    survey = look_around(question, room)
    if question.paused:
        return CheckResult(_record(_new_run(question), question, survey, CheckRun.Outcome.PAUSED), [])
    if len(survey.going) > room:
        return CheckResult(list_for_decision(question, survey), [])
    return _act_on_found(question, survey)


def look_around(question: Question, room: int) -> Survey:
    """Survey everyone whose lower bound has come, a set at a time, and raise the bounds that the facts raise."""
    survey = Survey()
    for standings in inactivity.standings_in_sets(question):
        if question.is_about_now:
            raise_lower_bounds([standing for standing in standings if not standing.is_due])
        due = [standing for standing in standings if standing.is_due]
        survey.due += len(due)
        survey.held.update(standing.held_by for standing in due if standing.held_by)
        survey.going += [standing.id for standing in due if standing.may_go][: room + 1 - len(survey.going)]
    return survey


def raise_lower_bounds(standings: Collection[Standing]) -> None:
    """Write back the moments that lie later than the stored ones (habit 7), so that the next check passes them by.

    Whoever is changed by someone else meanwhile, or has changed since it was read, is left for the next check.
    """
    outdated = {standing.id: standing for standing in standings if standing.is_outdated}
    with transaction.atomic():
        found = Organization.objects.active().filter(pk__in=outdated).order_by("pk")
        raised = [
            organization
            for organization in found.select_for_update(skip_locked=True, no_key=True)
            if organization.inactive_at == outdated[organization.pk].organization.inactive_at
        ]
        for organization in raised:
            organization.inactive_at = outdated[organization.pk].lower_bound
        Organization.objects.bulk_update(raised, ["inactive_at"])


@transaction.atomic
def list_for_decision(question: Question, survey: Survey) -> CheckRun:
    """Put those who may go on the list of the one run that waits for a lead; a later check refreshes it (P66)."""
    run = _waiting(question.kind) or _new_run(question)
    survey.held[HeldBy.LIMIT] = survey.may_go
    _record(run, question, survey, CheckRun.Outcome.WAITING)
    run.entries.all().delete()
    for standings in inactivity.standings_in_sets(question):
        CheckEntry.objects.bulk_create(_entry(run, standing) for standing in standings if standing.may_go)
    return run


def _entry(run: CheckRun, standing: Standing) -> CheckEntry:
    return CheckEntry(
        run=run,
        organization=standing.organization,
        inactive_at=standing.inactive_by_activity,
        last_seen_at=standing.last_seen_at,
        last_api_request_at=standing.last_api_request_at,
    )


def _act_on_found(question: Question, survey: Survey) -> CheckResult:
    """Within the limit: they go, or are told, and a request that waited has become needless."""
    with transaction.atomic():
        run = _waiting(question.kind) or _new_run(question)
        run.entries.all().delete()
        _record(run, question, survey, CheckRun.Outcome.DONE)
    if run.kind == CheckRun.Kind.NOTIFY:
        told, run.failed_count = in_sets(survey.going, notices.tell)
        run.told_count = len(told)
        _finish(run)
        return CheckResult(run, [])
    gone, run.failed_count = in_sets(survey.going, _deactivate)
    run.deactivated_count = len(gone)
    _finish(run)
    return CheckResult(run, gone)


def _deactivate(ids: Collection[UUID], actor: User | None = None, note: str = "") -> list[UUID]:
    """Gives who went."""
    events = deactivate_organizations(
        ids, reason=Reason.INACTIVITY, via=Via.CHECK, actor=actor, note=note, still=inactivity.is_due_now
    )
    return [event.organization_id for event in events if event.organization_id]


# Decisions


def approve(run: CheckRun, *, actor: User, reason: str = "", digest: str | None = None) -> CheckRun:
    """Let the organizations on a waiting list go, or be told, each asked again; the limit is not applied (P66).

    `digest` is that of the list as it was shown. Raises LifecycleError with what to tell where the actor may not, the
    check is paused, the list was decided or has changed.
    """
    check_permission(actor, "accounts.decide_check")
    with one_at_a_time():
        if inactivity.ask().paused:
            raise LifecycleError("The check is paused. Nothing was done. Please resume it before you approve a list.")
        decided = _decide(run, CheckRun.Outcome.APPROVED, actor, reason, digest)
        carry_out(decided)
    return decided


def dismiss(run: CheckRun, *, actor: User, reason: str, digest: str | None = None) -> CheckRun:
    """Leave the organizations on a waiting list alone for 30 days (P66): of either list, they are neither told nor
    deactivated. Errors as in `approve`.
    """
    check_permission(actor, "accounts.decide_check")
    _need(reason)
    with one_at_a_time():
        decided = _decide(run, CheckRun.Outcome.DISMISSED, actor, reason, digest)
        _finish(decided)
    return decided


def list_digest(run: CheckRun) -> str:
    """The digest of who is on a run's list, for the form to carry (habit 4)."""
    ids = run.entries.order_by("organization").values_list("organization", flat=True)
    return hashlib.sha256("".join(str(id) for id in ids).encode()).hexdigest()


@transaction.atomic
def _decide(run: CheckRun, outcome: CheckRun.Outcome, actor: User, reason: str, digest: str | None) -> CheckRun:
    held = CheckRun.objects.select_for_update().get(pk=run.pk)
    if held.outcome != CheckRun.Outcome.WAITING:
        raise LifecycleError(f"Nothing was done: {_decision(held)}.")
    if digest is not None and digest != list_digest(held):
        raise LifecycleError("The list has changed since it was shown. Nothing was done. Please read it again.")
    held.outcome, held.decided_at, held.decided_by_id = outcome, timezone.now(), actor.pk
    held.decision_reason = reason.strip()
    held.finished_at = None
    held.save()
    return held


def _decision(run: CheckRun) -> str:
    if run.decided_at is None:
        return "this list is not waiting for a decision any more"
    return f"{_decider(run)} {run.outcome} this list on {run.decided_at:%d %b %Y, %H:%M} UTC"


def _decider(run: CheckRun) -> User:
    """Who decided a run that is decided: a constraint says that there is somebody."""
    return User.objects.get(pk=cast(UUID, run.decided_by_id))


def carry_out(run: CheckRun) -> None:
    """Deactivate, or tell, those on an approved list who are still due and held by nothing.

    Broken off, it can be repeated.
    """
    left = run.entries.filter(deactivated_at__isnull=True).order_by("inactive_at", "organization")
    ids = list(left.values_list("organization", flat=True))
    if run.kind == CheckRun.Kind.NOTIFY:
        told, run.failed_count = in_sets(ids, notices.tell)
        run.told_count += len(told)
        _finish(run)
    else:
        _deactivate_listed(run, ids)


def _deactivate_listed(run: CheckRun, ids: Collection[UUID]) -> None:
    actor = _decider(run)

    @transaction.atomic
    def act(ids: Collection[UUID]) -> list[UUID]:
        gone = _deactivate(ids, actor, run.decision_reason)
        run.entries.filter(organization__in=gone).update(deactivated_at=timezone.now())
        return gone

    _, run.failed_count = in_sets(ids, act)
    run.deactivated_count = run.entries.filter(deactivated_at__isnull=False).count()
    _finish(run)


def finish_approved(kind: CheckRun.Kind) -> None:
    for run in CheckRun.objects.filter(kind=kind, outcome=CheckRun.Outcome.APPROVED, finished_at__isnull=True):
        carry_out(run)


def pause(*, actor: User, reason: str) -> CheckPause:
    """Pause the check until it is resumed (P66). Errors as in `approve`, and where it is paused already."""
    check_permission(actor, "accounts.decide_check")
    _need(reason)
    try:
        with transaction.atomic():
            return CheckPause.objects.create(reason=reason.strip(), paused_by_id=actor.pk)
    except IntegrityError:
        raise LifecycleError("The check is paused already.") from None


def resume(*, actor: User) -> None:
    """Let a paused check go on (P66)."""
    check_permission(actor, "accounts.decide_check")
    paused = CheckPause.objects.filter(resumed_at__isnull=True)
    if not paused.update(resumed_at=timezone.now(), resumed_by_id=actor.pk):
        raise LifecycleError("The check is not paused.")


def _need(reason: str) -> None:
    if not reason.strip():
        raise LifecycleError("Please say why: the reason is empty.")


def _waiting(kind: CheckRun.Kind) -> CheckRun | None:
    return CheckRun.objects.select_for_update().filter(kind=kind, outcome=CheckRun.Outcome.WAITING).first()


def _new_run(question: Question) -> CheckRun:
    return CheckRun(kind=question.kind)


def _record(run: CheckRun, question: Question, survey: Survey, outcome: CheckRun.Outcome) -> CheckRun:
    run.at, run.outcome = question.at, outcome
    run.due_count, run.held_counts = survey.due, {str(reason): count for reason, count in survey.held.items()}
    run.limit = inactivity.limit(question.now)
    run.finished_at = timezone.now() if outcome != CheckRun.Outcome.DONE else None
    run.save()
    return run


def _finish(run: CheckRun) -> None:
    run.finished_at = timezone.now()
    run.save()


@contextmanager
def one_at_a_time() -> Generator[None]:
    """Held by the session, across transactions; PostgreSQL lets it go when the process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [CHECK_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [CHECK_LOCK])
