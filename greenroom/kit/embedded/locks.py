"""Locks that die with their holder: flock(2), on Linux and macOS alike."""

import fcntl
import os
import weakref
from pathlib import Path


class FileLock:
    """A flock on a file, which is made with mode 0600. Gone when the last process that has its descriptor ends."""

    def __init__(self, path: Path) -> None:
        """Open the file, take nothing yet. OSError when it cannot be opened."""
        # Close-on-exec is Python's default: a child program never keeps its parent's lock alive.
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        _open_locks.add(self)

    def try_exclusive(self) -> bool:
        """Take it alone, or say at once that it is taken."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take it beside other shared holders, or say at once that somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go, keep the file open for another try."""
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go for good."""
        if self._fd is not None:
            os.close(self.detach())

    def detach(self) -> int:
        """The descriptor, with the lock on it, now the caller's to pass on and to close."""
        if self._fd is None:
            raise ValueError("closed lock")
        fd, self._fd = self._fd, None
        return fd

    def _try(self, kind: int) -> bool:
        if self._fd is None:
            return False
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_held(path: Path) -> bool:
    """Whether somebody holds this lock alone. Looking takes it for a moment: who wants it alone tries more than once."""
    probe = FileLock(path)
    try:
        return not probe.try_shared()
    finally:
        probe.close()


_open_locks: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _leave_to_the_parent() -> None:
    """A forked worker shares its parent's descriptors, and would hold the lock after the parent's death."""
    for lock in list(_open_locks):
        lock.close()


os.register_at_fork(after_in_child=_leave_to_the_parent)
