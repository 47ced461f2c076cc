"""What came out of the rooms."""

from collections.abc import Iterator

from bench.rooms import CANDIDATES, PEOPLE, PER_SECOND, Rooms
from bench.rounds import spread
from bench.verdict import Verdict, at_most, table

MEMORY_MB = 150.0


def rooms_verdicts(rooms: Rooms) -> Iterator[Verdict]:
    """Bars of our own: no peer signals by PostgreSQL."""
    many = rooms.rounds[0].rooms
    yield at_most(
        f"memory of a worker with {many} rooms of {PEOPLE}", spread([it.after for it in rooms.rounds]), MEMORY_MB, unit="MB"
    )


def rooms_tables(rooms: Rooms) -> list[str]:
    """The numbers behind it."""
    rounds = rooms.rounds
    first = rounds[0]
    rows = [
        _row("processor time for a room, from its first browser to the last message, ms", [it.ms_of_room for it in rounds]),
        _row("of a core while they come and signal, %", [it.cpu / it.seconds * 100 for it in rounds]),
        _row("from a message's sending to its reading, p50 ms", [it.relay_p50 for it in rounds]),
        _row("the same, p99 ms", [it.relay_p99 for it in rounds]),
        _row("memory before, MB", [it.before for it in rounds]),
        _row("memory with all inside, MB", [it.after for it in rounds]),
        _row("memory of a browser, KB", [it.kb_of_browser for it in rounds]),
        _row("of a core while they talk and signal nothing, %", [it.idle_core * 100 for it in rounds]),
    ]
    core = max(it.client_core for it in rounds)
    how = (
        f"The people of {PER_SECOND} rooms come in a second; each browser sends each other a description of 3 KB and "
        f"{CANDIDATES} candidates: {first.messages:,} messages. The client took at most {core:.0%} of its core, and its share "
        f"of the times."
    )
    return [table((f"{first.rooms} rooms of {PEOPLE}, one process on one core", "median", "min..max"), rows), how]


def _row(title: str, numbers: list[float]) -> tuple[str, str, str]:
    found = spread(numbers)
    return title, f"{found.median:.2f}", f"{found.least:.2f}..{found.most:.2f}"
