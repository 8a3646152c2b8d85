"""The pages of an organization's licenses: which, until when, who received them, whom to ask; never the key (P21)."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from konnect_portal.foundation.paging import PAGE_SIZE
from licensing.models import License
from licensing.services import record_deliveries, renew_licenses
from tests import factories
from tests.customers import entered, words
from tests.desk import signed_in

pytestmark = pytest.mark.django_db

PAGE = "/licenses/"
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def mesh(acme):
    return acme.licenses.get(product="mesh")


def receive(license, count, *, at=None):
    record_deliveries(license.pk, [UUID(int=n + 1) for n in range(count)], at or timezone.now())


def renew(organization, *, at=None):
    at = at or timezone.now()
    organization.licenses.live().update(expires_at=at + 182 * DAY, issued_at=at - 183 * DAY)
    renew_licenses(at=at)


def cost(client, url) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_it_shows_each_license_until_when_and_when_it_is_renewed(as_alice, acme):
    """P21, P22"""
    shown = as_alice.get(PAGE)

    for product in ("Kong Gateway Enterprise", "Kong Ingress Controller", "Kong Mesh"):
        assert f">{product}</a>" in shown.text
    issued_at = acme.licenses.first().issued_at
    assert shown.text.count(f'datetime="{(issued_at + 365 * DAY).isoformat()}"') == 3
    assert shown.text.count(f'datetime="{(issued_at + 183 * DAY).isoformat()}"') == 3


def test_it_shows_how_many_received_each_and_who(as_alice, mesh):
    """P21"""
    node, at = uuid4(), timezone.now() - 2 * DAY
    record_deliveries(mesh.pk, [node], at)

    assert f'datetime="{at.isoformat()}"' in as_alice.get(PAGE).text
    shown = as_alice.get(f"{PAGE}{mesh.pk}/").text
    assert f"<code>{node}</code>" in shown
    assert f'datetime="{at.isoformat()}"' in shown


def test_before_anybody_received_one_it_says_so(as_alice, mesh):
    """P21"""
    assert "Nobody yet" in as_alice.get(f"{PAGE}{mesh.pk}/").text


def test_the_key_and_the_document_are_on_no_page(as_alice, acme, mesh, administrator):
    """P21: neither its owner nor staff see them, nor what they were signed with."""
    renew(acme)
    receive(mesh, 3)
    staff = signed_in(administrator)
    pages = [as_alice.get(url) for url in (PAGE, f"{PAGE}{mesh.pk}/", f"{PAGE}{acme.licenses.live().first().pk}/")]
    own = ("licensing/license/", f"licensing/license/{mesh.pk}/change/", f"accounts/organization/{acme.pk}/change/")
    pages += [staff.get(f"/admin/{url}") for url in own]

    assert [page.status_code for page in pages] == [200] * 6
    for license in License.objects.all():
        told = json.loads(license.document)["license"]
        for page in pages:
            whole = page.serialize().decode()
            assert told["payload"]["license_key"] not in whole
            assert told["signature"] not in whole
            assert "&quot;payload&quot;" not in whole


def test_a_renewed_one_moves_to_the_earlier_ones(as_alice, acme):
    """P22, P43"""
    at = timezone.now() - SECOND
    renew(acme, at=at)

    shown = words(as_alice.get(PAGE))

    assert "Whoever received one can use it until it expires." in shown
    assert shown.count("Renewed <time") == 3


def test_lapsed_ones_are_told_from_renewed_ones(as_alice, mesh):
    """P46"""
    mesh.lapsed_at = timezone.now()
    mesh.save()

    assert "Lapsed <time" in words(as_alice.get(PAGE))
    shown = words(as_alice.get(f"{PAGE}{mesh.pk}/"))
    assert "Lapsed <time" in shown
    assert "Renewal due" not in shown


def test_without_any_license_it_says_whom_to_ask(as_alice, acme):
    """P21"""
    acme.licenses.all().delete()

    shown = as_alice.get(PAGE).text

    assert "No license in force" in shown
    assert "your sales representative" in shown


class TestWhomToAsk:
    def test_it_is_a_setting(self, as_alice, settings):
        """P21"""
        settings.SALES_CONTACT = "https://portal.example/sales"
        assert '<a href="https://portal.example/sales">your sales representative</a>' in as_alice.get(PAGE).text

        settings.SALES_CONTACT = "sales@portal.example"
        assert '<a href="mailto:sales@portal.example">sales@portal.example</a>' in as_alice.get(PAGE).text

    def test_an_enterprise_contract_may_name_its_own(self, as_alice, acme):
        """P21"""
        contract = factories.subscription(acme, "enterprise", sales_contact="rita@kong.example")
        assert "mailto:rita@kong.example" in as_alice.get(PAGE).text

        contract.ended_at = timezone.now()
        contract.save()
        assert "rita@kong.example" not in as_alice.get(PAGE).text


class TestWhoSees:
    def test_owner_admins_and_readers_do_and_other_members_do_not(self, acme, alice, bob):
        """P21"""
        admin = factories.member(acme, None, "Organization Admin")
        reader = factories.member(acme, None, "Organization Admin (Read Only)")

        for person, status in ((alice, 200), (admin, 200), (reader, 200), (bob, 403)):
            client = entered(person, acme)
            assert client.get(PAGE).status_code == status
            assert (f'href="{PAGE}"' in client.get("/").text) == (status == 200)

    def test_another_organizations_license_is_not_there(self, as_alice, globex):
        """P40"""
        assert as_alice.get(f"{PAGE}{globex.licenses.first().pk}/").status_code == 404
        assert as_alice.get(f"{PAGE}{uuid4()}/").status_code == 404


class TestLongLists:
    def test_receivers_come_a_page_at_a_time_latest_first(self, as_alice, mesh):
        """P21"""
        receive(mesh, PAGE_SIZE)
        latest = uuid4()
        record_deliveries(mesh.pk, [latest], timezone.now() + SECOND)
        first = as_alice.get(f"{PAGE}{mesh.pk}/")

        second = as_alice.get(f"{PAGE}{mesh.pk}/?after={first.context['page'].after}")

        assert first.context["page"].rows[0].receiver_id == latest
        assert len(first.context["page"].rows) == PAGE_SIZE
        assert len(second.context["page"].rows) == 1
        assert f"{PAGE_SIZE + 1} so far." in second.text

    def test_earlier_licenses_come_a_page_at_a_time(self, as_alice, acme):
        """P22"""
        for days in range(9, 0, -1):
            renew(acme, at=timezone.now() - days * DAY)

        first = as_alice.get(PAGE)

        assert len(first.context["page"].rows) == PAGE_SIZE
        assert len(as_alice.get(f"{PAGE}?after={first.context['page'].after}").context["page"].rows) == 2

    def test_many_cost_the_same_as_few(self, as_alice, acme, mesh):
        few = cost(as_alice, PAGE), cost(as_alice, f"{PAGE}{mesh.pk}/")
        receive(mesh, 20)
        renew(acme)

        assert (cost(as_alice, PAGE), cost(as_alice, f"{PAGE}{mesh.pk}/")) == few

    @pytest.mark.parametrize("after", ["%00", "x" * 10_000, "00000000-0000-4000-8000-000000000000"])
    def test_a_page_that_is_none_is_the_first_one(self, as_alice, mesh, after):
        assert as_alice.get(f"{PAGE}?after={after}").status_code == 200
        assert as_alice.get(f"{PAGE}{mesh.pk}/?after={after}").status_code == 200


def test_staff_see_whose_product_term_receivers_and_key_in_the_admin(acme, mesh, viewer):
    """P21; the list leads to the organization's case."""
    receive(mesh, 7)

    shown = signed_in(viewer).get("/admin/licensing/license/").text

    assert "Kong Mesh" in shown
    assert ">7<" in shown
    assert mesh.key_id in shown
    assert reverse("admin:accounts_organization_change", args=[acme.pk]) in shown
