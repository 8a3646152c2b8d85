"""The pages of a control plane's credentials: each secret shown once, many at a time, revoked for good (P13)."""

import re
from uuid import uuid4

import pytest

from accounts.models import Session
from geos.models import ControlPlaneCredential
from geos.services import create_credential
from geos.services.credentials import LIVE_AT_MOST
from tests import factories
from tests.customers import entered, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_alice(alice, acme):
    return entered(alice, acme)


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme)


@pytest.fixture
def page(plane):
    return f"/control-planes/{plane.pk}/"


def form(**changes) -> dict:
    return {"id": str(uuid4()), "title": "berlin", **changes}


def secret_in(response) -> str:
    return re.search(r"kcp_\w+", response.text).group()


def test_a_secret_is_shown_once_with_how_a_node_checks_in(as_alice, plane, page):
    """P13"""
    shown = as_alice.post(f"{page}credentials/new/", form(), headers={"Host": "localhost:8000"})
    secret = secret_in(shown)

    assert f"curl http://us.api.localhost:8000/v2/control-planes/{plane.pk}/nodes/" in shown.text
    assert shown.text.count(secret) == 1
    assert "no-store" in shown["Cache-Control"]
    assert all(secret not in str(session.get_decoded()) for session in Session.objects.all())
    assert "berlin" in as_alice.get(page).text
    assert "kcp_" not in as_alice.get(page).text


def test_for_a_mesh_it_shows_how_a_zone_does(as_alice, acme):
    """P13"""
    mesh = factories.control_plane(acme, "mesh", "eu", "mesh_global")
    shown = as_alice.post(f"/control-planes/{mesh.pk}/credentials/new/", form())

    assert f"://eu.api.localhost/v2/control-planes/{mesh.pk}/zones/" in shown.text


def test_sent_twice_it_makes_one_and_shows_no_secret_again(as_alice, page):
    """P13"""
    sent = form()
    as_alice.post(f"{page}credentials/new/", sent)
    again = as_alice.post(f"{page}credentials/new/", sent)

    assert ControlPlaneCredential.objects.count() == 1
    assert "was sent before" in again.text
    assert "kcp_" not in again.text


@pytest.mark.parametrize(
    ("title", "said"),
    [("", "give the credential a title"), ("x" * 10_000, "at most 100 characters"), ("a\x00b", "Null characters")],
)
def test_a_title_that_is_none_is_told(as_alice, page, title, said):
    assert said in words(as_alice.post(f"{page}credentials/new/", form(title=title)))
    assert not ControlPlaneCredential.objects.exists()


def test_no_more_than_32_are_live(as_alice, acme, plane, page):
    """P13"""
    for _ in range(LIVE_AT_MOST):
        create_credential(acme.pk, plane.pk, title="one")

    assert "has 32 credentials already" in words(as_alice.post(f"{page}credentials/new/", form()))


def test_one_is_revoked_for_good_and_the_others_are_not(as_alice, acme, plane, page):
    """P13"""
    other, _ = create_credential(acme.pk, plane.pk, title="other")
    credential, _ = create_credential(acme.pk, plane.pk, title="old")
    revoke = f"{page}credentials/{credential.pk}/revoke/"

    assert "goes on running with what it has received" in words(as_alice.get(revoke))
    assert "old was revoked" in words(as_alice.post(revoke, follow=True))
    assert "had been revoked before" in words(as_alice.post(revoke, follow=True))
    assert list(ControlPlaneCredential.objects.live()) == [other]
    assert revoke not in as_alice.get(page).text


def test_readers_see_which_there_are_and_change_none(acme, plane, page):
    """P4"""
    reader = entered(factories.member(acme, None, "Organization Admin (Read Only)"), acme)
    credential, _ = create_credential(acme.pk, plane.pk, title="berlin")

    assert "berlin" in reader.get(page).text
    assert "Make a credential" not in reader.get(page).text
    assert reader.post(f"{page}credentials/{credential.pk}/revoke/").status_code == 403
    assert ControlPlaneCredential.objects.live().exists()
