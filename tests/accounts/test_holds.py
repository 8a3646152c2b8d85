"""P58: on hold nothing is taken down, and neither the check nor a reactivation acts; owner and support still may."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.checks import run_check
from accounts.errors import LifecycleError
from accounts.holds import hold_organization, release_organization
from accounts.lifecycle import deactivate_organizations, hasten_take_down, reactivate_organization
from accounts.models import LifecycleEvent, Organization
from accounts.words import Act, Reason, State, Via
from geos.services import begin_decommission, take_down_next
from tests import factories
from tests.accounts.test_admin_acts import case_of, confirm, page_of, said
from tests.desk import signed_in
from tests.races import collide, in_thread

DAY = timedelta(days=1)
WHEN = ("decommission_requested_at", "begins_at", "next_attempt_at")


def act(actor, ticket="T-1"):
    return {"note": "Court order", "ticket": ticket, "actor": actor, "via": Via.ADMIN}


def hold(organization, actor, days=2):
    return hold_organization(organization.pk, until=timezone.now() + days * DAY, **act(actor))


def deactivate(organization, actor, via=Via.ADMIN, reason=Reason.SPAM):
    return deactivate_organizations([organization.pk], reason=reason, actor=actor, via=via, ticket="T-1")


def state_of(organization):
    return Organization.objects.get(pk=organization.pk).state


@pytest.mark.usefixtures("without_notices")
@pytest.mark.django_db
class TestHold:
    def test_the_check_leaves_it_alone_until_it_ends(self, acme, globex, lead):
        hold(acme, lead)

        run_check()

        assert (state_of(acme), state_of(globex)) == (State.ACTIVE, State.INACTIVE)
        Organization.objects.filter(pk=acme.pk).update(hold_until=timezone.now())
        run_check()
        assert state_of(acme) == State.INACTIVE

    def test_support_and_owner_may_deactivate_it_and_its_taking_down_waits(self, acme, globex, alice, charlie, lead):
        """P42: and another organization's does not"""
        for organization in (acme, globex):
            factories.control_plane(organization)
        hold(acme, lead)

        deactivate(acme, alice, Via.SETTINGS, Reason.OWNER_REQUEST)
        deactivate(globex, lead)

        claimed = [begin_decommission("us", at=timezone.now() + DAY) for _ in range(2)]
        assert [each and each.organization for each in claimed] == [globex, None]
        assert begin_decommission("us", at=timezone.now() + 4 * DAY)

    def test_what_has_begun_is_not_asked_for_again_before_the_release(self, acme, lead):
        factories.control_plane(acme)
        deactivate(acme, lead)
        claimed = begin_decommission("us", at=timezone.now())
        hold(acme, lead)

        assert begin_decommission("us", at=timezone.now() + DAY) is None
        release_organization(acme.pk, **act(lead))
        assert begin_decommission("us", at=timezone.now() + DAY) == claimed

    def test_released_it_goes_on_at_once(self, acme, lead):
        factories.control_plane(acme)
        hold(acme, lead)
        deactivate(acme, lead)

        release_organization(acme.pk, **act(lead))

        assert take_down_next("us")

    @pytest.mark.parametrize("revive", [reactivate_organization, hasten_take_down])
    def test_it_is_neither_reactivated_nor_hastened(self, acme, lead, revive):
        factories.control_plane(acme)
        deactivate(acme, lead)
        hold(acme, lead)

        with pytest.raises(LifecycleError, match="on hold until"):
            revive(acme.pk, **act(lead))

    def test_each_is_an_event_that_says_until_when(self, acme, lead):
        """P47"""
        until = timezone.now() + 2 * DAY
        hold_organization(acme.pk, until=until, **act(lead), address="192.0.2.1")
        release_organization(acme.pk, **act(lead, ticket="T-2"))

        told = LifecycleEvent.objects.order_by("at").values_list("act", "actor_id", "note", "ticket", "details__until")
        assert list(told) == [
            (Act.HELD, lead.pk, "Court order", "T-1", until.isoformat()),
            (Act.RELEASED, lead.pk, "Court order", "T-2", until.isoformat()),
        ]
        acme.refresh_from_db()
        assert (acme.hold_until, acme.hold_reason, acme.hold_ticket) == (None, "", "")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"until": timezone.now() - DAY}, "ends later than now"),
            ({"note": " "}, "reason is empty"),
            ({"ticket": ""}, "name the ticket"),
        ],
        ids=["past", "reason", "ticket"],
    )
    def test_it_is_refused_without_a_reason_a_ticket_or_a_moment_to_come(self, acme, lead, change, words):
        with pytest.raises(LifecycleError, match=words):
            hold_organization(acme.pk, **({"until": timezone.now() + DAY} | act(lead) | change))

        assert not LifecycleEvent.objects.exists()

    def test_an_agent_neither_holds_nor_releases(self, acme, agent, lead):
        """P70"""
        with pytest.raises(LifecycleError, match="may not do this"):
            hold(acme, agent)
        hold(acme, lead)
        with pytest.raises(LifecycleError, match="may not do this"):
            release_organization(acme.pk, **act(agent))

    def test_what_is_not_on_hold_any_more_is_not_released(self, acme, lead):
        hold(acme, lead)
        Organization.objects.filter(pk=acme.pk).update(hold_until=timezone.now())

        with pytest.raises(LifecycleError, match="not on hold"):
            release_organization(acme.pk, **act(lead))


@pytest.mark.django_db
class TestPages:
    def test_a_lead_puts_it_on_hold_moves_the_end_and_releases_it(self, acme, globex, lead):
        client = signed_in(lead)
        for days in (2, 9):
            until = (timezone.now() + days * DAY).strftime("%Y-%m-%dT%H:%M")
            confirm(client, page_of("hold", acme), until=until)

        acme.refresh_from_db()
        assert acme.hold_until.strftime("%Y-%m-%dT%H:%M") == until
        assert "Change the hold on Acme" in said(client.get(case_of(acme)))
        confirm(client, page_of("release", acme))
        assert "Acme is released from its hold." in said(client.get(case_of(acme)))
        globex.refresh_from_db()
        assert globex.hold_until is None

    def test_a_moment_that_has_passed_is_told_at_the_field(self, acme, lead):
        answer = confirm(signed_in(lead), page_of("hold", acme), until="2020-01-01T00:00")

        assert "still to come" in said(answer)

    def test_the_preview_names_what_waits_and_what_a_geo_is_doing(self, acme, lead):
        """P71"""
        factories.control_plane(acme, "begun")
        deactivate(acme, lead)
        begin_decommission("us", at=timezone.now())
        factories.control_plane(acme, "waits", state="decommissioning", **dict.fromkeys(WHEN, timezone.now() + DAY))

        page = said(signed_in(lead).get(page_of("hold", acme)))

        assert "Keep what waits to be taken down: 1 control plane <small>waits (United States)" in page
        assert "Stop what a geo is already doing to 1 control plane <small>begun (United States)" in page

    def test_what_changed_since_the_preview_is_shown_again(self, acme, lead):
        """Habit 4"""
        client = signed_in(lead)
        digest = client.get(page_of("hold", acme)).context["shown"].digest
        deactivate(acme, lead)

        answer = confirm(client, page_of("hold", acme), digest=digest, until="2099-01-01T00:00")

        assert "Something changed since this was shown" in said(answer)


@pytest.mark.usefixtures("without_notices")
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_the_check_that_waits_for_a_hold_leaves_it_alone(self, acme, lead):
        result = collide(lambda: hold(acme, lead), run_check)

        assert result.deactivated == []
        assert state_of(acme) == State.ACTIVE

    def test_a_worker_passes_over_what_is_being_put_on_hold(self, acme, lead):
        factories.control_plane(acme)
        deactivate(acme, lead)

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            hold(acme, lead)
            claim = pool.submit(in_thread, lambda: begin_decommission("us", at=timezone.now()))
            assert claim.result(timeout=10) is None

    def test_a_hold_that_waits_for_a_claim_comes_after_it(self, acme, lead):
        factories.control_plane(acme)
        deactivate(acme, lead)

        collide(lambda: begin_decommission("us", at=timezone.now()), lambda: hold(acme, lead))

        assert acme.control_planes.get().begun_at
        assert begin_decommission("us", at=timezone.now() + DAY) is None

    def test_of_two_who_release_it_the_second_is_told(self, acme, lead):
        hold(acme, lead)

        def release():
            return release_organization(acme.pk, **act(lead))

        assert "not on hold" in str(collide(release, release))
        assert LifecycleEvent.objects.filter(act=Act.RELEASED).count() == 1

    def test_a_reactivation_that_waits_for_a_hold_is_refused(self, acme, lead):
        deactivate(acme, lead)

        refused = collide(lambda: hold(acme, lead), lambda: reactivate_organization(acme.pk, **act(lead)))

        assert "on hold until" in str(refused)
        assert state_of(acme) == State.INACTIVE
