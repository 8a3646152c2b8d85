"""P53: where the owner's account is closed, whoever reactivates names another member by their address."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.words import State
from tests import factories
from tests.accounts.test_admin_acts import confirm, deactivate, page_of, said
from tests.desk import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alice_has_closed_her_account(acme, alice, lead):
    deactivate(acme, lead)
    alice.is_active = False
    alice.save()


def test_the_member_who_has_the_address_owns_it(acme, bob, lead):
    client = signed_in(lead)
    assert "required" in said(confirm(client, page_of("reactivate", acme)))

    confirm(client, page_of("reactivate", acme), owner=" Bob@ACME.example")

    acme.refresh_from_db()
    assert (acme.state, acme.owner) == (State.ACTIVE, bob)


@pytest.mark.parametrize("owner", ["charlie@globex.example", "alice@acme.example", "gone@acme.example"])
def test_where_no_open_account_of_a_member_has_it_the_page_says_which(acme, globex, lead, owner):
    factories.member(acme, factories.UserFactory(email="gone@acme.example", is_active=False))

    refused = said(confirm(signed_in(lead), page_of("reactivate", acme), owner=owner))

    assert f"No other member with an open account has the address {owner}." in refused
    acme.refresh_from_db()
    assert acme.state == State.INACTIVE


def test_members_are_offered_while_they_are_few_and_cost_the_same_however_many(acme, lead, monkeypatch):
    monkeypatch.setattr("accounts.admin.forms.OFFERED_AT_MOST", 2)
    client = signed_in(lead)

    def offered():
        with CaptureQueriesContext(connection) as queries:
            page = said(client.get(page_of("reactivate", acme)))
        return page.split("Address of the new owner")[1].split("desk-hint")[0].count("<option"), len(queries)

    factories.member(acme)
    offered_of_two, cost = offered()
    factories.member(acme)

    assert (offered_of_two, offered()) == (2, (0, cost))
