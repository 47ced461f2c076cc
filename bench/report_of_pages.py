"""What came out of the open pages."""

from collections.abc import Iterator

from bench.pages import PER_SECOND, Pages
from bench.rounds import spread
from bench.verdict import Verdict, at_most, table

MEMORY_MB = 120.0  # as of a worker without pages


def pages_verdicts(pages: Pages) -> Iterator[Verdict]:
    """The one bar: nothing is measured against a peer."""
    many = pages.rounds[0].pages
    yield at_most(
        f"memory of a worker with {many:,} open pages", spread([it.most for it in pages.rounds]), MEMORY_MB, unit="MB"
    )


def pages_tables(pages: Pages) -> list[str]:
    """The numbers behind it."""
    rounds = pages.rounds
    first = rounds[0]
    rows = [
        _row("processor time to open one, ms", [it.ms_to_open for it in rounds]),
        _row("from its first request to its snapshot, p50 ms", [it.open_p50 for it in rounds]),
        _row("the same, p99 ms", [it.open_p99 for it in rounds]),
        _row("memory before, MB", [it.before for it in rounds]),
        _row("memory with all open, MB", [it.after for it in rounds]),
        _row("memory at the end, MB", [it.most for it in rounds]),
        _row("memory of one, KB", [it.kb_each for it in rounds]),
        _row("of a core while nothing happens, %", [it.idle_core * 100 for it in rounds]),
        _row("processor time to tell one page a change, ms", [it.ms_to_tell for it in rounds]),
        _row("from the host's request to the page's event, p50 ms", [it.seen_p50 for it in rounds]),
        _row("the same, p99 ms", [it.seen_p99 for it in rounds]),
        _row("answer to what the page asks then, p50 ms", [it.look_p50 for it in rounds]),
        _row("the same, p99 ms", [it.look_p99 for it in rounds]),
    ]
    core = max(it.client_core for it in rounds)
    how = (
        f"Pages come {PER_SECOND} a second with nothing kept from before, {first.octets / 1000:.1f} KB each, heads included; "
        f"then the session changes {first.changes} times. The client took at most {core:.0%} of its core."
    )
    return [table((f"{first.pages:,} open pages, one process on one core", "median", "min..max"), rows), how]


def _row(title: str, numbers: list[float]) -> tuple[str, str, str]:
    found = spread(numbers)
    return title, f"{found.median:.2f}", f"{found.least:.2f}..{found.most:.2f}"
