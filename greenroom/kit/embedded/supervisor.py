"""The process behind the leases: `python -m greenroom.kit.embedded.supervisor DATA_DIR` keeps PostgreSQL running for them.

It says in one line on its standard output why it could not start. That it closes it without a word means that PostgreSQL is
ready, or that somebody supervises already. Its log is its standard error.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from greenroom.kit.embedded.cluster import Cluster, telling_line
from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.layout import Layout
from greenroom.kit.embedded.locks import FileLock

_LOOK_SECONDS = 0.25
_STARTING_LOOK_SECONDS = 0.005
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_STABLE_AFTER_SECONDS = 60.0
_LOG_BYTES = 10_000_000


def main() -> None:
    """Supervise the data directory named on the command line until nobody uses it."""
    # The one who called waits for this process, not for what it becomes: no child of its own is left for it to bury.
    if os.fork():
        os._exit(0)
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A service manager signals the users too: PostgreSQL has to outlast them. Not SIG_IGN, which would be inherited.
        signal.signal(sign, lambda _sign, _frame: None)
    os.umask(0o022)
    layout = Layout(Path(sys.argv[1]))
    try:
        lock = FileLock(layout.supervisor_lock)
        if _alone(lock):
            _supervise(layout)
    except EmbeddedError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"PostgreSQL cannot be started in {layout.data_dir}: {error}")
    except Exception:  # noqa: BLE001  the last place that can tell the user where to look
        traceback.print_exc()
        _fail(f"PostgreSQL cannot be started in {layout.data_dir}: see {layout.log}")


def _alone(lock: FileLock) -> bool:
    """Whether this is the only supervisor. More than one try, because others look by holding the lock for a moment."""
    for _ in range(10):
        if lock.try_exclusive():
            return True
        time.sleep(0.02)
    return False


def _supervise(layout: Layout) -> None:
    """Start PostgreSQL, start it again when it ends, stop it with its last user. EmbeddedError if the first start fails."""
    users, ready = FileLock(layout.users_lock), FileLock(layout.ready_lock)
    cluster = Cluster(layout)
    _bound(layout.log)
    already_said = layout.log.stat().st_size
    cluster.start()
    started, pause, is_ready, was_ready = time.monotonic(), 0.0, False, False
    while not users.try_exclusive():
        if not cluster.is_running():
            ready.release()
            if cluster.gave_up() and not was_ready:
                said = layout.log.read_bytes()[already_said:].decode(errors="replace")
                raise EmbeddedError(f"PostgreSQL ended while it was starting: {telling_line(said)}")
            is_ready = False
            stable = time.monotonic() - started > _STABLE_AFTER_SECONDS
            pause = _FIRST_PAUSE_SECONDS if stable else min(2 * pause + _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            _log(f"PostgreSQL ended; it is started again in {pause:.1f} s")
            time.sleep(pause)
            _bound(layout.log)
            cluster.start()
            started = time.monotonic()
        elif not is_ready and cluster.is_ready() and ready.try_exclusive():
            is_ready = was_ready = True
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        time.sleep(_LOOK_SECONDS if is_ready else _STARTING_LOOK_SECONDS)
    # The users' lock stays taken until this process ends: who comes meanwhile waits for that, then starts a new one.
    ready.release()
    cluster.stop()


def _bound(log: Path) -> None:
    """Begin again when it has grown too long, in the same file: a server that is still ending writes to it."""
    if log.stat().st_size > _LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def _fail(message: str) -> NoReturn:
    """Tell the log, and who called, who may be gone by now."""
    _log(message)
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), message.encode())
    os._exit(1)


def _log(message: str) -> None:
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    print(when, f"[{os.getpid()}] SUPERVISOR: ", message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
