"""Issue 2, foundation: `make demo` the first time, the second time, and after a kill -9."""

import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request

import pytest

from konnect_portal.development import demo
from konnect_portal.development.children import Child, Watched


def test_the_next_free_port_is_taken():
    with demo.free_listener() as first, demo.free_listener() as second:
        assert first.getsockname()[1] >= 8000
        assert second.getsockname()[1] > first.getsockname()[1]


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "secret-key"

    assert demo.secret(path) == demo.secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_shell_finds_what_commands_need(tmp_path):
    path = tmp_path / "environment"
    demo.write_environment(path, {"SECRET_KEY": "it's $ecret"})

    said = subprocess.run(["sh", "-c", f". {path} && printenv SECRET_KEY"], capture_output=True, text=True, check=True)

    assert said.stdout == "it's $ecret\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_the_caller_has_set_wins(monkeypatch):
    monkeypatch.setenv("DEBUG", "true")

    assert demo.settings_of("http://127.0.0.1:8000")["DEBUG"] == "true"


def test_a_part_that_ends_is_started_again_and_said(tmp_path, capsys):
    child = Child("short", [sys.executable, "-c", ""], dict(os.environ), tmp_path)
    child.start()
    first = child.process
    first.wait()
    watched = Watched(child)

    deadline = time.monotonic() + 10
    while child.process is first and time.monotonic() < deadline:
        watched.look()
    child.stop()

    assert child.process is not first
    assert "short ended (0), starts again in 1 s" in capsys.readouterr().out


def test_the_pause_before_a_restart_grows(tmp_path):
    child = Child("broken", ["false"], dict(os.environ), tmp_path)
    watched = Watched(child)
    pauses = []
    for _ in range(8):
        child.start()
        child.process.wait()
        watched.look()
        watched.restart_at = None
        pauses.append(watched.pause)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_child_ends_with_its_supervisor_however_that_ends(tmp_path):
    supervisor = (
        "import os, sys; from pathlib import Path; from konnect_portal.development.children import Child\n"
        f"child = Child('idle', ['sleep', '60'], dict(os.environ), Path({str(tmp_path)!r}))\n"
        "child.start(); print(child.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, text=True, check=False)

    assert done.returncode == -signal.SIGKILL
    assert _ends(int(done.stdout))


def test_without_a_fitting_python_the_setup_says_what_to_do(checkout):
    (checkout / ".venv").unlink()
    nowhere = {"PATH": "/nowhere", "HOME": "/nowhere"}
    done = subprocess.run(
        ["/bin/sh", "konnect_portal/development/setup.sh"],
        cwd=checkout,
        env=nowhere,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "No Python 3.12 or later was found" in done.stderr


@pytest.mark.slow
def test_a_half_made_environment_is_made_anew_and_serves(checkout, process_group):
    (checkout / ".venv").unlink()
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").touch()

    first, _ = process_group("make", "setup", cwd=checkout).communicate(timeout=300)
    second, _ = process_group("make", "setup", cwd=checkout).communicate(timeout=10)

    assert "Installed" in first
    assert second == ""
    _served_where_everything_is_closed(checkout, process_group)


def _served_where_everything_is_closed(checkout, process_group):
    checkout.parent.chmod(0o700)
    served = [".venv/bin/python", "-m", "konnect_portal.development.served", "-c"]
    asked = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).info.dbname)"

    assert process_group(*served, asked, cwd=checkout).communicate(timeout=60)[0] == "konnect_portal\n"


@pytest.mark.slow
def test_the_demo_comes_up_again_after_every_kind_of_end(checkout, process_group):
    """The first start, after SIGTERM, after a kill -9 of the supervisor, and after one of make."""
    command = [sys.executable, "-m", "konnect_portal.development.demo"]
    for end in (signal.SIGTERM, signal.SIGKILL):
        running = process_group(*command, cwd=checkout)
        assert _visited(_address(running)) == 200
        running.send_signal(end)
        assert running.wait(60) == (0 if end == signal.SIGTERM else -signal.SIGKILL)

    made = process_group("make", "demo", cwd=checkout)
    assert _visited(_address(made)) == 200
    made.kill()
    made.wait()

    assert _visited(_address(process_group("make", "demo", cwd=checkout))) == 200


def _address(running: subprocess.Popen[str]) -> str:
    """What the demo prints, read as a person would."""
    assert running.stdout
    for line in running.stdout:
        if line.startswith("  Portal "):
            return line.split()[-1]
    raise AssertionError("The demo ended without printing an address.")


def _visited(address: str) -> int:
    with urllib.request.urlopen(f"{address}healthz", timeout=30) as page:
        return page.status


def _ends(process: int, patience: float = 10) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], stdout=subprocess.PIPE, text=True, check=False
        )
        if state.stdout.strip()[:1] in {"", "Z"}:
            return True
        time.sleep(0.1)
    return False
