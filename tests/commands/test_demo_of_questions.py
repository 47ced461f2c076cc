"""What the demonstration of questions waits for."""

import pytest

from greenroom.commands import questions
from greenroom.commands.errors import CommandError
from greenroom.commands.questions import Seen

A_QUESTION_WITH_ITS_VOTE = ("question", '{"change":"added","question":{"vote_count":1}}')


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """What has seen a vote that came together with the word that lets its question through."""
    monkeypatch.setattr(questions, "PATIENCE_SECONDS", 0.05)
    stream = Seen()
    stream.events.append(A_QUESTION_WITH_ITS_VOTE)
    return stream


def test_a_vote_that_is_told_with_its_question_is_seen(seen: Seen) -> None:
    seen.until("votes", or_says='"vote_count":1')


@pytest.mark.parametrize("says", [None, '"vote_count":2'])
def test_what_is_not_told_is_told_of_in_a_line(seen: Seen, says: str | None) -> None:
    with pytest.raises(CommandError, match="the stream tells of no votes"):
        seen.until("votes", or_says=says)
