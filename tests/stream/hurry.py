"""A server whose live stream is in a hurry: what takes seconds or minutes elsewhere takes tenths of a second."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.postgres import TestDatabase
from tests.server import START_SECONDS, Server, environment_of

PROGRAM = """
import importlib
from greenroom.kit import housekeeping
repeat = housekeeping.repeat
housekeeping.repeat = lambda work, *, seconds: repeat(work, seconds=min(seconds, 0.3))
modules = [importlib.import_module("greenroom.stream." + name) for name in ("channel", "engine", "greetings", "watchers")]
for name, value in {constants!r}.items():
    where = [module for module in modules if hasattr(module, name)]
    assert where, name
    for module in where:
        setattr(module, name, value)
if {longest!r}:
    from greenroom.stream import engine
    of_settings = engine.Engine
    engine.Engine = lambda *arguments, seconds, **named: of_settings(*arguments, seconds={longest!r}, **named)
from greenroom.cli import main
main()
"""


@contextmanager
def hurried_server(database: TestDatabase, directory: Path, *, longest: float = 0, **constants: float) -> Iterator[Server]:
    """`greenroom serve` in whose process constants of the engine are others; stopped afterwards whatever happened.

    `longest` is the seconds that a connection may last, less than any setting allows.
    """
    log = directory / "hurried.log"
    program = PROGRAM.format(constants=constants, longest=longest)
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-c", program, "serve", "--port", "0"],
            env=environment_of(database), stdout=subprocess.PIPE, stderr=written,
        )  # fmt: skip
    try:
        yield Server(process, _url_of(process, log), log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _url_of(process: "subprocess.Popen[bytes]", log: Path) -> str:
    assert process.stdout is not None
    first_line = process.stdout.readline().decode()
    assert first_line.startswith("Greenroom: http"), first_line + log.read_text()
    url = first_line.split()[1]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return url
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server was not ready: {log.read_text()}")
