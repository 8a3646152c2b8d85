"""P74 in the admin: a list is pasted or selected, read, confirmed by its number, watched and stopped."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.bulk import acting
from accounts.bulk.acting import carry_out
from accounts.models import Approval, BulkDeactivation, Organization
from accounts.words import State, Tier
from tests import factories
from tests.accounts.test_admin_acts import confirm, said
from tests.accounts.test_bulk import list_of, organizations, running
from tests.desk import signed_in

NEW = "/admin/accounts/bulkdeactivation/new/"
LISTS = "/admin/accounts/bulkdeactivation/"
ORGANIZATIONS = "/admin/accounts/organization/"
pytestmark = pytest.mark.django_db


def page_of(bulk, page="change"):
    return reverse(f"admin:accounts_bulkdeactivation_{page}", args=[bulk.pk])


def paste(client, text):
    return client.post(NEW, {"ids": text}, follow=True)


def select(client, *some):
    return client.post(
        ORGANIZATIONS,
        {"action": "deactivate_in_bulk", "_selected_action": [str(each.pk) for each in some], "index": 0},
        follow=True,
    )


def cost(client, url):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_a_pasted_list_is_read_before_anything_happens(acme, globex, lead):
    factories.subscription(globex)
    unknown = uuid4()
    factories.control_plane(acme, nodes=2)

    page = said(paste(signed_in(lead), f"{acme.pk}, {globex.pk}\n{unknown}\n{acme.pk}\nhello"))

    for words in (
        "Deactivate 1 organization because of spam <small>Acme</small>",
        "Stop configuration for 1 control plane at once, and take them down in 72 hours",
        "Take 2 people out of every team and role there",
        "1 line: it is on Plus",
        "1 line: named before",
        "1 line: no organization has this id",
        "1 line: there is no id in this line",
        f"<small>{unknown}</small>",
        "Type “1” to confirm",
    ):
        assert words in page
    assert not Organization.objects.inactive().exists()


def test_a_list_of_which_nobody_can_go_asks_nothing(acme, lead):
    """P74"""
    factories.subscription(acme)

    page = said(paste(signed_in(lead), str(acme.pk)))

    assert "Nobody on this list can go" in page
    assert "It is on Plus" in page
    assert "to confirm" not in page


@pytest.mark.parametrize(("text", "words"), [("", "required"), ("Acme", "There is no id"), ("\0", "Null")])
def test_a_list_without_an_id_is_not_kept(lead, text, words):
    assert words in said(paste(signed_in(lead), text))
    assert not BulkDeactivation.objects.exists()


def test_those_ticked_in_the_list_of_organizations_are_a_list_too(acme, globex, lead):
    page = said(select(signed_in(lead), acme))

    assert "Deactivate 1 organization because of spam <small>Acme</small>" in page
    assert [entry.organization for entry in BulkDeactivation.objects.get().entries.all()] == [acme]


def test_an_agent_is_offered_no_list_and_makes_none(acme, agent, lead):
    """P70"""
    client = signed_in(agent)
    assert "deactivate_in_bulk" not in said(client.get(ORGANIZATIONS))
    assert NEW not in said(client.get(LISTS))

    select(client, acme)

    assert not BulkDeactivation.objects.exists()
    bulk = list_of(acme, actor=lead)
    assert "Deactivate 1 organization" not in said(client.get(page_of(bulk)))
    assert client.post(page_of(bulk), {"name": "1"}).status_code == 403


def test_confirmed_by_its_number_it_is_worked_off_and_the_page_tells_each(acme, globex, lead):
    client = signed_in(lead)
    bulk = list_of(acme, globex, actor=lead)
    assert "This is not “2”" in said(confirm(client, page_of(bulk), name="3"))

    answer = confirm(client, page_of(bulk))

    assert answer["Location"] == page_of(bulk)
    page = said(client.get(page_of(bulk)))
    assert "Being deactivated" in page
    assert f'data-refresh="{page_of(bulk, "progress")}"' in page
    factories.subscription(acme)
    carry_out(bulk)
    page = said(client.get(page_of(bulk)))
    assert "2 of 2 lines settled" in page
    assert "It is on Plus" in page
    assert "data-refresh" not in said(client.get(page_of(bulk, "progress")))
    assert "Acme" not in said(client.get(page_of(bulk) + "?result=deactivated"))


def test_somebody_who_confirms_late_is_told(acme, lead):
    client = signed_in(lead)
    bulk = running(acme, actor=lead)

    assert "confirmed already" in said(client.post(page_of(bulk), {"name": "1"}, follow=True))


def test_it_is_stopped_by_a_button_that_is_there_while_it_runs(acme, lead, viewer):
    client = signed_in(lead)
    bulk = running(acme, actor=lead)
    stop = page_of(bulk, "stop")
    assert stop not in said(signed_in(viewer).get(page_of(bulk)))
    assert stop in said(client.get(page_of(bulk)))

    page = said(client.post(stop, follow=True))

    assert "Stopped by Lena Lead" in page
    assert "Stopped before its turn" in page
    assert stop not in page
    assert "not being worked off any more" in said(client.post(stop, follow=True))
    acme.refresh_from_db()
    assert acme.state == State.ACTIVE


def test_above_fifty_the_second_lead_confirms_by_the_number(acme, globex, lead, monkeypatch):
    monkeypatch.setattr(acting, "ALONE_AT_MOST", 1)
    bulk = list_of(acme, globex, actor=lead)
    client = signed_in(lead)
    assert "Ask a second lead to deactivate 2 organizations" in said(client.get(page_of(bulk)))
    confirm(client, page_of(bulk))
    assert "Waits for a second lead" in said(client.get(page_of(bulk)))
    request = reverse("admin:accounts_approval_change", args=[Approval.objects.get().pk])

    second = signed_in(factories.staff(Tier.LEAD))
    page = second.get(request)
    answers = {"decision": "confirm", "digest": page.context["standing"].shown.digest}
    assert "Deactivate 2 organizations because of spam" in said(page)
    assert "This is not “2”" in said(second.post(request, {**answers, "name": "List of 2 organizations"}))
    second.post(request, {**answers, "name": "2"})

    assert BulkDeactivation.objects.running().get() == bulk


def test_before_confirming_the_page_tells_what_went_lately_and_that_a_second_lead_is_needed(
    acme, globex, lead, monkeypatch
):
    """P74"""
    monkeypatch.setattr(acting, "ALONE_AT_MOST", 1)
    client = signed_in(lead)
    bulk = list_of(acme, actor=lead)
    assert "In the last 24 hours" not in said(client.get(page_of(bulk)))
    running(globex, actor=lead)

    page = said(client.get(page_of(bulk)))

    assert "In the last 24 hours you have deactivated 1 organization from lists by yourself" in page
    assert "Ask a second lead to deactivate 1 organization" in page
    confirm(client, page_of(bulk))
    assert "Waits for a second lead" in said(client.get(page_of(bulk)))


def test_pages_ask_the_same_however_long_the_list_is(lead, acme):
    client = signed_in(lead)
    short, long = list_of(acme, actor=lead), list_of(*organizations(6), actor=lead)
    assert cost(client, page_of(short)) == cost(client, page_of(long))
    for bulk in (short, long):
        confirm(client, page_of(bulk))
    assert cost(client, page_of(short)) == cost(client, page_of(long))
    before = cost(client, LISTS)
    list_of(acme, actor=lead)
    assert cost(client, LISTS) == before


def test_a_long_list_is_shown_a_page_at_a_time(acme, lead):
    client = signed_in(lead)
    paste(client, "\n".join(["nothing"] * 120 + [str(acme.pk)]))
    page = client.get(page_of(BulkDeactivation.objects.get()))
    assert "Acme" not in said(page).split('id="lines"')[1]

    following = f"?after={page.context['progress'].following}"

    assert "Acme" in said(client.get(page.request["PATH_INFO"] + following)).split('id="lines"')[1]
