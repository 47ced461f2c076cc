"""A data directory of its own for each test; nothing that a test started outlives it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.embedded.site import Site


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory that `nobody` may pass through: pytest's own are closed to it when we are root."""
    path = Path(tempfile.mkdtemp(prefix="embedded-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def site(place: Path) -> Iterator[Site]:
    """A data directory that does not exist yet."""
    site = Site(place / "data")
    yield site
    site.end()
