"""P71: staff deactivate an Enterprise organization by two leads, who have both seen the same."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.admin.columns import of_deactivation
from accounts.bulk.lists import make_list, read_ids
from accounts.errors import LifecycleError, PreviewChanged
from accounts.lifecycle import deactivate_organizations
from accounts.models import Approval, LifecycleEvent
from accounts.second_lead import ask_to_deactivate, confirm_deactivation
from accounts.services.approvals import decline, withdraw
from accounts.services.contracts import change_contract, end_contract
from accounts.words import Act, Reason, State, Tier, Via
from billing.models import Plan
from billing.services import Contract
from geos.models import ControlPlane
from tests import factories
from tests.desk import signed_in
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(acme):
    factories.subscription(acme, Plan.ENTERPRISE)
    factories.control_plane(acme, "shop")
    return acme


@pytest.fixture
def second(db):
    return factories.staff(Tier.LEAD, email="second@portal.example", full_name="Sami Second")


def ask(acme, lead, **said):
    usual = {"reason": Reason.NON_PAYMENT, "ticket": "T-1", "note": "Unpaid for a year", "take_down": "later"}
    return ask_to_deactivate(acme.pk, actor=lead, via=Via.ADMIN, show=show, **{**usual, **said})


def show(preview):
    return of_deactivation(preview, when="later")


def confirm(approval, actor):
    confirm_deactivation(approval, actor=actor, via=Via.ADMIN, address=None, expected=approval.digest)


def page_of(approval):
    return reverse("admin:accounts_approval_change", args=[approval.pk])


def case_of(organization):
    return reverse("admin:accounts_organization_change", args=[organization.pk])


def words(answer):
    return " ".join(answer.content.decode().split())


def post(client, page, decision, **answers):
    """Read the page and answer it."""
    digest = re.search(r'name="digest" value="(.*?)"', words(client.get(page)))
    return client.post(page, {"decision": decision, "digest": digest[1] if digest else "", **answers}, follow=True)


def is_untouched(acme):
    acme.refresh_from_db()
    return acme.state == State.ACTIVE and not LifecycleEvent.objects.filter(act=Act.DEACTIVATED).exists()


def test_two_leads_deactivate_it_and_the_event_names_both(acme, globex, lead, second):
    """P47, P71: what the first one said, when the second one confirms."""
    case = reverse("admin:accounts_organization_deactivate", args=[acme.pk])
    client = signed_in(lead)
    asked = {"reason": "non_payment", "ticket": "T-1", "note": "Unpaid", "take_down": "later", "name": "Acme"}
    answer = client.post(case, {**asked, "digest": client.get(case).context["shown"].digest}, follow=True)
    approval = Approval.objects.get()

    assert "another lead has 24 hours to confirm it" in words(answer)
    assert page_of(approval) in words(answer)
    assert is_untouched(acme)

    answer = post(signed_in(second), page_of(approval), "confirm", name="Acme")

    assert "Acme is deactivated" in words(answer)
    event = LifecycleEvent.objects.get(act=Act.DEACTIVATED)
    assert (event.actor_id, event.details["approved_by"]) == (lead.pk, str(second.pk))
    assert (event.reason, event.note, event.ticket) == (Reason.NON_PAYMENT, "Unpaid", "T-1")
    assert LifecycleEvent.objects.get(act=Act.APPROVAL_GIVEN).actor_id == second.pk
    assert ControlPlane.objects.get().begins_at > timezone.now() + timedelta(hours=71)
    globex.refresh_from_db()
    assert globex.state == State.ACTIVE


def test_it_waits_on_the_start_page_of_other_leads(acme, lead, second, agent):
    ask(acme, lead)

    waits = "Asked by a colleague"
    assert waits in words(signed_in(second).get("/admin/"))
    assert waits not in words(signed_in(lead).get("/admin/"))
    assert "second lead" not in words(signed_in(agent).get("/admin/")).split("What waits")[1]


def test_what_was_shown_stands_beside_what_is_true_now(acme, lead, second):
    approval = ask(acme, lead)
    factories.control_plane(acme, "born-meanwhile")

    page = words(signed_in(second).get(page_of(approval)))

    then, now = re.findall(r'<section class="desk-card".*?</section>', page)
    assert "Stop configuration for 1 control plane" in then
    assert "born-meanwhile" in now
    assert "has changed since Lena Lead asked" in page


def test_what_changed_since_it_was_asked_is_not_confirmed(acme, lead, second):
    """Habit 4: by no page that was open before, and by no page read afterwards."""
    approval, client = ask(acme, lead), signed_in(second)
    before = {"decision": "confirm", "digest": approval.digest, "name": "Acme"}
    factories.control_plane(acme, "born-meanwhile")

    assert "Something changed since this was shown" in words(client.post(page_of(approval), before))
    assert "Something changed since this was shown" in words(post(client, page_of(approval), "confirm", name="Acme"))
    with pytest.raises(PreviewChanged):
        confirm(approval, second)
    assert is_untouched(acme)


@pytest.mark.parametrize("who", ["lead", "agent", "viewer"])
def test_nobody_confirms_their_own_and_only_leads_confirm(request, acme, lead, who):
    actor, approval = request.getfixturevalue(who), ask(acme, lead)

    answer = post(signed_in(actor), page_of(approval), "confirm", name="Acme")
    with pytest.raises(LifecycleError):
        confirm(approval, actor)

    assert answer.status_code == (200 if who == "lead" else 403)
    assert is_untouched(acme)


def test_the_database_knows_that_nobody_confirms_their_own(acme, lead):
    approval = ask(acme, lead)

    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(
            outcome="approved", decided_at=timezone.now(), decided_by_id=lead.pk
        )


def test_after_24_hours_it_has_lapsed_and_is_asked_anew(acme, lead, second, settings):
    approval = ask(acme, lead)
    with pytest.raises(LifecycleError, match="asked already"):
        ask(acme, second)
    Approval.objects.update(expires_at=timezone.now())

    with pytest.raises(LifecycleError, match="lapsed already"):
        confirm(approval, second)
    assert "Nobody confirmed it within 24 hours" in words(signed_in(second).get(page_of(approval)))
    ask(acme, second)

    approval.refresh_from_db()
    assert approval.outcome == Approval.Outcome.LAPSED
    assert is_untouched(acme)


def test_a_colleague_declines_and_who_asked_withdraws_each_saying_why(acme, lead, second):
    approval = ask(acme, lead)
    assert "required" in words(post(signed_in(second), page_of(approval), "decline", reason=" "))
    post(signed_in(second), page_of(approval), "decline", reason="They have paid")
    again = ask(acme, lead)
    post(signed_in(lead), page_of(again), "withdraw", reason="They have")

    approval.refresh_from_db()
    again.refresh_from_db()
    assert (approval.outcome, approval.decision_note) == ("declined", "They have paid")
    assert (again.outcome, again.decided_by_id) == ("withdrawn", lead.pk)
    for late in (decline, withdraw):
        with pytest.raises(LifecycleError):
            late(again.pk, actor=lead, via=Via.ADMIN, note="Late")
    assert is_untouched(acme)


def test_whoever_asked_must_still_be_a_lead(acme, lead, second):
    """P70"""
    approval = ask(acme, lead)
    lead.groups.clear()

    with pytest.raises(LifecycleError, match="may not do this: it needs a lead"):
        confirm(approval, second)
    assert is_untouched(acme)


def test_an_old_yes_deactivates_no_second_time(acme, globex, lead, second):
    """A yes is for its organization, and for what its first lead asked."""
    approval = ask(acme, lead)
    confirm(approval, second)
    approval.refresh_from_db()
    factories.subscription(globex, Plan.ENTERPRISE)

    for actor, target in ((lead, globex), (second, acme)):
        with pytest.raises(LifecycleError) if target == globex else transaction.atomic():
            gone = deactivate_organizations(
                [target.pk], reason=Reason.SPAM, via=Via.ADMIN, actor=actor, ticket="T-2", approval=approval
            )
            assert gone == []


def test_the_command_asks_and_changes_nothing(acme, lead, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("deactivate_organization", acme.pk, reason="fraud", actor=lead.email, ticket="T-3")

    approval = Approval.objects.get()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith("Nothing was changed. Acme is on Enterprise, or was until lately: a second lead was asked")
    assert page_of(approval) in said
    assert (approval.via, approval.asked_by_id) == (Via.COMMAND, lead.pk)
    assert is_untouched(acme)


@pytest.fixture(params=["ended", "shortened"])
def taken_off(request, acme, lead):
    """On Free, since its contract was ended, or its term moved so that it is over."""
    said = {"actor": lead, "via": Via.ADMIN, "note": "Unpaid", "ticket": "T-1"}
    if request.param == "ended":
        end_contract(acme.pk, **said)
    else:
        tomorrow = Contract(contract_number="C-1", ends_at=timezone.now() + timedelta(days=1))
        change_contract(acme.pk, tomorrow, prices={}, **said)
        acme.subscriptions.update(ends_at=timezone.now())
    return acme


def deactivate_alone(organization, lead):
    return deactivate_organizations(
        [organization.pk], reason=Reason.NON_PAYMENT, via=Via.ADMIN, actor=lead, ticket="T-1"
    )


def test_ending_the_contract_first_is_no_way_round_the_second_lead(taken_off, lead, second, capsys):
    """P71, P74: for 30 days by no door; with the second lead it goes."""
    with pytest.raises(LifecycleError, match="a second lead has to confirm"):
        deactivate_alone(taken_off, lead)
    with pytest.raises(SystemExit):
        call_command("deactivate_organization", taken_off.pk, reason="fraud", actor=lead.email, ticket="T-3")
    assert "a second lead was asked" in capsys.readouterr().err
    [entry] = make_list(read_ids(str(taken_off.pk)), actor=lead).entries.all()
    assert (entry.result, entry.why) == ("left", "It was on Enterprise until lately, which takes a second lead")
    assert "A second lead was asked to confirm it." in words(signed_in(lead).get(case_of(taken_off)))
    assert is_untouched(taken_off)

    confirm(Approval.objects.get(), second)

    taken_off.refresh_from_db()
    assert taken_off.state == State.INACTIVE


def test_an_agent_is_offered_it_only_where_no_second_lead_is_needed(taken_off, globex, agent):
    """P70"""
    client = signed_in(agent)

    for organization, is_offered in ((taken_off, False), (globex, True)):
        page = reverse("admin:accounts_organization_deactivate", args=[organization.pk])
        assert (page in words(client.get(case_of(organization)))) == is_offered
        assert client.get(page).status_code == (200 if is_offered else 403)


def test_a_month_after_the_contract_ended_one_lead_is_enough(taken_off, lead, settings):
    """P71"""
    settings.ENTERPRISE_REMEMBERED_DAYS = 0

    assert deactivate_alone(taken_off, lead)


def test_a_contract_that_ran_out_as_agreed_takes_no_second_lead(acme, lead):
    """P71"""
    acme.subscriptions.update(ends_at=timezone.now())

    assert deactivate_alone(acme, lead)


@pytest.mark.django_db(transaction=True)
def test_of_two_leads_who_confirm_at_once_one_does_and_the_other_is_told(acme, lead, second):
    """P49"""
    approval, third = ask(acme, lead), factories.staff(Tier.LEAD)

    came_to = at_once(lambda: confirm(approval, second), lambda: confirm(approval, third))

    assert sorted(type(each).__name__ for each in came_to) == ["LifecycleError", "NoneType"]
    assert LifecycleEvent.objects.filter(act=Act.DEACTIVATED).count() == 1
