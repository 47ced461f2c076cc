"""A bar, and whether it is reached; and tables."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from bench.rounds import Spread

Row = tuple[str, ...]


class Verdict(Struct, frozen=True):
    """One bar."""

    what: str
    measured: str
    spread: str
    bar: str
    passed: bool


def at_most(what: str, measured: Spread, bar: float, *, unit: Literal["s", "ms", "KB", "MB", "x"]) -> Verdict:
    """The median held against a bar that it may reach and not pass."""
    unit_text = unit if unit == "x" else f" {unit}"
    ends = "" if measured.least == measured.most else f"{measured.least:.2f}..{measured.most:.2f}"
    return Verdict(what, f"{measured.median:.2f}{unit_text}", ends, f"<= {bar:g}{unit_text}", measured.median <= bar)


def table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table that a terminal can show as well."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Row) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *(line(row) for row in rows)])
