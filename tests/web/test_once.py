"""A sending that finds the first one under way."""

import pytest

from greenroom.kit.errors import Conflict
from greenroom.web import once


async def test_it_waits_for_the_first_ones_answer() -> None:
    turns: list[int] = []

    async def act() -> str:
        turns.append(len(turns))
        if len(turns) < 3:
            raise Conflict(retry_after_seconds=1)
        return "made"

    assert await once.done_once(act) == "made"
    assert turns == [0, 1, 2]


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MOST", 3)
    monkeypatch.setattr(once, "FIRST_WAIT_SECONDS", 0)
    turns: list[int] = []

    async def act() -> None:
        turns.append(len(turns))
        raise Conflict(retry_after_seconds=1)

    with pytest.raises(Conflict):
        await once.done_once(act)
    assert len(turns) == 3
