"""Is there an order of what several did at once, one after the other, in which the model gives every one the answer they got?

What was answered before something else was asked comes before it. The search of Wing and Gong (1993), with states it has seen
before left out: enough for a dozen requests.
"""

from collections.abc import Sequence

from msgspec import Struct

from tests.concurrency.room import Command, Room, after


class Call(Struct, frozen=True):
    """A request that was made and answered, and when."""

    command: Command
    answer: str
    asked: float
    answered: float

    def __str__(self) -> str:
        return f"[{self.asked:.4f} - {self.answered:.4f}] {self.command}: {self.answer}"


def legal_order(room: Room, calls: Sequence[Call]) -> list[Call] | None:
    """An order that explains all answers, if there is one; `room` is the state before."""
    return _from(room, frozenset(range(len(calls))), calls, set())


def _from(
    room: Room, left: frozenset[int], calls: Sequence[Call], hopeless: set[tuple[Room, frozenset[int]]]
) -> list[Call] | None:
    if not left:
        return []
    if (room, left) in hopeless:
        return None
    first_answer = min(calls[number].answered for number in left)
    for number in sorted(left):
        call = calls[number]
        if call.asked > first_answer:
            continue  # another was answered before this was asked
        then, answer = after(room, call.command)
        if answer == call.answer:
            rest = _from(then, left - {number}, calls, hopeless)
            if rest is not None:
                return [call, *rest]
    hopeless.add((room, left))
    return None
