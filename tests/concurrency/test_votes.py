"""One vote per person: many people, each again and again, in two processes; and votes that race the end of voting."""

import asyncio
import random
from functools import partial

import httpx
import pytest

from tests.concurrency.hall import people, word_of
from tests.concurrency.history import at_once, shown, until_wrong
from tests.concurrency.stage import Stage, unlike
from tests.concurrency.votes_arena import without_votes_key
from tests.tenant import Json

FANS, TIMES = 24, 3
WIDE_FANS, WIDE_TIMES = 6, 2
ROUNDS, WIDE_ROUNDS = 4, 3
TURNS = 4
MOMENTS = [0, 0.005, 0.01, 0.02, 0.04]

ENDS = {
    "dismissed": "live.question.dismissed.v1",
    "answered": "live.question.answered.v1",
    "ended": "live.session.ended.v1",
}
REFUSALS = {"dismissed": "not_found", "answered": "invalid_status", "ended": "invalid_status"}
EVERY_END = pytest.mark.parametrize("end", ENDS)


async def voted_again_and_again(stage: Stage, fans: int, times: int) -> list[str]:
    """What is wrong when everybody has voted many times at once."""
    question = await stage.question(await stage.live())
    them = [fan for fan in people(fans) for _ in range(times)]
    random.shuffle(them)
    answers = await at_once(*(stage.vote(question, fan) for fan in them))
    wrong = [f"told {word_of(answer)}" for answer in answers if answer.status_code != httpx.codes.OK]
    wrong += [] if await stage.voters(question) == sorted(people(fans)) else ["these are not the people who voted"]
    return wrong + await stage.miscounted(question)


async def voted_and_took_back(stage: Stage, fans: int, times: int) -> list[str]:
    """What is wrong when everybody has voted and taken it back from many devices at once."""
    question = await stage.question(await stage.live())
    acts = [act for act in (stage.vote, stage.take_back) for _ in range(times)]
    requests = [act(question, fan) for fan in people(fans) for act in acts]
    random.shuffle(requests)
    answers = await at_once(*requests)
    wrong = [f"told {word_of(answer)}" for answer in answers if answer.status_code != httpx.codes.OK]
    return wrong + await stage.miscounted(question)


async def came_to(stage: Stage, question: Json, end: str) -> httpx.Response:
    """The host makes an end of voting."""
    if end == "ended":
        return await stage.step({"id": question["session_id"]}, "end")
    return await stage.moderate(question, end)


async def raced(stage: Stage, end: str, fans: int) -> list[str]:
    """What is wrong when people voted at the moment of the end of voting."""
    question = await stage.question(await stage.live())
    them = people(fans)
    half = fans // 2
    early = asyncio.gather(*(stage.vote(question, fan) for fan in them[:half]))
    await asyncio.sleep(random.choice(MOMENTS))  # noqa: S311
    ended, *late = await at_once(came_to(stage, question, end), *(stage.vote(question, fan) for fan in them[half:]))
    answers = [*await early, *late]
    assert ended.status_code == httpx.codes.OK
    voters = await stage.voters(question)
    wrong = [f"told {word_of(answer)}" for answer in answers if not answer.is_success and word_of(answer) != REFUSALS[end]]
    wrong += unlike(them, answers, voters) + await stage.miscounted(question)
    if end != "ended" and ended.json()["vote_count"] != len(voters):
        wrong.append(f"{end} with {ended.json()['vote_count']} votes, and now it has {len(voters)}")
    return wrong + [f"{name} after the end" for name in await stage.told_too_late(question, ENDS[end])]


async def left_at_the_end(stage: Stage, end: str) -> list[str]:
    """What is wrong when people took their votes back at the moment of the end of voting."""
    question = await stage.question(await stage.live())
    them = people(WIDE_FANS)
    await at_once(*(stage.vote(question, fan) for fan in them))
    *answers, ended = await at_once(*(stage.take_back(question, fan) for fan in them), came_to(stage, question, end))
    assert ended.status_code == httpx.codes.OK
    voters = await stage.voters(question)
    kept = [fan for fan, answer in zip(them, answers, strict=True) if not answer.is_success]
    wrong = [] if kept == voters else [f"{kept} kept their votes, and {voters} are there"]
    return wrong + await stage.miscounted(question) + await stage.told_too_late(question, ENDS[end])


async def test_who_votes_again_and_again_has_one_vote(stage: Stage) -> None:
    assert await voted_again_and_again(stage, FANS, TIMES) == []


async def test_who_votes_again_and_again_has_one_vote_in_a_wide_window(wide_stage: Stage) -> None:
    assert await voted_again_and_again(wide_stage, WIDE_FANS, WIDE_TIMES) == []


async def test_the_key_alone_gives_one_vote(unlocked_stage: Stage) -> None:
    assert await until_wrong(WIDE_ROUNDS, lambda: voted_again_and_again(unlocked_stage, WIDE_FANS, WIDE_TIMES)) == []


async def test_without_the_key_somebody_votes_twice(stage: Stage) -> None:
    async with without_votes_key(stage.database):
        race = partial(voted_again_and_again, stage, WIDE_FANS, WIDE_TIMES)
        assert await shown(race, lambda wrong: "somebody's vote is there twice" in wrong)
        assert any("votes are distinct voters" in finding for finding in await stage.broken())


async def test_who_votes_and_takes_it_back_from_many_devices_has_one_vote_or_none(stage: Stage) -> None:
    assert await voted_and_took_back(stage, FANS, TIMES) == []


async def test_who_votes_and_takes_it_back_has_one_vote_or_none_in_a_wide_window(wide_stage: Stage) -> None:
    assert await voted_and_took_back(wide_stage, WIDE_FANS, WIDE_TIMES) == []


async def test_what_each_did_last_stays(stage: Stage) -> None:
    question = await stage.question(await stage.live())

    async def changes_their_mind(number: int, fan: str) -> None:
        for turn in range(TURNS + number % 2):
            act = stage.vote if turn % 2 == 0 else stage.take_back
            answer = await act(question, fan)
            assert (answer.status_code, answer.json()["has_voted"]) == (200, turn % 2 == 0)

    await asyncio.gather(*(changes_their_mind(number, fan) for number, fan in enumerate(people(FANS))))
    assert await stage.voters(question) == sorted(people(FANS)[1::2])
    assert await stage.miscounted(question) == []


async def test_votes_on_many_questions_of_a_session_are_each_questions_own(stage: Stage) -> None:
    session = await stage.live()
    questions = [await stage.question(session, asker) for asker in people(3, "asker")]
    votes = [(question, fan) for number, question in enumerate(questions) for fan in people(FANS)[number:]]
    random.shuffle(votes)
    assert {answer.status_code for answer in await at_once(*(stage.vote(*vote) for vote in votes))} == {200}
    assert [await stage.counted(question) for question in questions] == [FANS - number for number in range(len(questions))]
    assert [await stage.miscounted(question) for question in questions] == [[]] * len(questions)


@EVERY_END
async def test_a_vote_at_the_end_of_voting_is_counted_or_refused(stage: Stage, end: str) -> None:
    assert await until_wrong(ROUNDS, lambda: raced(stage, end, FANS)) == []


@EVERY_END
async def test_a_vote_at_the_end_of_voting_is_counted_or_refused_in_a_wide_window(wide_stage: Stage, end: str) -> None:
    assert await until_wrong(WIDE_ROUNDS, lambda: raced(wide_stage, end, WIDE_FANS)) == []


@EVERY_END
async def test_without_the_lock_a_vote_is_counted_after_the_end_of_voting(unlocked_stage: Stage, end: str) -> None:
    race = partial(raced, unlocked_stage, end, WIDE_FANS)
    assert await shown(race, lambda wrong: "live.question.votes_changed.v1 after the end" in wrong)


@EVERY_END
async def test_a_vote_taken_back_at_the_end_of_voting_is_gone_or_stays(stage: Stage, end: str) -> None:
    assert await until_wrong(ROUNDS, lambda: left_at_the_end(stage, end)) == []
