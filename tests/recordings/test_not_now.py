"""Joining that does not work now: what is the machine's fault is tried again for ever, what is the recording's own is not."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from greenroom.recordings.joiner import JoiningFailedError, JoiningPostponedError, refuse_unless_joined
from greenroom.recordings.joining import NOT_NOW, told
from greenroom.recordings.service import MOST_OCTETS

FULL = Path("/dev/full")


def status_of(path: Path, octets: bytes, *, most: int = MOST_OCTETS) -> int:
    """What the process that joins ends with, when it writes there."""
    with path.open("r+b", buffering=0) as file:
        command = [sys.executable, "-m", "greenroom.recordings.joining", str(file.fileno()), str(most)]
        said = told("part") + told("data", octets) + told("end")
        return subprocess.run(command, input=said, pass_fds=(file.fileno(),), capture_output=True, check=False).returncode


@pytest.mark.skipif(not FULL.exists(), reason="there is no disk here that is always full")
def test_a_full_disk_is_not_the_recording_s_fault(grey: bytes) -> None:
    assert status_of(FULL, grey) == NOT_NOW


def test_a_film_of_more_octets_than_it_may_have_is(grey: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    status = status_of(file, grey, most=1000)
    assert status not in {0, NOT_NOW}
    with pytest.raises(JoiningFailedError):
        refuse_unless_joined(status)


def test_who_takes_more_time_than_it_may_is_told_so_before_it_is_killed() -> None:
    code = """
from greenroom.recordings import joining
joining.CPU_SECONDS, joining.join = 1, lambda *_: any(iter(int, 1))  # for ever
joining.main()
"""
    with tempfile.TemporaryFile() as file:
        command = [sys.executable, "-c", code, str(file.fileno()), "1000"]
        assert subprocess.run(command, pass_fds=(file.fileno(),), check=False).returncode == -signal.SIGXCPU


@pytest.mark.parametrize("status", [NOT_NOW, -signal.SIGKILL, -signal.SIGTERM])
def test_who_is_ended_by_others_joins_again(status: int) -> None:
    with pytest.raises(JoiningPostponedError):
        refuse_unless_joined(status)


@pytest.mark.parametrize("status", [1, -signal.SIGXCPU, -signal.SIGSEGV])
def test_who_used_more_than_it_may_has_failed(status: int) -> None:
    with pytest.raises(JoiningFailedError):
        refuse_unless_joined(status)
    refuse_unless_joined(0)
