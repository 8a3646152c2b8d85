"""Calls of the identity API that meet a deactivation, on PostgreSQL: refused with the reason, nothing born late."""

import pytest

from accounts.lifecycle import deactivate_organizations
from accounts.models import Team
from accounts.words import Reason, Via
from tests.accounts.identity_api.world import caller
from tests.races import collide

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_call_let_in_before_a_deactivation_is_refused_with_the_reason_after_it(acme, alice, lead, settings):
    """P40"""
    call = caller(acme, user=alice)
    deactivation = {"reason": Reason.NON_PAYMENT, "actor": lead, "via": Via.ADMIN, "ticket": "T-1"}

    response = collide(
        lambda: deactivate_organizations([acme.pk], **deactivation),
        lambda: call("POST", "/v3/teams", {"name": "Ops"}),
    )

    assert (response.status_code, response.json()["title"]) == (403, "Permission denied")
    assert "because its invoices were not paid" in response.json()["detail"]
    assert settings.SUPPORT_URL in response.json()["detail"]
    assert not Team.objects.filter(name="Ops").exists()
