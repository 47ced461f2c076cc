"""A server that is asked to stop while it still starts."""

import signal
import subprocess
import sys
import time

import pytest

from tests.postgres import TestDatabase
from tests.server import environment_of

STOP_SECONDS = 20


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_stop_asked_for_while_it_starts_is_heard(database: TestDatabase, pause: float) -> None:
    command = [sys.executable, "-m", "greenroom.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment_of(database), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
        finally:
            process.kill()
