from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tasks import report_embedded_geos
from billing.models import GeoUsage


@pytest.mark.django_db
def test_every_embedded_geo_is_complete_up_to_now():
    """P63"""
    report_embedded_geos()
    report_embedded_geos()

    told = dict(GeoUsage.objects.values_list("geo", "complete_through"))
    assert set(told) == {"us", "eu", "au", "me", "in", "sg"}
    assert all(timezone.now() - through < timedelta(minutes=1) for through in told.values())
