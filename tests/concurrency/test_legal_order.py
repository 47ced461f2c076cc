"""What the search for a legal order accepts, and what it refuses."""

import pytest

from tests.concurrency.legal_order import Call, legal_order
from tests.concurrency.room import Command, Room, Verb


def call(verb: Verb, who: str, answer: str, asked: float, answered: float, *, number: int = 0) -> Call:
    return Call(Command(verb, who, number), answer, asked, answered)


ANN_SITS = call("register", "ann", "registered", 0, 9)
BOB_WAITS = call("register", "bob", "waitlist", 0, 9)
ANN_LEAVES = call("leave", "ann", "cancelled", 10, 19)

LEGAL = {
    "nothing": [],
    "the one that is named last came first": [BOB_WAITS, ANN_SITS],
    "one leaves and another is seated": [ANN_SITS, ANN_LEAVES, call("register", "bob", "registered", 12, 14)],
    "one leaves after another has come": [ANN_SITS, ANN_LEAVES, call("register", "bob", "waitlist", 12, 14)],
    "who waited sits when the other has left": [ANN_SITS, BOB_WAITS, ANN_LEAVES, call("ask", "bob", "registered", 20, 21)],
    "who looks meanwhile may see it before": [ANN_SITS, call("look", "bob", "scheduled, 0 of 1, False", 1, 2)],
    "who looks meanwhile may see it after": [ANN_SITS, call("look", "bob", "scheduled, 1 of 1, False", 1, 2)],
    "two leave, two move up": [
        *(call("register", who, word, at, at + 0.5) for at, (who, word) in enumerate(
            [("ann", "registered"), ("bob", "waitlist"), ("cid", "waitlist"), ("dee", "waitlist")]
        )),
        call("resize", "", "scheduled, 2 of 2", 5, 6, number=2),
        call("leave", "ann", "cancelled", 10, 19), call("leave", "bob", "cancelled", 10, 19),
        call("list", "", "['cid', 'dee'] sit, [] wait, [] are barred", 20, 21),
    ],
}  # fmt: skip

BROKEN = {
    "two have the one seat": [ANN_SITS, call("register", "bob", "registered", 0, 9)],
    "one waits beside a free seat": [BOB_WAITS],
    "what was answered is not seen": [ANN_SITS, call("look", "bob", "scheduled, 0 of 1, False", 10, 11)],
    "who came before stands behind": [
        ANN_SITS, call("register", "bob", "waitlist", 10, 11), call("register", "cid", "waitlist", 12, 13),
        call("ask", "bob", "waitlist 2", 14, 15),
    ],
    "it is seen, and then not": [
        ANN_SITS,
        call("look", "bob", "scheduled, 1 of 1, False", 1, 2), call("look", "cid", "scheduled, 0 of 1, False", 3, 4),
    ],
    "a freed seat stays empty": [
        ANN_SITS, BOB_WAITS, ANN_LEAVES, call("list", "", "[] sit, ['bob'] wait, [] are barred", 20, 21),
    ],
    "one got in when it was cancelled": [
        call("cancel", "", "cancelled, 0 of 1", 0, 1), call("register", "ann", "registered", 2, 3),
    ],
    "one stood in line when it was live": [
        ANN_SITS, call("start", "", "live, 1 of 1", 10, 11), call("register", "bob", "waitlist", 12, 13),
    ],
    "one who was removed came back": [
        ANN_SITS, call("remove", "ann", "removed", 10, 11), call("register", "ann", "registered", 12, 13),
    ],
}  # fmt: skip


@pytest.mark.parametrize("history", LEGAL)
def test_a_history_that_an_order_explains_is_legal(history: str) -> None:
    calls = LEGAL[history]
    found = legal_order(Room(1), calls)
    assert found is not None
    assert sorted(map(str, found)) == sorted(map(str, calls))


@pytest.mark.parametrize("history", BROKEN)
def test_a_history_that_no_order_explains_is_refused(history: str) -> None:
    assert legal_order(Room(1), BROKEN[history]) is None
