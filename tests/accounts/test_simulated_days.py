"""Days that pass hour by hour over organizations of every kind, while mail and a geo fail for some of them.

What happens is compared with what P60 to P64 and P66 demand, worked out by `Reference`: it knows an organization's
life as it is written down here, goes through it alone, and reads nothing of the portal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from django.utils import timezone

from accounts.checks import run_check
from accounts.lifecycle import reactivate_organization
from accounts.models import CheckRun, Exemption, InactivityNotice, LifecycleEvent, Organization
from accounts.services.logins import record_login
from accounts.words import Act, Reason, State, Via
from billing.services import record_api_requests, record_completeness
from konnect_portal.foundation.delivery import send_due_mails
from tests import factories, smtp
from tests.notices import DAY, HOUR, SECOND, START, clock, server

pytestmark = pytest.mark.usefixtures("clock")

__all__ = ["clock", "server"]

MAIL_IS_DOWN = (START + 40 * DAY, START + 47 * DAY)
EU_IS_SILENT = (START + 20 * DAY, START + 50 * DAY)


def day(number: float) -> datetime:
    return START + number * DAY


@dataclass
class Life:
    """What becomes of an organization: each is a moment or a span of moments, the end exclusive."""

    created: datetime = START
    logins: list[datetime] = field(default_factory=list)
    requests: list[datetime] = field(default_factory=list)
    paid: tuple[datetime, datetime | None] | None = None
    plan: str = "plus"
    exempt: tuple[datetime, datetime] | None = None
    hold: tuple[datetime, datetime] | None = None
    dismissed: datetime | None = None
    reactivated: datetime | None = None
    is_reachable: bool = True
    geo: str = "us"


LIVES = {
    "silent": Life(),
    "created later": Life(created=day(-3.5)),
    "inactive since long ago": Life(created=day(-300)),
    "logs in now and then": Life(logins=[day(19), day(38), day(60)]),
    "logs in after its last notice": Life(logins=[day(29) + HOUR]),
    "logs in a second before its moment": Life(logins=[day(30) - SECOND]),
    "requests only": Life(requests=[day(at) for at in (6, 13, 20, 27, 34, 41, 48)]),
    "requests in the last second of a cycle": Life(requests=[day(30) - SECOND]),
    "requests in the first second of a cycle": Life(requests=[day(29), day(30)]),
    "requests after its first notice": Life(requests=[day(20)]),
    "trial ends": Life(paid=(START, day(20)), plan="trial"),
    "trial ends in plus": Life(paid=(START, None)),
    "enterprise": Life(paid=(START, None), plan="enterprise"),
    "plus ends": Life(paid=(START, day(40))),
    "exempt with end": Life(exempt=(START, day(50))),
    "exempt after its first notice": Life(exempt=(day(20), day(25))),
    "on hold until": Life(hold=(day(20), day(45))),
    "on hold from the beginning": Life(hold=(START, day(45))),
    "dismissed": Life(dismissed=day(22)),
    "its mails always fail": Life(is_reachable=False),
    "first notice while mail is down": Life(created=day(26)),
    "last notice while mail is down": Life(created=day(16)),
    "last refused after a week without mail": Life(created=day(26), is_reachable=False),
    "geo is silent": Life(geo="eu"),
    "geo is silent at first": Life(geo="eu", created=day(10)),
    "reactivated": Life(reactivated=day(40)),
    "reactivated and used": Life(reactivated=day(40), logins=[day(45), day(70)]),
}


BY_HAND = {
    "silent": [30],
    "created later": [26.5],
    "inactive since long ago": [14],  # 14 days after it was first told
    "logs in now and then": [90],
    "logs in after its last notice": [61],  # from day 40 to 47 no mail is accepted
    "logs in a second before its moment": [61],
    "requests only": [90],  # the last one was in its second cycle
    "requests in the last second of a cycle": [61],
    "requests in the first second of a cycle": [90],
    "requests after its first notice": [61],
    "trial ends": [50],
    "trial ends in plus": [],
    "enterprise": [],
    "plus ends": [70],
    "exempt with end": [64],
    "exempt after its first notice": [39],
    "on hold until": [61],
    "on hold from the beginning": [61],
    "dismissed": [66],
    "its mails always fail": [32],  # on its third day the first notice is undeliverable
    "first notice while mail is down": [61],
    "last notice while mail is down": [47 + 23 / 24],
    "last refused after a week without mail": [63],
    "geo is silent": [64],
    "geo is silent at first": [64],
    "reactivated": [30, 70],
    "reactivated and used": [30, 100],
}
"""On which days each is deactivated; told for the first time 14 days before, where nothing keeps it."""


def is_within(span: tuple[datetime, datetime | None] | None, at: datetime) -> bool:
    return span is not None and span[0] <= at and (span[1] is None or at < span[1])


@dataclass
class Told:
    """A notice as the reference knows it."""

    days_before: int
    inactive_at: datetime
    created: datetime
    tries: list[datetime] = field(default_factory=list)
    accepted: datetime | None = None
    undeliverable: datetime | None = None


class Reference:
    """One life, moment by moment, by the words of the policy."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.is_active = True
        self.revived: datetime | None = None
        self.set: dict[int, Told] = {}
        self.notices: list[tuple[int, datetime]] = []
        self.deactivations: list[datetime] = []

    def live_through(self, moments: Iterator[datetime]) -> None:
        for at in moments:
            if at < self.life.created:
                continue
            if not self.is_active and self.life.reactivated and at >= self.life.reactivated and not self.revived:
                self.is_active, self.revived = True, at
            self.deliver(at)
            self.check(at)
            self.deliver(at)

    def inactive_at(self, at: datetime) -> datetime | None:
        """P60 to P62: none while it pays or is exempt."""
        if is_within(self.life.paid, at) or is_within(self.life.exempt, at):
            return None
        ended = self.life.paid[1] if self.life.paid else None
        seen = [self.life.created, *self.life.logins, self.revived, ended]
        moment = max(each for each in seen if each and each <= at) + 30 * DAY
        requests = [each for each in self.life.requests if each <= at]
        if not requests:
            return moment
        cycle = self.life.created
        while cycle + 30 * DAY <= max(requests):
            cycle += 30 * DAY
        return max(moment, cycle + 60 * DAY)

    def is_held(self, at: datetime) -> bool:
        """P58, P63, P66"""
        rests = self.life.dismissed and self.life.dismissed <= at < self.life.dismissed + 30 * DAY
        late = self.life.geo == "eu" and EU_IS_SILENT[0] + 2 * HOUR < at < EU_IS_SILENT[1]
        return bool(rests) or late or is_within(self.life.hold, at)

    def announced(self) -> datetime | None:
        first = self.set[14]
        settled = first.accepted or first.undeliverable
        return settled and max(first.inactive_at, settled + 14 * DAY)

    def check(self, at: datetime) -> None:
        moment = self.inactive_at(at) if self.is_active else None
        if self.set and (moment != self.set[14].inactive_at or self.has_run_out(at)):
            self.set = {}
        if moment is None or self.is_held(at):
            return
        if self.set:
            self.tell_next(at, moment)
        elif moment - 14 * DAY <= at:
            self.tell(14, at, moment)
        if moment <= at and self.may_go(at):
            self.deactivations.append(at)
            self.is_active, self.set = False, {}

    def has_run_out(self, at: datetime) -> bool:
        announced = self.announced()
        if announced is None or at < announced:
            return False
        return at > announced + 14 * DAY or (1 not in self.set and not self.set[14].undeliverable)

    def tell_next(self, at: datetime, moment: datetime) -> None:
        announced = self.announced()
        if announced is None:
            return
        if announced - DAY <= at < announced and 1 not in self.set:
            self.tell(1, at, moment)
        elif announced - 7 * DAY <= at < announced - DAY and 7 not in self.set:
            self.tell(7, at, moment)

    def tell(self, days_before: int, at: datetime, moment: datetime) -> None:
        self.set[days_before] = Told(days_before, moment, at)
        self.notices.append((days_before, at))

    def may_go(self, at: datetime) -> bool:
        """P64"""
        announced = self.announced()
        if announced is None or not announced <= at <= announced + 14 * DAY:
            return False
        last = self.set.get(1)
        return self.set[14].undeliverable is not None or bool(
            last and last.accepted and last.accepted <= at - 23 * HOUR
        )

    def deliver(self, at: datetime) -> None:
        for notice in self.set.values():
            is_open = notice.accepted is None and notice.undeliverable is None
            if not is_open or is_within(MAIL_IS_DOWN, at) or (notice.tries and at < notice.tries[-1] + DAY):
                continue
            notice.tries.append(at)
            if self.life.is_reachable:
                notice.accepted = at
            elif len(notice.tries) == 3:
                notice.undeliverable = at


class World:
    """The portal, in which the lives are led."""

    def __init__(self, server: smtp.Server, settings, lead) -> None:
        self.server, self.settings, self.lead = server, settings, lead
        self.away = smtp.Server()
        self.away.server_close()
        self.organizations: dict[str, Organization] = {}
        self.done: set[tuple[str, str, datetime]] = set()
        self.taken: list[tuple[datetime, str]] = []
        server.after_data = self.note

    def note(self) -> bool:
        self.taken.append((timezone.now(), str(self.server.taken[-1]["To"])))
        return True

    def live(self, at: datetime) -> None:
        mailers = (self.away if is_within(MAIL_IS_DOWN, at) else self.server).mailers
        if mailers != self.settings.MAILERS:
            self.settings.MAILERS = mailers
        record_completeness(["us"] if is_within(EU_IS_SILENT, at) else ["us", "eu"], at, at=at)
        for name, life in LIVES.items():
            for act, moment in self.acts(life):
                if moment <= at and (name, act, moment) not in self.done:
                    self.do(name, life, act, moment)
        send_due_mails()
        run_check()
        send_due_mails()

    def acts(self, life: Life) -> Iterator[tuple[str, datetime]]:
        yield "create", life.created
        yield from (("log_in", moment) for moment in life.logins)
        yield from (("request", moment) for moment in life.requests)
        spans = {"exempt": life.exempt, "hold": life.hold}
        yield from ((act, span[0]) for act, span in spans.items() if span)
        if life.dismissed:
            yield "dismiss", life.dismissed
        if life.reactivated:
            yield "reactivate", life.reactivated

    def do(self, name: str, life: Life, act: str, moment: datetime) -> None:
        self.done.add((name, act, moment))
        getattr(self, act)(name, life, moment)

    def create(self, name: str, life: Life, moment: datetime) -> None:
        made = factories.organization(name, created_at=moment)
        self.organizations[name] = made
        factories.control_plane(made, geo=life.geo)
        if life.paid:
            factories.subscription(made, life.plan, starts_at=life.paid[0], ends_at=life.paid[1])
        if not life.is_reachable:
            self.server.refusals[made.owner.email] = "550 no such person"

    def log_in(self, name: str, life: Life, moment: datetime) -> None:
        made = self.organizations[name]
        record_login(made.pk, made.owner, moment)

    def request(self, name: str, life: Life, moment: datetime) -> None:
        record_api_requests({self.organizations[name].pk: moment}, at=timezone.now())

    def exempt(self, name: str, life: Life, moment: datetime) -> None:
        assert life.exempt
        exemption = {"reason": "seasonal", "created_at": moment, "until": life.exempt[1]}
        Exemption.objects.create(organization=self.organizations[name], **exemption)

    def hold(self, name: str, life: Life, moment: datetime) -> None:
        assert life.hold
        held = {"hold_until": life.hold[1], "hold_reason": "court", "hold_ticket": "T-1"}
        Organization.objects.filter(pk=self.organizations[name].pk).update(**held)

    def dismiss(self, name: str, life: Life, moment: datetime) -> None:
        decided = {"outcome": CheckRun.Outcome.DISMISSED, "decided_at": moment, "decided_by_id": self.lead.pk}
        run = CheckRun.objects.create(at=moment, **decided)
        run.entries.create(organization=self.organizations[name], inactive_at=moment, last_seen_at=moment)

    def reactivate(self, name: str, life: Life, moment: datetime) -> None:
        made = self.organizations[name]
        assert Organization.objects.get(pk=made.pk).state == State.INACTIVE
        reactivate_organization(made.pk, note="They called", actor=self.lead, via=Via.ADMIN, ticket="T-2")

    def deactivations(self, name: str) -> list[datetime]:
        events = LifecycleEvent.objects.filter(organization_id=self.organizations[name].pk, act=Act.DEACTIVATED)
        assert {event.reason for event in events} <= {Reason.INACTIVITY}
        return sorted(event.at for event in events)

    def notices(self, name: str) -> list[tuple[int, datetime]]:
        notices = InactivityNotice.objects.filter(organization=self.organizations[name]).order_by("created_at")
        return [(notice.days_before, notice.created_at) for notice in notices]

    def is_told(self, name: str, by: datetime) -> bool:
        """A server took a mail to it at `by` or earlier, and within 28 days of it."""
        address = self.organizations[name].owner.email
        return any(to == address and by - 28 * DAY <= at <= by for at, to in self.taken)


@pytest.mark.parametrize(
    ("days", "step"),
    [pytest.param(48, DAY, id="short"), pytest.param(120, HOUR, id="full", marks=pytest.mark.slow)],
)
def test_exactly_those_are_deactivated_whom_the_policy_names(clock, server, settings, lead, days, step):
    """P58, P60 to P66: each with its notices, none early, none twice."""
    settings.INACTIVITY_LIMIT_FLOOR = 100
    world = World(server, settings, lead)
    moments = [START + number * step for number in range(int(days * DAY / step) + 1)]
    for at in moments:
        clock.move_to(at)
        world.live(at)

    references = {name: Reference(life) for name, life in LIVES.items()}
    for reference in references.values():
        reference.live_through(iter(moments))
    assert {name: world.deactivations(name) for name in LIVES} == {
        name: reference.deactivations for name, reference in references.items()
    }
    assert {name: world.notices(name) for name in LIVES} == {
        name: reference.notices for name, reference in references.items()
    }
    for name, life in LIVES.items():
        for at in world.deactivations(name) if life.is_reachable else ():
            assert world.is_told(name, at - 14 * DAY)
            assert world.is_told(name, at - 23 * HOUR)


def test_the_reference_agrees_with_what_was_worked_out_by_hand():
    """P60 to P66"""
    moments = [START + number * HOUR for number in range(120 * 24 + 1)]
    found = {}
    for name, life in LIVES.items():
        reference = Reference(life)
        reference.live_through(iter(moments))
        found[name] = [(at - START) / DAY for at in reference.deactivations]

    assert found == BY_HAND
