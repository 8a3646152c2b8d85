"""The page of geos: which are open, and how further ones are opened (P10)."""

import pytest

from geos.models import OrganizationGeo
from tests import factories
from tests.customers import entered, words

pytestmark = pytest.mark.django_db

PAGE = "/control-planes/geos/"


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def as_bob(bob, acme):
    return entered(bob, acme)


def open_to(acme) -> set[str]:
    return set(acme.organization_geos.values_list("geo", flat=True))


def test_it_shows_the_home_what_is_there_and_what_can_be_opened(as_alice, acme):
    """P10"""
    factories.control_plane(acme)
    shown = words(as_alice.get(PAGE))

    assert '<b>United States</b> <span class="pill pill-good">Home</span>' in shown
    assert "1 control plane that you may see" in shown
    for name in ("Open Europe", "Open Australia", "Open Middle East", "Open India", "Opt in to Singapore"):
        assert name in shown


def test_a_geo_is_opened_once_after_saying_what_it_means(as_alice, acme):
    """P10"""
    assert "Nothing runs there until somebody makes a control plane" in words(as_alice.get(f"{PAGE}eu/open/"))
    assert open_to(acme) == {"us"}

    assert "Europe is open" in words(as_alice.post(f"{PAGE}eu/open/", follow=True))
    assert "Europe was open already" in words(as_alice.post(f"{PAGE}eu/open/", follow=True))
    assert open_to(acme) == {"us", "eu"}
    assert OrganizationGeo.objects.get(organization=acme, is_home=True).geo_id == "us"


def test_singapore_is_opted_in_to(as_alice, acme):
    """P10"""
    shown = words(as_alice.get(f"{PAGE}sg/open/"))
    assert "used only by organizations that opt in to it" in shown
    as_alice.post(f"{PAGE}sg/open/")

    assert open_to(acme) == {"us", "sg"}


def test_every_member_sees_them_and_who_may_not_open_them_reads_whom_to_ask(as_bob, acme):
    """P4, P10"""
    factories.control_plane(acme)
    shown = words(as_bob.get(PAGE))

    assert "Those in the team Organization Admin can open them" in shown
    assert "0 control planes that you may see" in shown
    assert "Opt in to" not in shown
    assert as_bob.post(f"{PAGE}eu/open/").status_code == 403
    assert open_to(acme) == {"us"}


@pytest.mark.parametrize("code", ["xx", "x" * 10_000])
def test_a_geo_that_is_none_is_not_there(as_alice, code):
    assert as_alice.post(f"{PAGE}{code}/open/").status_code == 404
