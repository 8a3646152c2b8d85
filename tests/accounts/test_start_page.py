"""The start page of the support desk: what waits, each a number with its list, and the pulse as it was counted."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.desk.pulse import count_figures, pulse
from accounts.desk.waiting import AHEAD, KINDS
from accounts.desk.weekly import WEEKS, first_week
from accounts.lifecycle import deactivate_organizations, reactivate_organization
from accounts.models import Approval, CheckRun, LifecycleEvent, Organization
from accounts.tasks import report_embedded_geos
from accounts.words import Act, Reason, Via
from billing.models import GeoUsage, ProviderMismatch, ProviderSubscription, UsageFault
from geos.models import ControlPlane
from konnect_portal.foundation.outbox import queue_mails
from tests import factories
from tests.desk import signed_in
from tests.factories import moment
from tests.foundation.test_outbox import deactivated

DAY = timedelta(days=1)
ALL = [*KINDS, *AHEAD]

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(acme, globex, agent):
    """Two rows of every kind, and of most kinds another one that is not counted."""
    now = timezone.now()
    for number, organization in enumerate((acme, globex, factories.organization("Hooli"), factories.organization())):
        make_wait(organization, now, number, counts=number < 2)
    for who, when in [(agent, now), (agent, now), (agent, now - 2 * DAY)]:
        ask_for_approval(acme, who, when)
    for kind, outcome in [("deactivate", "waiting"), ("notify", "waiting"), ("deactivate", "done")]:
        CheckRun.objects.create(kind=kind, outcome=outcome, at=now)
    for geo, hours in [("us", 3), ("eu", 30), ("au", 1), ("xx", 9)]:
        GeoUsage.objects.create(geo=geo, complete_through=now - timedelta(hours=hours))


def make_wait(organization, now, number, *, counts):
    """What waits of one organization, or nearly does."""
    factories.subscription(organization, "trial", ends_at=now + (3 if counts else 8) * DAY)
    past = factories.subscription(organization, starts_at=now - 300 * DAY, ends_at=now - 200 * DAY)
    factories.invoice(organization, ends_at=now - (9 if counts else 1) * DAY, is_draft=True)
    ProviderSubscription.objects.create(subscription=past, stop_asked_at=now - DAY, stopped_at=None if counts else now)
    ProviderMismatch.objects.create(side="here", reference=str(number), resolved_at=None if counts else now)
    plane = factories.control_plane(organization)
    ControlPlane.objects.filter(pk=plane.pk).update(
        state="decommissioning",
        decommission_requested_at=now,
        begins_at=now - (2 if counts else 0) * DAY,
        next_attempt_at=now,
    )
    queue_mails([deactivated()])
    mails = Email.objects.order_by("-pk")[:1].values("pk")
    Email.objects.filter(pk__in=mails).update(status=STATUS.failed, last_updated=now - (1 if counts else 8) * DAY)
    gone = factories.organization(f"Gone {number}")
    deactivate_organizations([gone.pk], reason=Reason.INACTIVITY, via=Via.CHECK)
    Organization.objects.filter(pk=gone.pk).update(
        late_usage_at=now if counts else None,
        hold_until=now + (1 if counts else -1) * DAY,
        hold_reason="Court",
        hold_ticket="T-1",
    )


def ask_for_approval(organization, who, when):
    return Approval.objects.create(
        act=Approval.Act.DEACTIVATE_ENTERPRISE,
        target_id=factories.organization().pk,
        target_name="Acme",
        asked_by_id=who.pk,
        asked_at=when,
        expires_at=when + DAY,
        via=Via.ADMIN,
        reason=Reason.FRAUD,
        ticket="T-1",
    )


def test_each_number_is_that_of_the_rows_of_its_list(busy, lead):
    client = signed_in(lead)
    page = client.get("/admin/").context
    items = [*page["waiting"], *page["ahead"]]

    assert {item.kind.name: item.count for item in items} == {kind.name: 2 for kind in ALL}
    rows = {item.kind.name: client.get(item.kind.link).context["cl"].result_list for item in items}
    assert {name: len(found) for name, found in rows.items()} == {kind.name: 2 for kind in ALL}


def test_nobody_is_named_what_they_may_not_see(busy, viewer, agent, lead):
    """P70"""

    def named(user):
        return {item.kind.name for item in signed_in(user).get("/admin/").context["waiting"]}

    assert named(lead) == {kind.name for kind in KINDS}
    assert named(viewer) == named(agent) == named(lead) - {"approvals"}


def test_zero_reads_as_calm(lead):
    page = signed_in(lead).get("/admin/").content.decode()

    assert "Nothing waits for you." in page
    for kind in KINDS:
        assert kind.calm in page
        assert kind.title not in page


def test_the_page_takes_as_many_statements_when_much_waits(lead):
    def statements():
        with CaptureQueriesContext(connection) as asked:
            signed_in(lead).get("/admin/")
        return len(asked)

    before = statements()
    now = timezone.now()
    GeoUsage.objects.create(geo="eu", complete_through=now - 2 * DAY)
    ProviderMismatch.objects.bulk_create(ProviderMismatch(side="here", reference=str(number)) for number in range(9))
    CheckRun.objects.create(outcome="waiting", at=now)

    assert statements() == before


def test_what_waits_is_read_by_index(db):
    """Habit 7; geos are a handful, and what lives on one side only is a nightly list."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plans = {
        kind.name: kind.rows(timezone.now()).order_by(kind.moment).values_list(kind.moment)[:1001].explain()
        for kind in ALL
    }

    assert {name for name, plan in plans.items() if "Seq Scan" in plan} <= {"geos", "one_sided"}


class TestGeos:
    """P63"""

    def test_one_that_never_told_its_usage_is_behind_since_it_was_expected(self, settings):
        settings.GEO_TOKENS = {"eu": ["secret"]}
        report_embedded_geos()
        behind = {usage.geo: usage.behind_since for usage in GeoUsage.objects.behind(timezone.now())}

        assert behind == {"eu": GeoUsage.objects.get(geo="eu").reported_at}
        report_embedded_geos()
        assert GeoUsage.objects.behind(timezone.now()).get().behind_since == behind["eu"]

    def test_one_whose_first_report_could_not_be_read_is_behind_since_then(self):
        now = timezone.now()
        GeoUsage.objects.create(geo="eu", told_through=now, open_faults=1, reported_at=now)
        UsageFault.objects.create(geo="eu", batch_id="1", position=0, before=now, received_at=now - DAY)

        assert GeoUsage.objects.behind(now).get().behind_since == now - DAY


class TestPulse:
    NOW = moment("2026-11-18 12:00")  # a Wednesday

    def test_organizations_are_counted_by_state_plan_and_home_geo(self, acme, globex):
        factories.subscription(acme, "trial")
        factories.organization("Hooli", plan="enterprise", geo="eu")
        gone = factories.organization("Gone")
        deactivate_organizations([gone.pk], reason=Reason.INACTIVITY, via=Via.CHECK)
        count_figures(at=timezone.now())

        assert shown("State") == {"Active": 3, "Deactivated": 1}
        assert shown("Plan of the active") == {"Free": 1, "Plus trial": 1, "Enterprise": 1}
        assert shown("Home geo of the active") == {"United States": 1, "Europe": 2}

    def test_each_counts_what_its_list_shows(self, acme, globex, viewer):
        factories.subscription(globex)
        count_figures(at=timezone.now())
        client = signed_in(viewer)
        shares = [share for shares in pulse().shares.values() for share in shares if share.link]

        assert [share.count for share in shares] == [
            len(client.get(share.link).context["cl"].result_list) for share in shares
        ]

    def test_deactivations_are_counted_by_week_and_reason(self):
        start = first_week(self.NOW)
        event(Act.DEACTIVATED, start - timedelta(seconds=1), reason=Reason.SPAM)
        event(Act.DEACTIVATED, start, reason=Reason.SPAM)
        event(Act.DEACTIVATED, start + timedelta(days=7), reason=Reason.SPAM)
        event(Act.DEACTIVATED, self.NOW, reason=Reason.INACTIVITY)
        event(Act.DEACTIVATED, self.NOW, reason=Reason.IMPORTED)
        count_figures(at=self.NOW)
        [chart, _] = pulse().charts

        assert (chart.columns[0], chart.columns[-1]) == ("31 Aug", "16 Nov")
        assert {series.name: series.values for series in chart.series} == {
            "Spam": [1, 1] + [0] * (WEEKS - 2),
            "Nobody used it": [0] * (WEEKS - 1) + [1],
        }

    def test_the_inactivity_desk_draws_the_same_deactivations(self, acme, globex, lead, viewer):
        """P47"""
        deactivate_organizations([acme.pk], reason=Reason.SPAM, actor=lead, via=Via.ADMIN, ticket="T-1")
        deactivate_organizations([globex.pk], reason=Reason.INACTIVITY, via=Via.CHECK)
        event(Act.DEACTIVATED, timezone.now(), reason=Reason.IMPORTED)
        count_figures(at=timezone.now())
        [pulses, _] = pulse().charts

        desks = signed_in(viewer).get("/admin/accounts/checkrun/inactivity/").context["overview"].past_chart

        assert {series.name for series in desks.series} == {"Spam", "Nobody used it"}
        assert (desks.columns, desks.series) == (pulses.columns, pulses.series)

    def test_reactivations_are_counted_by_what_they_took_back(self, acme, lead):
        deactivate_organizations([acme.pk], reason=Reason.INACTIVITY, via=Via.CHECK)
        reactivate_organization(acme.pk, note="Asked", ticket="T-1", actor=lead, via=Via.COMMAND, proof="lead_word")
        count_figures(at=timezone.now())
        [_, chart] = pulse().charts

        assert [(series.name, series.values[-1]) for series in chart.series] == [("Nobody used it", 1)]

    def test_the_page_says_when_it_was_counted_and_before_that_nothing_was(self, viewer):
        client = signed_in(viewer)
        assert "Nothing has been counted yet." in client.get("/admin/").content.decode()

        count_figures(at=timezone.now() - timedelta(minutes=4))
        count_figures(at=timezone.now() - timedelta(minutes=3))
        assert "3 minutes ago" in client.get("/admin/").content.decode()


def shown(title) -> dict[str, int]:
    return {share.name: share.count for share in pulse().shares[title] if share.count}


def event(act, at, **fields):
    organization = factories.UserFactory().pk  # any id: events outlive what they tell of
    return LifecycleEvent.objects.create(act=act, at=at, via=Via.CHECK, organization_id=organization, **fields)
