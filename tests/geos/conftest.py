from collections.abc import Generator

import pytest
from django.db import transaction

from tests.geos.world import World


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Generator[World]:
    """Made once, since what each test changes is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)
