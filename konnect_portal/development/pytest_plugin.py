"""Give a test run its own PostgreSQL and Valkey, before pytest-django reads the settings."""

import os
from collections.abc import Generator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from konnect_portal.development import services


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Once for the whole run: workers of pytest-xdist inherit the environment, which then leaves nothing unset."""
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    os.environ.update(stack.enter_context(services.for_tests(early_config.rootpath / ".local")))
    os.environ["REDIS_URL"] = _own_number(os.environ["REDIS_URL"], os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
    yield


def _own_number(url: str, worker: str) -> str:
    """Count on from the database number in `url`, so that no worker of pytest-xdist takes another one's messages."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + int(worker.removeprefix("gw"))
    return parts._replace(path=f"/{number}").geturl()
