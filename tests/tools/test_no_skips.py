"""In CI nothing may be left out: a skip is a failure there, wherever it comes from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

IN_THE_TEST = """
import pytest
def test_it():
    pytest.skip("not here")
"""
IN_A_FIXTURE = """
import pytest
@pytest.fixture
def it():
    pytest.skip("not here")
def test_it(it):
    pass
"""
BY_A_MARK = """
import pytest
@pytest.mark.skipif(True, reason="not here")
def test_it():
    pass
"""
EXPECTED = """
import pytest
@pytest.mark.xfail(reason="known", strict=True)
def test_it():
    assert False
"""


def run(source: str, directory: Path, *, no_skips: str, workers: str = "0") -> subprocess.CompletedProcess[str]:
    """This test alone, with our conftest."""
    test = directory / "test_it.py"
    test.write_text(source)
    alone = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-n", workers, "--rootdir", str(directory), str(test)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *alone],
        cwd=ROOT,
        env={**os.environ, "GREENROOM_NO_SKIPS": no_skips},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("source", [IN_THE_TEST, IN_A_FIXTURE, BY_A_MARK], ids=["in the test", "in a fixture", "by a mark"])
def test_a_skip_fails_the_run_and_says_why(source: str, workers: str, tmp_path: Path) -> None:
    done = run(source, tmp_path, no_skips="1", workers=workers)
    assert done.returncode == 1, done.stdout
    assert "not here" in done.stdout


def test_an_expected_failure_does_not(tmp_path: Path) -> None:
    assert run(EXPECTED, tmp_path, no_skips="1").returncode == 0


def test_without_the_variable_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert run(IN_A_FIXTURE, tmp_path, no_skips="").returncode == 0
