"""Issue 2, foundation: real PostgreSQL and Valkey from wheels, on any machine, the second time and after a crash."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import environ
import psycopg
import pytest
import redis

from konnect_portal.development import processes, services
from konnect_portal.development.postgresql import PostgreSQL
from tests.development.conftest import open_directory


@pytest.fixture
def careful_umask():
    """Whoever closes their home often closes every new file too."""
    usual = os.umask(0o077)
    yield
    os.umask(usual)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A server for whoever only asks."""
    with pytest.MonkeyPatch.context() as patch, open_directory() as directory:
        patch.delenv("DATABASE_URL", raising=False)
        patch.setenv("REDIS_URL", "redis://given")
        with services.servers(directory, durable=False) as [server]:
            yield server


def ask(url: str, question: str):
    with psycopg.connect(url, autocommit=True) as connection:
        answer = connection.execute(question)
        return answer.fetchone()[0] if answer.description else None


def test_both_servers_answer_and_are_gone_afterwards(directory):
    with services.running(directory, durable=False) as started:
        assert ask(started["DATABASE_URL"], "SELECT 42") == 42
        with redis.Redis.from_url(started["REDIS_URL"]) as valkey:
            assert valkey.ping()

    with pytest.raises(psycopg.OperationalError):
        ask(started["DATABASE_URL"], "SELECT 42")
    with redis.Redis.from_url(started["REDIS_URL"]) as valkey, pytest.raises(redis.ConnectionError):
        valkey.ping()


def test_nothing_is_started_where_both_are_given(directory, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://given")
    monkeypatch.setenv("REDIS_URL", "redis://given")

    with services.running(directory) as started:
        assert started == {}
    assert not directory.exists()


@pytest.mark.parametrize(("given", "missing"), [("DATABASE_URL", "REDIS_URL"), ("REDIS_URL", "DATABASE_URL")])
def test_only_what_is_missing_is_started(directory, monkeypatch, given, missing):
    monkeypatch.setenv(given, "somebody-else://")

    with services.running(directory, durable=False) as started:
        assert list(started) == [missing]


@pytest.mark.slow
def test_the_second_start_finds_the_data_of_the_first(directory):
    with services.running(directory) as started:
        ask(started["DATABASE_URL"], "CREATE TABLE kept (id integer)")

    with services.running(directory) as started:
        assert ask(started["DATABASE_URL"], "SELECT count(*) FROM kept") == 0
        assert ask(started["DATABASE_URL"], "SHOW fsync") == "on"


def test_a_test_run_begins_empty_and_does_not_wait_for_disks(directory):
    with services.running(directory, durable=False) as started:
        ask(started["DATABASE_URL"], "CREATE TABLE forgotten (id integer)")

    with services.running(directory, durable=False) as started:
        assert ask(started["DATABASE_URL"], "SELECT to_regclass('forgotten')") is None
        assert ask(started["DATABASE_URL"], "SHOW fsync") == "off"


@pytest.mark.slow
def test_after_the_supervisor_was_killed_its_servers_end_and_the_data_are_there(directory, supervisor):
    with supervisor(directory) as (process, started):
        ask(started["DATABASE_URL"], "CREATE TABLE kept (id integer)")
        process.kill()
        process.wait()

        with services.running(directory) as again:
            assert ask(again["DATABASE_URL"], "SELECT count(*) FROM kept") == 0
        with redis.Redis.from_url(started["REDIS_URL"]) as old, pytest.raises(redis.ConnectionError):
            old.ping()


@pytest.mark.slow
def test_a_pid_file_left_behind_does_not_keep_the_server_from_starting(directory):
    """Its number may belong to another process of the same account since."""
    with services.servers(directory) as [postgresql, _]:
        pid_file = postgresql.data / "postmaster.pid"
        left_behind = pid_file.read_text()
    other = processes.start(["sleep", "30"], log=postgresql.log, account=postgresql.account)
    pid_file.write_text(left_behind.replace(str(postgresql.process.pid), str(other.pid), 1))

    with services.running(directory) as started:
        assert ask(started["DATABASE_URL"], "SELECT 42") == 42
    processes.stop(other)


@pytest.mark.slow
def test_data_that_were_half_made_are_made_again(directory):
    (directory / "postgresql.new").mkdir(parents=True)
    (directory / "postgresql.new" / "PG_VERSION").write_text("18")

    with services.running(directory) as started:
        assert ask(started["DATABASE_URL"], "SELECT 42") == 42


@pytest.mark.slow
def test_a_postgresql_and_a_redis_of_somebody_else_are_left_alone(directory):
    with ExitStack() as others:
        for port in (5432, 6379):
            listener = others.enter_context(socket.socket())
            with suppress(OSError):  # somebody really is there
                listener.bind(("127.0.0.1", port))
                listener.listen()

        with services.running(directory, durable=False) as started:
            assert ask(started["DATABASE_URL"], "SHOW listen_addresses") == ""
            assert redis.connection.parse_url(started["REDIS_URL"])["port"] != 6379


@pytest.mark.slow
def test_one_directory_serves_one_process_at_a_time(directory, supervisor):
    with supervisor(directory) as (process, _), pytest.raises(services.Busy, match=str(process.pid)):
        services.running(directory, patience=0.2).__enter__()


@pytest.mark.slow
def test_two_checkouts_run_at_once(directory, supervisor):
    with supervisor(directory) as (_, theirs), services.running(directory.with_name("other")) as ours:
        assert theirs.keys() == ours.keys()
        assert ask(ours["DATABASE_URL"], "SHOW data_directory") != ask(theirs["DATABASE_URL"], "SHOW data_directory")


def test_postgresql_never_runs_as_root(postgresql):
    assert Path(f"/proc/{postgresql.process.pid}").stat().st_uid != 0


@pytest.mark.slow
def test_a_checkout_that_is_closed_to_others_serves_too(directory, careful_umask):
    directory.parent.chmod(0o700)

    for _ in range(2):
        with services.running(directory) as started:
            ask(started["DATABASE_URL"], "CREATE TABLE IF NOT EXISTS kept (id integer)")


@pytest.mark.slow
def test_a_new_checkout_of_an_old_name_begins_empty(directory):
    directory.parent.chmod(0o700)
    with services.running(directory) as started:
        ask(started["DATABASE_URL"], "CREATE TABLE gone (id integer)")
    directory.rename(directory.with_name("moved"))

    with services.running(directory) as started:
        assert ask(started["DATABASE_URL"], "SELECT to_regclass('gone')") is None


@pytest.mark.parametrize("name", ["x" * 120, pytest.param("one, two&three=%41", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_any_name_of_a_checkout_will_do(directory, name):
    with services.running(directory / name, durable=False) as started:
        assert ask(started["DATABASE_URL"], "SELECT current_database()") == "konnect_portal"


def test_the_settings_read_the_address_as_it_is(postgresql, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", postgresql.url)
    database = environ.Env().db_url()

    assert database["NAME"] == "konnect_portal"
    with psycopg.connect(dbname=database["NAME"], user=database["USER"], **database["OPTIONS"]) as connection:
        assert connection.info.dbname == "konnect_portal"


def test_the_search_knows_letters_of_every_language(postgresql):
    """P72"""
    for extension in ("pg_trgm", "btree_gist"):
        ask(postgresql.url, f"CREATE EXTENSION {extension}")

    assert ask(postgresql.url, "SELECT similarity('Ärzte Łódź', 'ärzte łódź')") == 1
    assert ask(postgresql.url, "SELECT similarity('Ärzte', 'Brzte')") < 0.6
    assert ask(postgresql.url, "SHOW timezone") == "UTC"
