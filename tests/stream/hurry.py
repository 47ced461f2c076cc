"""A server whose live stream is in a hurry: what takes seconds or minutes elsewhere takes tenths of a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import TestDatabase
from tests.server import Server, running_server

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
    program = PROGRAM.format(constants=constants, longest=longest)
    with running_server(database, directory, program=("-c", program)) as running:
        yield running
