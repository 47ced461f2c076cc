"""Both releases side by side, and their commands."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tests.postgres import TestDatabase
from tests.server import Server, environment_of

COMMAND_SECONDS = 60.0

# The previous release looks for events only where they wait to be told, and today's relay tells them within a moment.
MISSED_BY_THE_PREVIOUS = {"a change has its event"}


class Both(Struct, frozen=True, kw_only=True):
    """A process of the previous release and one of this, on one database."""

    old: Server
    new: Server
    tree: Path
    database: TestDatabase

    def of(self, release: str) -> Server:
        """The process of this release."""
        return {"old": self.old, "new": self.new}[release]


def run(tree: Path | None, arguments: Sequence[str], database: TestDatabase) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, with the code of the tree, or today's."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment_of(database),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def greenroom(tree: Path | None, command: str, database: TestDatabase) -> subprocess.CompletedProcess[str]:
    """A command of the release in the tree, or of today's."""
    return run(tree, ["-m", "greenroom.cli", command], database)


def broken_promises(tree: Path | None, database: TestDatabase) -> set[str]:
    """What `greenroom check` of that release finds."""
    done = greenroom(tree, "check", database)
    found = {line.removeprefix("BROKEN").strip() for line in done.stdout.splitlines() if line.startswith("BROKEN")}
    assert done.returncode == bool(found), done
    return found
