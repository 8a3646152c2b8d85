"""What nodes identify themselves with: shown once, stored hashed, several, revocable (P13)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone

from geos.models import ControlPlane, ControlPlaneCredential
from geos.services import CredentialError, create_credential, request_decommission, revoke_credential
from geos.services.credentials import LIVE_AT_MOST, MADE_ALREADY
from konnect_portal.foundation.tokens import digest_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def plane(acme):
    return factories.control_plane(acme)


def test_a_credential_is_shown_once_and_stored_as_a_hash(acme, plane):
    """P13"""
    made, raw = create_credential(acme.pk, plane.pk, title=" Frankfurt ")

    stored = ControlPlaneCredential.objects.get()
    assert raw.startswith("kcp_")
    assert len(raw) == len("kcp_") + 50
    assert bytes(stored.digest) == digest_of(raw)
    assert (stored.pk, stored.title, stored.control_plane) == (made.pk, "Frankfurt", plane)
    assert raw not in str(vars(stored))


def test_a_control_plane_has_several_of_which_each_is_revoked_alone(acme, plane):
    """P13"""
    first, _ = create_credential(acme.pk, plane.pk, title="first")
    second, _ = create_credential(acme.pk, plane.pk, title="second")

    assert revoke_credential(acme.pk, plane.pk, first.pk)
    assert not revoke_credential(acme.pk, plane.pk, first.pk)

    assert list(plane.credentials.live()) == [second]


def test_it_has_32_at_most_of_which_revoked_ones_do_not_count(acme, plane):
    """P13"""
    for number in range(LIVE_AT_MOST):
        last, _ = create_credential(acme.pk, plane.pk, title=f"number {number}")

    with pytest.raises(CredentialError, match="default has 32 credentials already"):
        create_credential(acme.pk, plane.pk, title="one more")

    revoke_credential(acme.pk, plane.pk, last.pk)
    create_credential(acme.pk, plane.pk, title="one more")
    assert plane.credentials.live().count() == LIVE_AT_MOST


def test_a_form_sent_twice_makes_one(acme, plane):
    """P13"""
    id = uuid4()
    create_credential(acme.pk, plane.pk, title="once", id=id)

    with pytest.raises(CredentialError) as refusal:
        create_credential(acme.pk, plane.pk, title="once", id=id)

    assert str(refusal.value) == MADE_ALREADY
    assert plane.credentials.count() == 1


@pytest.mark.parametrize("title", ["", "  ", "a" * 101, "nul\x00"])
def test_a_title_that_cannot_be_kept_is_refused(acme, plane, title):
    with pytest.raises(CredentialError, match="A title has 1 to 100 characters") as refusal:
        create_credential(acme.pk, plane.pk, title=title)

    assert refusal.value.field == "title"
    assert not plane.credentials.exists()


def test_what_is_of_another_organization_is_as_if_it_were_not_there(acme, globex, plane):
    """P11"""
    credential, _ = create_credential(acme.pk, plane.pk, title="ours")

    for act in (
        lambda: create_credential(globex.pk, plane.pk, title="theirs"),
        lambda: create_credential(globex.pk, uuid4(), title="nobody's"),
        lambda: revoke_credential(globex.pk, plane.pk, credential.pk),
        lambda: revoke_credential(acme.pk, factories.control_plane(acme, "other").pk, credential.pk),
    ):
        with pytest.raises(ObjectDoesNotExist):
            act()
    assert list(plane.credentials.live()) == [credential]


def test_none_is_made_for_a_control_plane_that_is_being_taken_down(acme, plane):
    """P42"""
    request_decommission([acme.pk], at=timezone.now(), begins_at=timezone.now() + timedelta(days=1))

    with pytest.raises(CredentialError, match="default is being taken down"):
        create_credential(acme.pk, plane.pk, title="late")

    assert not plane.credentials.exists()
    assert ControlPlane.objects.get().state == "decommissioning"
