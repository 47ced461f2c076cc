"""The process behind the leases: keeps PostgreSQL running while there is one. `python -m greenroom.kit.embedded.supervisor DATA_DIR`.

It says on its standard output in one line why it could not start; that it closes it without a word means that somebody supervises already
or that PostgreSQL is ready. Its log is its standard error.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from greenroom.kit.embedded.cluster import Cluster, telling_line
from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.layout import Layout
from greenroom.kit.embedded.locks import FileLock

_LOOK_SECONDS = 0.25
_STARTING_LOOK_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 5.0
_STABLE_AFTER_SECONDS = 60.0


def main() -> None:
    """Supervise the data directory named on the command line until nobody uses it."""
    # The one who called waits for this process, not for what it becomes: no child of its own is left for it to bury.
    if os.fork():
        os._exit(0)
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A service manager signals the whole group, the users among it: PostgreSQL has to outlast them. Not SIG_IGN, which is inherited.
        signal.signal(sign, lambda _sign, _frame: None)
    os.umask(0o022)
    layout = Layout(Path(sys.argv[1]))
    try:
        if _alone(lock := FileLock(layout.supervisor_lock)):
            _supervise(layout)
        lock.close()
    except EmbeddedError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"the embedded PostgreSQL cannot be started in {layout.data_dir}: {error.strerror}: {error.filename}")
    except Exception:
        traceback.print_exc()
        _fail(f"the embedded PostgreSQL cannot be started: see {layout.log}")


def _alone(lock: FileLock) -> bool:
    """Whether this is the only supervisor. More than one try: others look whether the lock is held by holding it for a moment."""
    for _ in range(10):
        if lock.try_exclusive():
            return True
        time.sleep(0.02)
    return False


def _supervise(layout: Layout) -> None:
    users, ready = FileLock(layout.users_lock), FileLock(layout.ready_lock)
    cluster = Cluster(layout)
    cluster.start()
    started, pause, was_ready, is_ready = time.monotonic(), 0.0, False, False
    while not users.try_exclusive():
        if not cluster.is_running():
            ready.release()
            is_ready = False
            if not was_ready:
                raise EmbeddedError(f"PostgreSQL ended while it was starting: {telling_line(_end_of(layout.log))}")
            pause = 0.1 if time.monotonic() - started > _STABLE_AFTER_SECONDS else min(2 * pause + 0.1, _LONGEST_PAUSE_SECONDS)
            _log(f"PostgreSQL ended; it is started again in {pause:.1f} s")
            time.sleep(pause)
            cluster.start()
            started = time.monotonic()
        elif not is_ready and cluster.is_ready() and ready.try_exclusive():
            was_ready = is_ready = True
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        time.sleep(_LOOK_SECONDS if is_ready else _STARTING_LOOK_SECONDS)
    # The users' lock stays taken until this process ends: whoever comes meanwhile waits for that and then starts a new one.
    ready.release()
    cluster.stop()


def _fail(message: str) -> None:
    _log(message)
    # The caller may be gone.
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), message.encode())
    os._exit(1)


def _log(message: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), f"[{os.getpid()}] SUPERVISOR: ", message, file=sys.stderr, flush=True)


def _end_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        return file.read().decode(errors="replace")


if __name__ == "__main__":
    main()
