"""One PostgreSQL cluster: made whole or not at all, started, asked whether it is ready, stopped."""

import contextlib
import ctypes
import locale
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from string import Template

from greenroom.kit.embedded.binaries import binaries
from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.layout import OWNER, SERVICE, SUPERUSER, Layout, sync_directory
from greenroom.kit.embedded.locks import FileLock
from greenroom.kit.embedded.server_settings import SERVER_SETTINGS

_FAST_STOP_SECONDS = 20.0
_IMMEDIATE_STOP_SECONDS = 10.0

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

# Nothing of ours: a secret in Greenroom's environment must not be readable in that of another user's process.
_INHERITED = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
_ENVIRONMENT = _INHERITED | {"LC_ALL": "C", "TZ": "UTC"}


class Cluster:
    """The files of one PostgreSQL and the process that serves them. Used by the supervisor alone."""

    def __init__(self, layout: Layout) -> None:
        """Find the binaries. EmbeddedError when there are none for this platform, or for the files that are here."""
        self._layout = layout
        self._bin, major = binaries(layout)
        self._server: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(FileNotFoundError):
            found = (layout.data / "PG_VERSION").read_text().strip()
            if found != major:
                raise EmbeddedError(
                    f"{layout.data} was made by PostgreSQL {found} and this is {major}: move the data with pg_dump from "
                    "the old release or with pg_upgrade, or set another GREENROOM_DATA_DIR"
                )

    def start(self) -> None:
        """Start the server, without waiting for it; make its files first if there are none. EmbeddedError if that fails."""
        held = self._claim()
        try:
            if not self._layout.data.exists():
                self._make(held)
            settings = SERVER_SETTINGS | {"unix_socket_directories": str(self._layout.socket_dir())}
            arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            server = ("postgres", "-D", str(self._layout.data), *arguments)
            self._server = self._spawn(*server, held=held, stdin=subprocess.DEVNULL)
        finally:
            os.close(held)

    def is_running(self) -> bool:
        """Whether the process that we started is still there."""
        return self._server is not None and self._server.poll() is None

    def gave_up(self) -> bool:
        """Whether it ended with an error of its own, which it will have again; not because somebody ended or killed it."""
        return self._server is not None and (self._server.poll() or 0) > 0

    def is_ready(self) -> bool:
        """Whether it accepts connections. It says so itself, in the eighth line of its pid file, as to `pg_ctl --wait`."""
        lines = self._pid_file()
        is_ours = self._server is not None and lines[:1] == [str(self._server.pid)]
        return is_ours and "".join(lines[7:8]).strip() == "ready"

    def stop(self) -> None:
        """End all sessions, write a checkpoint, end; after 20 s without one, which the next start makes up for."""
        if self._server is None:
            return
        fast, immediate = (signal.SIGINT, _FAST_STOP_SECONDS), (signal.SIGQUIT, _IMMEDIATE_STOP_SECONDS)
        for sign, patience in (fast, immediate, (signal.SIGKILL, None)):
            self._server.send_signal(sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(patience)
                break
        self._layout.forget_socket_dir()

    def _claim(self) -> int:
        """The lock that no process of this cluster holds any more, for the next one to inherit.

        Ends a server whose supervisor was killed. With the lock in hand a leftover pid file is surely stale, even when its
        number is another program's by now: PostgreSQL would only see that the number is taken, and refuse to start.
        """
        lock = FileLock(self._layout.cluster_lock)
        began = time.monotonic()
        while not lock.try_exclusive():
            waited = time.monotonic() - began
            if waited > _FAST_STOP_SECONDS + _IMMEDIATE_STOP_SECONDS:
                lock.close()
                raise EmbeddedError(f"another PostgreSQL still uses {self._layout.data}: end it and start again")
            self._signal_orphan(signal.SIGINT if waited < _FAST_STOP_SECONDS else signal.SIGQUIT)
            time.sleep(0.05)
        sockets = (self._layout.recorded_socket_dir() or self._layout.server).glob(".s.PGSQL.*")
        for stale in (self._layout.data / "postmaster.pid", *sockets):
            stale.unlink(missing_ok=True)
        for leftover in self._layout.server.glob("new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        return lock.detach()

    def _signal_orphan(self, sign: signal.Signals) -> None:
        """Only to a process that serves these very files, by its command line: the number may be another program's."""
        pid = next(iter(self._pid_file()), "")
        with contextlib.suppress(ProcessLookupError):
            if pid.isdecimal() and f"postgres -D {self._layout.data} ".encode() in _command_line(pid):
                os.kill(int(pid), sign)

    def _pid_file(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self._layout.data / "postmaster.pid").read_text().splitlines()
        return []

    def _make(self, held: int) -> None:
        """All or nothing: build the files aside, roles and database included, and name them when they are on the disk."""
        passwords = self._layout.make_passwords()
        work = Path(tempfile.mkdtemp(prefix="new-", dir=self._layout.server))
        data, password_file = work / "data", work / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(passwords[SUPERUSER])
        if account := self._layout.account:
            for path in (password_file, work):
                os.chown(path, account.uid, account.gid)
        encoding = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = (f"--username={SUPERUSER}", "--auth=scram-sha-256", f"--pwfile={password_file}")
        place = ("-D", str(data))
        # Not synced step by step, but once, as a whole, before it gets its name.
        self._run("initdb", *place, *encoding, f"--locale={_libc_locale()}", *access, "--no-sync", held=held)
        roles = Template(Path(__file__).with_name("roles.sql").read_text())
        statements = roles.substitute(owner_password=passwords[OWNER], service_password=passwords[SERVICE])
        careful = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
        self._run("postgres", "--single", "-j", "-F", *place, *careful, "template1", held=held, text=statements)
        method = ["--sync-method=syncfs"] if sys.platform == "linux" else []
        self._run("initdb", *place, "--sync-only", *method, held=held)
        data.rename(self._layout.data)
        sync_directory(self._layout.server)
        shutil.rmtree(work)

    def _run(self, name: str, *arguments: str, held: int, text: str = "") -> None:
        """Run one to its end with this text as its input. EmbeddedError, with what it said, when it fails."""
        tool = self._spawn(name, *arguments, held=held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = tool.communicate(text.encode())[0].decode(errors="replace")
        if tool.returncode:
            raise EmbeddedError(f"PostgreSQL cannot be set up in {self._layout.data_dir}: {telling_line(output)}")

    def _spawn(
        self, name: str, *arguments: str, held: int, stdin: int, stdout: int | None = None, stderr: int | None = None
    ) -> "subprocess.Popen[bytes]":
        """A process that holds the cluster's lock, as the account that PostgreSQL may run as. It ends with us, on Linux."""
        account, parent = self._layout.account, os.getpid()
        program = self._bin / name
        try:
            return subprocess.Popen(
                [program, *arguments],
                stdin=stdin,
                stdout=sys.stderr if stdout is None else stdout,
                stderr=stderr,
                pass_fds=(held,),
                cwd="/",
                env=_ENVIRONMENT,
                user=account and account.uid,
                group=account and account.gid,
                extra_groups=[] if account else None,
                preexec_fn=lambda: _end_with(parent),  # noqa: PLW1509  this process has one thread
            )
        except OSError as error:
            raise EmbeddedError(f"{program} cannot be run: {error.strerror}") from None


def _end_with(parent: int) -> None:
    """Ask the kernel for a fast shutdown when the supervisor dies. After the change of user, which would clear it.

    Only Linux can. Elsewhere a server whose supervisor and users were all killed runs on until the next start ends it.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)


def _libc_locale() -> str:
    """UTF-8 in plain order, for the little that PostgreSQL still asks the C library; macOS and old Linux lack it."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _command_line(pid: str) -> bytes:
    """Of any process; empty when there is none of this number."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return b""
    # ps is in /bin on every system that has no /proc.
    return subprocess.run(["/bin/ps", "-ww", "-o", "command=", "-p", pid], capture_output=True, check=False).stdout


def telling_line(output: str) -> str:
    """The last line that names an error, else the last one at all."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    named = [line for line in lines if any(sign in line for sign in ("error:", "FATAL:", "PANIC:"))]
    return (named or lines)[-1]
