"""An organization's usage in the support admin: the chart and numbers that its own people see (P33, P70)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import desk, factories
from tests.customers import words

pytestmark = pytest.mark.django_db


def test_support_sees_what_an_organization_used(viewer, acme, globex):
    """P33, P70"""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    factories.usage(acme, hour, 4_321)
    factories.usage(globex, hour, 77, geo="eu")
    client = desk.signed_in(viewer)

    text = words(client.get(f"/admin/accounts/organization/{acme.pk}/usage/"))
    assert "<td>4,321</td>" in text
    assert "Europe" not in text
    assert "usage.csv" not in text
    assert (
        f"/admin/accounts/organization/{acme.pk}/usage/"
        in client.get(f"/admin/accounts/organization/{acme.pk}/change/").text
    )


def test_there_is_no_other_cycle_than_its_own(viewer, acme):
    before = (acme.created_at - timedelta(days=31)).date()

    for asked in (f"?cycle={before}", "?cycle=nonsense", "?metric=gold"):
        response = desk.signed_in(viewer).get(f"/admin/accounts/organization/{acme.pk}/usage/{asked}")
        assert response.status_code == 404
