"""Asking for things by a list of ids: one array, whatever the list is made of."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(acme, globex):
    """Members of the two organizations, and nobody of any other."""
    return set(Membership.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("number", [1, 3, 700])
def test_however_many_ids_are_one_parameter(acme, number):
    ids = [acme.pk, *(uuid4() for _ in range(number - 1))]
    for rows in (Organization.objects.filter(pk__in=ids), Membership.objects.filter(organization__in=ids)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert rows.exists()
        [statement] = asked
        assert statement["sql"].count("= ANY('{") == 1
        _, parameters = rows.query.sql_with_params()
        assert len(parameters) == 1


@pytest.mark.parametrize(
    "given",
    [
        lambda some: [each.pk for each in some],
        lambda some: {each.pk for each in some},
        lambda some: (each.pk for each in some),
        lambda some: [str(each.pk) for each in some],
        lambda some: [*(each.pk for each in some), None],
        lambda some: [each.pk for each in some] * 2,
        lambda some: Organization.objects.filter(name__in=[each.name for each in some]),
    ],
    ids=["list", "set", "generator", "text", "with None", "twice", "query"],
)
def test_what_the_list_is_made_of_changes_nothing(acme, globex, theirs, given):
    of_acme = set(Membership.objects.filter(organization=acme).values_list("pk", flat=True))
    assert of_acme < theirs

    assert set(Membership.objects.filter(organization__in=[acme]).values_list("pk", flat=True)) == of_acme
    assert set(Membership.objects.filter(organization__in=given([acme])).values_list("pk", flat=True)) == of_acme
    assert (
        set(Membership.objects.filter(organization__in=given([acme, globex])).values_list("pk", flat=True)) == theirs
    )
    assert list(Organization.objects.filter(pk__in=given([acme]))) == [acme]
    assert list(Organization.objects.exclude(pk__in=given([acme]))) == [globex]


@pytest.mark.parametrize("none", [[], set(), [None]])
def test_of_no_ids_there_is_nothing(acme, none):
    assert not Organization.objects.filter(pk__in=none).exists()
    assert not Membership.objects.filter(organization__in=none).exists()
    assert acme in Organization.objects.exclude(pk__in=none)
