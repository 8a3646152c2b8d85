"""P68: usage that comes after a deactivation by the check and would have prevented it waits for a lead's decision."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.checks import run_check
from accounts.errors import LifecycleError
from accounts.late_usage import find_late_usage, let_take_down_go_on
from accounts.lifecycle import deactivate_organizations, hasten_take_down, reactivate_organization
from accounts.models import LifecycleEvent, Organization
from accounts.tasks import find_late_usage as find_all
from accounts.words import Act, Reason, State, Via
from billing.models import BillingAccount, UsageApart
from billing.services import record_completeness
from geos.models import ControlPlane
from geos.services import begin_decommission
from tests import factories
from tests.accounts.test_admin_acts import case_of, confirm, page_of, said
from tests.billing.test_metering import report
from tests.desk import signed_in
from tests.races import collide

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def gone(acme, globex, now, without_notices):
    """Acme, deactivated by the check a moment ago, day 10 of its cycle; Globex, deactivated by it too."""
    BillingAccount.objects.update(anchor_at=now - 100 * DAY)
    for organization in (acme, globex):
        factories.control_plane(organization)
    record_completeness(["us", "eu"], through=now, at=now)
    assert len(run_check().deactivated) == 2
    return acme


def tell(organization, hour, metric="api_requests", quantity=5):
    report((organization, metric, hour.replace(minute=0, second=0, microsecond=0), quantity), at=timezone.now())


def waits(organization):
    return Organization.objects.get(pk=organization.pk).late_usage_at is not None


def decided(actor):
    return {"note": "Bots", "ticket": "T-1", "actor": actor, "via": Via.ADMIN}


def claim(now):
    return begin_decommission("us", at=now + 4 * DAY)


@pytest.mark.django_db
class TestFinding:
    @pytest.mark.parametrize("days", [0, 15, 39])
    def test_what_would_have_prevented_it_is_listed_and_taking_down_waits(self, gone, globex, now, days):
        """P61: this cycle began 10 days ago, the one before 40 days ago; another organization is left alone"""
        tell(gone, now - days * DAY)

        find_all()

        assert (waits(gone), waits(globex)) == (True, False)
        claimed = [claim(now), claim(now)]
        assert [each and each.organization for each in claimed] == [globex, None]
        event = LifecycleEvent.objects.get(act=Act.USAGE_CAME_LATE)
        assert (event.organization_id, event.via) == (gone.pk, Via.WORKER)

    @pytest.mark.parametrize(
        "usage",
        [
            {"days": 41},
            {"days": -0.1},
            {"days": 1, "metric": "gateway_services"},
            {"days": 1, "quantity": 0},
        ],
        ids=["too old", "after it", "no request", "none"],
    )
    def test_what_would_not_have_prevented_it_changes_nothing(self, gone, now, usage):
        """P61"""
        tell(gone, now - usage.pop("days") * DAY, **usage)

        find_all()

        assert UsageApart.objects.count() == 1
        assert not waits(gone)

    def test_who_was_deactivated_otherwise_is_left_alone(self, acme, lead, now):
        deactivate_organizations([acme.pk], reason=Reason.SPAM, actor=lead, via=Via.ADMIN, ticket="T-1")
        tell(acme, now - DAY)

        find_all()

        assert not waits(acme)

    def test_who_is_active_again_is_left_alone(self, gone, lead, now):
        tell(gone, now - DAY)
        reactivate_organization(gone.pk, **decided(lead))

        find_all()

        assert not waits(gone)

    def test_it_is_told_once_and_again_only_of_what_comes_later_still(self, gone, lead, now):
        tell(gone, now - DAY)
        find_all()
        let_take_down_go_on(gone.pk, **decided(lead))

        find_all()
        assert not waits(gone)
        tell(gone, now - 2 * DAY)
        find_all()
        assert waits(gone)

    def test_a_run_asks_the_same_however_many_came(
        self, gone, globex, now, django_assert_num_queries, django_assert_max_num_queries
    ):
        tell(gone, now - DAY)
        with django_assert_max_num_queries(12) as few:
            find_late_usage(at=now)
        for days in (2, 3, 4):
            tell(gone, now - days * DAY)
            tell(globex, now - days * DAY)
        with django_assert_num_queries(len(few)):
            find_late_usage(at=now)


@pytest.mark.django_db
class TestDeciding:
    @pytest.fixture
    def late(self, gone, now):
        tell(gone, now - DAY)
        find_all()
        return gone

    def test_a_lead_lets_taking_down_go_on(self, late, globex, lead, now):
        let_take_down_go_on(late.pk, **decided(lead))

        assert {each.organization for each in (claim(now), claim(now)) if each} == {late, globex}
        assert LifecycleEvent.objects.filter(act=Act.TAKE_DOWN_RESUMED, organization_id=late.pk).count() == 1
        with pytest.raises(LifecycleError, match="does not wait"):
            let_take_down_go_on(late.pk, **decided(lead))

    def test_reactivating_decides_it_too(self, late, lead):
        """P51"""
        reactivate_organization(late.pk, **decided(lead))

        assert not waits(late)
        assert late.control_planes.get().state == ControlPlane.State.ACTIVE

    def test_what_was_begun_before_is_finished(self, gone, now):
        """P51"""
        claimed = [claim(now), claim(now)]
        tell(gone, now - DAY)
        find_all()

        later = [begin_decommission("us", at=now + 5 * DAY) for _ in range(2)]
        assert all(claimed)
        assert all(later)

    def test_it_is_not_hastened_before_that(self, late, lead):
        with pytest.raises(LifecycleError, match="came late"):
            hasten_take_down(late.pk, **decided(lead))

    def test_an_agent_does_not_decide(self, late, agent):
        """P70"""
        with pytest.raises(LifecycleError, match="may not do this"):
            let_take_down_go_on(late.pk, **decided(agent))

    def test_its_list_leads_to_the_act(self, late, globex, lead):
        client = signed_in(lead)
        page = said(client.get("/admin/accounts/organization/?usage=late"))
        assert "Acme" in page
        assert "Globex" not in page
        assert "taking down waits for a lead" in said(client.get(case_of(late)))
        assert page_of("take-down", late) not in said(client.get(case_of(late)))

        confirm(client, page_of("let-go-on", late))

        assert not waits(late)
        assert Organization.objects.get(pk=late.pk).state == State.INACTIVE


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_claimed_first_finishes_and_the_list_waits_for_it(gone, now):
    """P68: of two control planes one is claimed, the other waits"""
    factories.control_plane(
        gone, "second", state="decommissioning", decommission_requested_at=now, begins_at=now, next_attempt_at=now
    )
    tell(gone, now - DAY)

    collide(lambda: begin_decommission("us", at=now), lambda: find_late_usage(at=now))

    assert waits(gone)
    assert gone.control_planes.filter(begun_at__isnull=False).count() == 1
