"""Where things lie under the data directory, and whose they are."""

import json
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from greenroom.kit.embedded.errors import EmbeddedError

# sun_path is 108 bytes on Linux and 104 on macOS, with its final NUL.
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 103
_TEMPORARY = "greenroom-postgres-"

SUPERUSER, OWNER, SERVICE = "postgres", "greenroom_owner", "greenroom"


class Account(NamedTuple):
    """The operating system's user that PostgreSQL runs as."""

    name: str
    uid: int
    gid: int


class Layout:
    """The paths under one data directory. `server` belongs to the account that PostgreSQL runs as, the rest to us."""

    def __init__(self, data_dir: Path) -> None:
        """Resolve the path: two names of one directory must meet in the same locks."""
        self.data_dir = data_dir.expanduser().resolve()
        self.home = self.data_dir / "postgres"
        self.users_lock = self.home / "users.lock"
        self.supervisor_lock = self.home / "supervisor.lock"
        self.ready_lock = self.home / "ready.lock"
        self.cluster_lock = self.home / "cluster.lock"
        self.credentials = self.home / "credentials.json"
        self.state = self.home / "state.json"
        self.log = self.home / "server.log"
        self.server = self.home / "server"
        self.data = self.server / "data"

    @cached_property
    def account(self) -> Account | None:
        """`nobody` when we are root, whom PostgreSQL refuses; else None: it runs as we do. EmbeddedError without one."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            raise EmbeddedError(
                "PostgreSQL does not run as root and there is no user nobody here: "
                "run greenroom as an ordinary user, or set GREENROOM_DATABASE_URL"
            ) from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def owner(self) -> int:
        """The user id that PostgreSQL's own files belong to."""
        return self.account.uid if self.account else os.geteuid()

    def make(self) -> None:
        """Make the directories that are missing. EmbeddedError when we may not, or when PostgreSQL cannot reach them."""
        if self.account:
            _refuse_unreachable(self.account, self.data_dir.parent)
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            for directory in (self.home, self.server):
                directory.mkdir(mode=0o700, exist_ok=True)
            if self.account:
                self._open_the_way(self.account)
            found = self.server.stat().st_uid
        except OSError as error:
            raise EmbeddedError(
                f"{error.filename}: {error.strerror}: set GREENROOM_DATA_DIR to a directory that this user may write"
            ) from None
        if found != self.owner:
            raise EmbeddedError(
                f"{self.server} belongs to user id {found}: "
                "run greenroom as the user who made it, or set another GREENROOM_DATA_DIR"
            )

    def _open_the_way(self, account: Account) -> None:
        """Let `nobody` pass through our directories, without looking around, to the one that is its own."""
        for directory in (self.data_dir, self.home):
            if not (mode := directory.stat().st_mode) & stat.S_IXOTH:
                directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
        if self.server.stat().st_uid == 0:
            os.chown(self.server, account.uid, account.gid)
        # Once more: parents just made carry the caller's umask.
        _refuse_unreachable(account, self.data_dir.parent)

    def passwords(self) -> dict[str, str]:
        """The password of each role. EmbeddedError when the file is not there or not whole."""
        try:
            content = json.loads(self.credentials.read_bytes())
            return {role: str(content[role]) for role in (SUPERUSER, OWNER, SERVICE)}
        except (OSError, ValueError, KeyError, TypeError):
            raise EmbeddedError(
                f"{self.credentials} is missing or damaged: restore it, or set another GREENROOM_DATA_DIR"
            ) from None

    def make_passwords(self) -> dict[str, str]:
        """The passwords of a first start that was cut short, or new ones."""
        if not self.credentials.exists():
            write_durably(self.credentials, {role: secrets.token_urlsafe(32) for role in (SUPERUSER, OWNER, SERVICE)})
        return self.passwords()

    def socket_dir(self) -> Path:
        """The directory of PostgreSQL's socket, mode 0700; the same after a crash, because leases have it in their URLs."""
        directory = self.server / "run"
        # A comma separates directories, for PostgreSQL and asyncpg alike.
        if len(os.fsencode(directory / _SOCKET_NAME)) > _SOCKET_PATH_BYTES or set(str(directory)) & set(',"'):
            directory = self._temporary(self.recorded_socket_dir()) or Path(tempfile.mkdtemp(prefix=_TEMPORARY))
        write_durably(self.state, {"socket_dir": str(directory)})
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if self.account and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
            os.chown(directory, self.account.uid, self.account.gid, follow_symlinks=False)
        elif found.st_uid != self.owner or not stat.S_ISDIR(found.st_mode):
            raise EmbeddedError(f"{directory} belongs to somebody else: remove {self.state} and start again")
        return directory

    def forget_socket_dir(self) -> None:
        """After the last stop nobody has its URL any more: remove it where it is not ours by its place."""
        if directory := self._temporary(self.recorded_socket_dir()):
            shutil.rmtree(directory, ignore_errors=True)
        self.state.unlink(missing_ok=True)

    def _temporary(self, directory: Path | None) -> Path | None:
        return directory if directory and directory.name.startswith(_TEMPORARY) else None

    def recorded_socket_dir(self) -> Path | None:
        """Where the running or the last server had its socket."""
        try:
            return Path(str(json.loads(self.state.read_bytes())["socket_dir"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def url(self, role: str) -> str:
        """What asyncpg connects with, over the unix socket."""
        directory = self.recorded_socket_dir() or self.server / "run"
        return f"postgresql://{role}:{quote(self.passwords()[role])}@/greenroom?host={quote(str(directory), safe='')}"


def write_durably(path: Path, content: dict[str, str]) -> None:
    """Replace a JSON file, mode 0600; a crash leaves the old one or the new one, whole."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Put a rename on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _refuse_unreachable(account: Account, path: Path) -> None:
    for directory in (path, *path.parents):
        if directory.exists() and not _may_pass(account, directory.stat()):
            raise EmbeddedError(
                f"PostgreSQL, which runs as {account.name} when greenroom is root, may not pass through {directory}: "
                "set GREENROOM_DATA_DIR to a directory such as /var/lib/greenroom"
            )


def _may_pass(account: Account, found: os.stat_result) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
