"""The previous release's tree, and both releases serving the same database."""

import asyncio
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compatibility.releases import Both
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import running_server

HERE = Path(__file__).parent
PREVIOUS = (HERE / "previous_release.txt").read_text().strip()
BEFORE_QUESTIONS = (HERE / "before_questions.txt").read_text().strip()


@pytest.fixture(scope="session")
def previous_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was released before, as it was. Without git and its history there is none to compare with."""
    return tree_of(PREVIOUS, tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="session")
def tree_before_questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last tree that knows seats, and neither questions nor votes."""
    return tree_of(BEFORE_QUESTIONS, tmp_path_factory.mktemp("before-questions"))


def tree_of(commit: str, tree: Path) -> Path:
    """The directory, filled with what was committed then."""
    command = ["git", "-C", str(HERE.parents[1]), "archive", "--format=tar", commit]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("git is not installed: no earlier release can be compared with")
    if done.returncode:
        pytest.skip(f"the commit of an earlier release, {commit}, is not in this clone: fetch the whole history")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)  # 3.11.4 and newer have it
        archive.extractall(tree)  # noqa: S202  # what git made of our own commits
    return tree


@pytest.fixture(scope="session")
def shared(cluster: Cluster) -> TestDatabase:
    """A database that today's migrations have made."""
    return asyncio.run(fresh_database(cluster))


@pytest.fixture(scope="session")
def both(shared: TestDatabase, previous_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A process of each release on that database."""
    old_directory, new_directory = tmp_path_factory.mktemp("old"), tmp_path_factory.mktemp("new")
    with (
        running_server(shared, old_directory, source=previous_tree) as old,
        running_server(shared, new_directory) as new,
    ):
        yield Both(old=old, new=new, tree=previous_tree, database=shared)
