"""One JSON line and one observation per request."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import Histogram

from app.settings import settings

FLUSH_SECONDS = 1.0

_seconds = Histogram(
    "request_duration_seconds",
    "From the request's head to the answer's end.",
    ["route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_children: dict[tuple[str, int], Any] = {}
_file = Path(settings.log_file).open("ab", buffering=64 * 1024)  # noqa: SIM115  # as long as the process runs


def observe(route: str, status: int, seconds: float) -> None:
    """Count the request; the labelled child is looked up once per route and status."""
    child = _children.get((route, status))
    if child is None:
        child = _children[route, status] = _seconds.labels(route, str(status))
    child.observe(seconds)


def log(**fields: Any) -> None:
    """One JSON line, written with others: at 64 KiB or after a second."""
    fields["timestamp"] = datetime.now(UTC)
    _file.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))


async def flush_now_and_then() -> None:
    """Write what waits, every second and when this is cancelled."""
    try:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            _file.flush()
    finally:
        _file.flush()
