"""Times as the wire writes them: UTC, milliseconds, `Z` (RFC 3339)."""

from datetime import datetime


def wire_time(instant: datetime) -> str:
    """`2026-11-23T09:00:00.000Z`; `instant` is in UTC."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"
