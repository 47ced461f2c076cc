"""Cold start: `greenroom serve` from an empty data directory to the first 200 of GET /readyz."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench import tools
from bench.contenders import await_answer, free_port, stop
from bench.database import empty_directory


def cold_starts(times: int, *, log: Path) -> list[float]:
    """Seconds of each. Raises BenchError."""
    return [_cold_start(log) for _ in range(times)]


def _cold_start(log: Path) -> float:
    port = free_port()
    command = [sys.executable, "-m", "greenroom.cli", "serve", "--port", str(port)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")}
    with empty_directory() as data_dir, log.open("ab") as lines:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=tools.REPOSITORY,
            env={**environ, "GREENROOM_DATA_DIR": str(data_dir)},
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
        )
        try:
            await_answer(process, port, "/readyz", what="greenroom serve", log=log)
            return time.perf_counter() - begun
        finally:
            stop(process)
