"""Child processes that never outlive whoever started them."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


class NotStarted(Exception):
    """A server did not come up; the text says where it left its reasons."""


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    dies_with: signal.Signals = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
    environment: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
    text: str | None = None,
) -> subprocess.Popen[str]:
    """Start a command that receives `dies_with` when this process ends, in whatever way it ends.

    It runs as `account` where one is given, in a process group of its own (a Ctrl-C at the terminal is ours to pass
    on, in our order), adds what it says to `log`, and reads `text` from its input.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if text else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=keep_open,
            process_group=0,
            preexec_fn=_end_with_parent(dies_with),  # runs after the change of user, which would undo it
            text=True,
            **as_account(account),
        )
    if process.stdin:
        process.stdin.write(text or "")
        process.stdin.close()
    return process


def run(command: Sequence[str | Path], *, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and catch what it prints; its standard error stays ours."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        process_group=0,
        preexec_fn=_end_with_parent(signal.SIGTERM),
        text=True,
        check=False,
    )


def as_account(account: pwd.struct_passwd | None) -> dict:
    """Name, for `subprocess`, the account that a command runs as; nothing where it is our own."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def stop(process: subprocess.Popen[str], *, by: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
    """Ask a process to end, wait `patience` seconds, then end it."""
    if process.poll() is None:
        process.send_signal(by)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Have this process receive a signal when the one that started it ends."""
    _end_with_parent(by, parent=os.getppid())()


def _end_with_parent(by: signal.Signals, parent: int | None = None) -> Callable[[], None]:
    """Prepare the call before the fork: between fork and exec as little as possible may happen."""
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl
    expected = parent or os.getpid()

    def ask_for_signal() -> None:
        prctl(PR_SET_PDEATHSIG, int(by))
        if os.getppid() != expected:  # the parent ended before we could ask
            os.kill(os.getpid(), by)

    return ask_for_signal
