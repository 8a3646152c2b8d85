"""The cast: Alice owns Acme and is a member of Globex, Bob is a member of Acme, Charlie a stranger who owns Globex."""

import gc
from collections.abc import Generator

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase

from accounts.words import Tier
from tests import factories
from tests.flushing import empty_tables


@pytest.fixture(scope="session", autouse=True)
def show_out_whoever_is_left(django_db_setup, django_db_blocker) -> Generator[None]:
    """A process that a test killed may still have its session open when the test database is to be dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session", autouse=True)
def flush_as_replica() -> Generator[None]:
    """Tests that commit (`django_db(transaction=True)`, `live_server`) are cleaned up after by `empty_tables`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that drive a browser come last: from then on an event loop runs in the thread, where async views fail."""
    items.sort(key=lambda item: "page" in getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end, so that looking through it for garbage is time lost."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def hash_cheaply() -> Generator[None]:
    """The portal's own hasher, with as little work for each password as it can do."""
    with pytest.MonkeyPatch.context() as patch:
        for cost, least in {"time_cost": 1, "memory_cost": 8, "parallelism": 1}.items():
            patch.setattr(Argon2PasswordHasher, cost, least)
        yield


@pytest.fixture(scope="session", autouse=True)
def find_static_files_when_asked() -> Generator[None]:
    """Every new client loads the middleware, which would otherwise read all static files each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "WHITENOISE_AUTOREFRESH", True, raising=False)
        yield


@pytest.fixture
def without_notices(settings):
    """P64: P62 alone decides."""
    settings.INACTIVITY_NOTICES = False


@pytest.fixture
def alice(db):
    return factories.UserFactory(email="alice@acme.example", full_name="Alice Owner")


@pytest.fixture
def bob(db):
    return factories.UserFactory(email="bob@acme.example", full_name="Bob Member")


@pytest.fixture
def charlie(db):
    return factories.UserFactory(email="charlie@globex.example", full_name="Charlie Stranger")


@pytest.fixture
def acme(alice, bob):
    acme = factories.organization("Acme", owner=alice)
    factories.member(acme, bob, "Analytics Viewer")
    return acme


@pytest.fixture
def globex(charlie, alice):
    globex = factories.organization("Globex", owner=charlie, geo="eu")
    factories.member(globex, alice, "Organization Admin")
    return globex


@pytest.fixture
def viewer(db):
    return factories.staff(Tier.VIEWER, email="viewer@portal.example", full_name="Vera Viewer")


@pytest.fixture
def agent(db):
    return factories.staff(Tier.AGENT, email="agent@portal.example", full_name="Amir Agent")


@pytest.fixture
def lead(db):
    return factories.staff(Tier.LEAD, email="lead@portal.example", full_name="Lena Lead")


@pytest.fixture
def administrator(db):
    return factories.staff(Tier.ADMINISTRATOR, email="admin@portal.example", full_name="Ada Administrator")
