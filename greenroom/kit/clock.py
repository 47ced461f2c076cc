"""Times as the wire writes them: UTC, milliseconds, `Z` (RFC 3339)."""

from datetime import datetime

SECONDS = len("2026-11-23 09:00:00+00")
MILLISECONDS = len("2026-11-23 09:00:00.123+00")


def wire_text(stored: str) -> str:
    """The same of a timestamptz as the database writes it: `2026-11-23 09:00:00.5+00`, in UTC, without its last zeros.

    A third of what a datetime in between costs; an answer with a page of sessions has sixty of them.
    """
    if len(stored) == MILLISECONDS:
        return f"{stored[:10]}T{stored[11:23]}Z"
    if len(stored) == SECONDS:
        return f"{stored[:10]}T{stored[11:19]}.000Z"
    return f"{stored[:10]}T{stored[11:-3]:0<12.12}Z"


def wire_time(instant: datetime) -> str:
    """`2026-11-23T09:00:00.000Z`; `instant` is in UTC."""
    return instant.isoformat(timespec="milliseconds")[:-6] + "Z"
