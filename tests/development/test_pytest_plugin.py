"""Issue 2, foundation: the services of a test run."""

import os
import sys

import pytest

ONE_TEST = """
import os

import pytest


@pytest.mark.parametrize("turn", range(4))
def test_database(turn, worker_id):
    print(f"url={os.environ['DATABASE_URL']} worker={worker_id}")
"""


@pytest.fixture(autouse=True)
def nothing_given():
    """Here the point is what this run itself was given."""


def test_this_run_has_a_database_and_a_broker():
    assert os.environ["DATABASE_URL"]
    assert os.environ["REDIS_URL"]


@pytest.mark.slow
def test_workers_share_the_services_of_their_run_and_runs_do_not(checkout, process_group, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    (checkout / "tests" / "test_one.py").write_text(ONE_TEST)
    command = [sys.executable, "-m", "pytest", "tests/test_one.py", "-n", "2", "-rP", "--noconftest"]

    runs = [process_group(*command, cwd=checkout) for _ in range(2)]
    databases = [{word for word in run.communicate(timeout=120)[0].split() if word.startswith("url=")} for run in runs]

    assert [len(of_one_run) for of_one_run in databases] == [1, 1]
    assert databases[0] != databases[1]
