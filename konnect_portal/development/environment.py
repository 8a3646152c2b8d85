"""Make `.venv` from `requirements-dev.lock`. Runs before anything is installed, so with the standard library alone.

An environment counts as made when a copy of the lock lies in it, which is the last thing to be written. Any other,
killed half-way or of an older lock, is made anew.
"""

import fcntl
import shutil
import subprocess
import sys
import time
import venv
from collections import deque
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOCK = CHECKOUT / "requirements-dev.lock"
ENVIRONMENT = CHECKOUT / ".venv"
INSTALLED = ENVIRONMENT / "installed.lock"
SECONDS_BETWEEN_LINES = 3


def main() -> int:
    (CHECKOUT / ".local").mkdir(exist_ok=True)
    with (CHECKOUT / ".local" / "setup.lock").open("w") as other_setup:
        fcntl.flock(other_setup, fcntl.LOCK_EX)
        return 0 if _fits() else _make()


def _fits() -> bool:
    """Another setup may have made it while we waited."""
    return INSTALLED.exists() and INSTALLED.read_bytes() == LOCK.read_bytes() and _runs()


def _runs() -> bool:
    return subprocess.run([ENVIRONMENT / "bin" / "python", "-c", ""], check=False).returncode == 0


def _make() -> int:
    start = time.monotonic()
    print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
    if ENVIRONMENT.exists():
        shutil.rmtree(ENVIRONMENT)
    venv.create(ENVIRONMENT, with_pip=True)
    status = _install(start)
    if status == 0:
        shutil.copy(LOCK, ENVIRONMENT / "installed.new")
        (ENVIRONMENT / "installed.new").rename(INSTALLED)
        print(f"[{time.monotonic() - start:5.1f} s] Installed", flush=True)
    return status


def _install(start: float) -> int:
    """Install what the lock names, every file checked against its hash; show progress and why it failed."""
    pip_install = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install"]
    checked = ["--require-hashes", "--no-deps", "--no-compile"]
    quiet = ["--disable-pip-version-check", "--progress-bar", "off", "--requirement", str(LOCK)]
    last_words: deque[str] = deque(maxlen=30)
    shown = 0.0
    with subprocess.Popen(
        [*pip_install, *checked, *quiet], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            last_words.append(line)
            if time.monotonic() - shown > SECONDS_BETWEEN_LINES:
                shown = time.monotonic()
                print(f"[{shown - start:5.1f} s] {line.split(' (from')[0].strip()[:90]}", flush=True)
    if pip.returncode != 0:
        print("".join(last_words), "The packages could not be installed; pip says why above.", sep="\n", flush=True)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main())
