"""The people of a drop, each with a token of their own, signed beforehand."""

from pathlib import Path

from bench.contenders import Contender

_MIXES = 0x9E3779B97F4A7C15  # odd, so that no two numbers become one; names that follow each other lie apart in an index


def person(number: int) -> str:
    """Their name, which is nobody else's."""
    return f"person_{number * _MIXES % 2**64:016x}"


def write_tokens(contender: Contender, path: Path, *, people: int) -> Path:
    """A token a line, as this contender's clients bring them."""
    with path.open("w") as lines:
        for number in range(people):
            lines.write(contender.sign(user=person(number)) + "\n")
    return path
