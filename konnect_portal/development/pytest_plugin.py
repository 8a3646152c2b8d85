"""Give a test run its own PostgreSQL and Valkey, before pytest-django reads the settings."""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from konnect_portal.development import services


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Once for the whole run: workers of pytest-xdist inherit the environment, which then leaves nothing unset."""
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    os.environ.update(stack.enter_context(services.for_tests(early_config.rootpath / ".local")))
    yield
