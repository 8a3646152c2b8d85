import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache

from accounts.models import LifecycleEvent, Organization
from accounts.words import Act, Via
from geos.models import Geo
from tests import factories


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_test_that_commits_finds_nothing_of_the_one_before(turn):
    """P10, P47, P70: events are gone although append-only, while geos and staff groups stand as migrated."""
    assert not Organization.objects.exists()
    assert not LifecycleEvent.objects.exists()
    assert cache.get("seen") is None
    assert Geo.objects.count() == 6
    assert Group.objects.count() == 4

    organization = factories.organization()
    LifecycleEvent.objects.create(organization_id=organization.id, act=Act.REACTIVATED, via=Via.COMMAND)
    cache.set("seen", turn)
