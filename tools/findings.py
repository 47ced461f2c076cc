"""What a lint finds, and how it says so."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Finding(NamedTuple):
    """One place that breaks a rule; `path` is relative to the project."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        """As editors read it: file:line: what."""
        return f"{self.path}:{self.line}: {self.what}"


def report(findings: Iterable[Finding]) -> int:
    """Print the findings in order and answer the exit status: 1 when there is one."""
    found = sorted(set(findings))
    for finding in found:
        print(finding)
    return 1 if found else 0


def place(path: Path, root: Path) -> str:
    """The path as findings and tables of exceptions write it."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
