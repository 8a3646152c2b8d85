"""Billing once more, as simple as can be and sharing nothing with what it checks: loops over everything ever used."""

from collections import defaultdict
from datetime import datetime, timedelta

HOUR, CYCLE = timedelta(hours=1), timedelta(days=30)
MILLION = 1_000_000


def cents_for(metric: str, quantity: int) -> int:
    """The prices that come with the migrations, in half cents of the smallest part, rounded half up at the end."""
    if metric == "api_requests":
        parts, per = 20_000 * min(max(quantity - MILLION, 0), 9 * MILLION), MILLION
        parts += 15_000 * max(quantity - 10 * MILLION, 0)
    elif metric == "gateway_services":
        parts, per = 10_500 * quantity, 720
    else:
        parts, per = 2_000 * max(quantity - 1_440, 0), 720
    return (2 * parts + per) // (2 * per)


class NaiveOrganization:
    """What happened to one organization, and what it was invoiced for."""

    def __init__(self, created_at: datetime, trial_ends_at: datetime | None = None):
        self.anchor = created_at
        self.trial_ends_at = trial_ends_at
        self.is_active = True
        self.reactivated_at: datetime | None = None
        self.plan: list | None = None
        self.closing: list[list] = []
        self.usage: dict[tuple, int] = defaultdict(int)
        self.credits: list[int] = []
        self.drafts: list[tuple] = []
        self.periods: list[tuple] = []
        self.billed: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
        self.invoices: list[tuple] = []

    def use(self, metric, geo, hour, quantity, at) -> None:
        if not self._counts(hour, at):
            return
        key = metric, geo, hour
        self.usage[key] = self.usage[key] + quantity if metric == "api_requests" else max(self.usage[key], quantity)

    def _counts(self, hour, at) -> bool:
        start = self.anchor
        while start + CYCLE <= at:
            start += CYCLE
        while start > at:
            start -= CYCLE
        is_new = self.reactivated_at is None or hour + HOUR > self.reactivated_at
        return self.is_active and is_new and hour >= start - CYCLE

    def subscribe(self, at) -> datetime | None:
        """When paid Plus starts: now, or at the trial's end; None where there is a plan or nobody to have one."""
        if not self.is_active or self.plan is not None:
            return None
        start = max(at, self.trial_ends_at or at)
        self.plan = [start, None]
        self.closing.append(self.plan)
        return start

    def unsubscribe(self, at) -> None:
        if self.plan is not None:
            self.plan[1] = max(at, self.plan[0])
            self.plan = None

    def deactivate(self, at) -> None:
        self.is_active, self.plan, self.trial_ends_at = False, None, None
        self.closing, self.drafts, self.periods, self.credits = [], [], [], []

    def reactivate(self, at) -> None:
        self.is_active, self.reactivated_at = True, at

    def begin_plan(self, at) -> datetime | None:
        """The start of the plan that runs at `at`, from which cycles are counted."""
        if self.plan is not None and self.plan[0] <= at:
            self.anchor = max(self.anchor, self.plan[0])
            return self.plan[0]
        return None

    def close(self, at, complete_through) -> None:
        for start, end in self.closing:
            while start < (end or at):
                stop = min(start + CYCLE, end or datetime.max.replace(tzinfo=start.tzinfo))
                if stop <= at and (start, stop) not in [*self.drafts, *self.periods]:
                    self.drafts.append((start, stop))
                start = stop
        for draft in sorted(self.drafts):
            last_hour = draft[1].replace(minute=0, second=0, microsecond=0)
            complete = last_hour if last_hour == draft[1] else last_hour + HOUR
            if complete_through >= complete or at >= draft[1] + timedelta(hours=72):
                self._issue(draft)

    def _issue(self, draft) -> None:
        self.drafts.remove(draft)
        self.periods.append(draft)
        lines = []
        for start, stop in self.periods:
            for metric in ("api_requests", "gateway_services", "dev_portals"):
                used = sum(q for (m, _, hour), q in self.usage.items() if m == metric and start <= hour < stop)
                before = self.billed[start, metric]
                if used > before[0]:
                    lines.append((start, metric, used - before[0], cents_for(metric, used) - before[1]))
                    self.billed[start, metric] = [used, cents_for(metric, used)]
        total = due = sum(line[3] for line in lines)
        for place, left in enumerate(self.credits):
            self.credits[place] -= min(left, due)
            due -= min(left, due)
        self.invoices.append((*draft, sorted(lines), total, total - due))
