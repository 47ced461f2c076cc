"""Questions, pins and moderation at the same moment in two processes; and everything at once beside a storm of votes."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pytest

from greenroom.identity.caller import Caller
from greenroom.kit.ids import ClientId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.questions import service
from greenroom.questions.service import Questions
from tests.concurrency.arena import Arena, replace_functions
from tests.concurrency.hall import people, word_of, words
from tests.concurrency.history import at_once, shown
from tests.concurrency.seats_arena import without_index
from tests.concurrency.stage import Stage
from tests.concurrency.votes_arena import QuestionFunctions
from tests.server import SECRET_KEY

MOST_OPEN = 5
ASKS, WIDE_ASKS = 20, 9
ROUNDS, WIDE_ROUNDS = 5, 3
TURNS = 3
FANS = 24

# What may be refused when everything is done at once; anything else is a fault.
REFUSALS = {"vote": {"invalid_status", "not_found"}, "ask": {"at_capacity"}, "pin": {"invalid_status"}}


async def asked_at_once(stage: Stage, asks: int) -> tuple[list[str], int]:
    """What somebody is answered who asks so often at once, and how many questions that makes."""
    session = await stage.live()
    answers = await at_once(*(stage.ask(session, "ann", f"Why {number}?") for number in range(asks)))
    said = ["201" if answer.is_success else word_of(answer) for answer in answers]
    async with stage.owner() as owner:
        rows = await owner.fetch("select position from questions where session_id = $1 order by position", session["id"])
    assert said.count("201") == len(rows)
    return sorted(said), len(rows)


async def pinned_together(stage: Stage) -> list[str]:
    """What is wrong when two hosts have pinned two questions at once."""
    session = await stage.live()
    added = await stage.http.put(f"/v1/sessions/{session['id']}/co-hosts/host_2", headers=stage.tenant.bearer())
    assert added.is_success, added.text
    one, other = [await stage.question(session, asker) for asker in ("ann", "bob")]
    answers = await at_once(stage.pin(one, "host_1"), stage.pin(other, "host_2"))
    assert [(answer.status_code, answer.json()["is_pinned"]) for answer in answers] == [(200, True)] * 2
    pinned, faults = await stage.pinned(session)
    return [*faults, *([] if pinned in {one["id"], other["id"]} else [f"{pinned} is pinned"])]


async def pinned_while_dismissed(stage: Stage) -> list[str]:
    """What is wrong when a question was pinned at the moment when it was dismissed."""
    session = await stage.live()
    question = await stage.question(session)
    pinned, dismissed = await at_once(stage.pin(question), stage.moderate(question, "dismissed"))
    assert (pinned.status_code in {200, 412}, dismissed.status_code) == (True, 200)
    left, faults = await stage.pinned(session)
    return [*faults, *([] if left is None else ["what is dismissed is pinned"])]


async def judged_twice(stage: Stage) -> list[str]:
    """What two are answered of whom one calls a question answered when the other dismisses it."""
    question = await stage.question(await stage.live())
    answers = await at_once(stage.moderate(question, "answered"), stage.moderate(question, "dismissed"))
    return sorted("200" if answer.is_success else word_of(answer) for answer in answers)


async def everything_at_once(stage: Stage) -> list[str]:
    """What is wrong when people vote, ask, register and leave while hosts edit, pin and moderate."""
    session = await stage.live(*people(TURNS, "early"), capacity=200)
    loved = await stage.question(session, "ann")
    others = [await stage.question(session, asker) for asker in people(TURNS, "asker")]
    wrong: list[str] = []

    async def each(kind: str, *requests: Callable[[], Awaitable[httpx.Response]]) -> None:
        """One after the other, so that the storm lasts."""
        for request in requests:
            answer = await request()
            if not answer.is_success and word_of(answer) not in REFUSALS.get(kind, ()):
                wrong.append(f"{kind}: {word_of(answer)}")

    def votes(fan: str) -> list[Callable[[], Awaitable[httpx.Response]]]:
        return [
            *(lambda question=question: stage.vote(question, fan) for question in (loved, *others)),
            lambda: stage.take_back(loved, fan),
        ]

    await asyncio.gather(
        *(each("vote", *votes(fan)) for fan in people(FANS)),
        each("ask", *(lambda n=n: stage.ask(session, "eve", f"Why {n}?") for n in range(2 * TURNS))),
        each("pin", *(lambda q=question: stage.pin(q) for question in (loved, *others))),
        each("pin", *(lambda q=question: stage.unpin(q) for question in (*others, loved))),
        each("edit", *(lambda n=n: stage.tenant.patch(stage.http, session, {"title": f"Title {n}"}) for n in range(2 * TURNS))),
        each("register", *(lambda user=user: stage.register(session, user) for user in people(2 * TURNS, "late"))),
        each("leave", *(lambda user=user: stage.leave(session, user) for user in people(TURNS, "early"))),
        each("moderate", *(lambda q=question: stage.moderate(q, "answered") for question in others[::2])),
        each("moderate", *(lambda q=question: stage.moderate(q, "dismissed") for question in others[1::2])),
    )
    miscounted = [fault for question in (loved, *others) for fault in await stage.miscounted(question)]
    return wrong + miscounted + (await stage.pinned(session))[1]


async def voted_while_moderated(stage: Stage) -> list[str]:
    """What everybody is told, when votes for a question meet its moderation."""
    question = await stage.question(await stage.live())
    answers = await at_once(*(stage.vote(question, fan) for fan in people(4)), stage.moderate(question, "answered"))
    return words(answers)


async def test_who_asks_twenty_times_at_once_has_five_open_questions(stage: Stage) -> None:
    expected = (["201"] * MOST_OPEN + ["at_capacity"] * (ASKS - MOST_OPEN), MOST_OPEN)
    assert [await asked_at_once(stage, ASKS) for _ in range(WIDE_ROUNDS)] == [expected] * WIDE_ROUNDS


async def test_who_asks_many_times_at_once_has_five_open_questions_in_a_wide_window(wide_stage: Stage) -> None:
    assert await asked_at_once(wide_stage, WIDE_ASKS) == (["201"] * MOST_OPEN + ["at_capacity"] * 4, MOST_OPEN)


async def test_without_the_lock_who_asks_many_times_at_once_has_more(unlocked_stage: Stage) -> None:
    async with without_index(unlocked_stage.database, "questions_by_position"):
        assert await shown(lambda: asked_at_once(unlocked_stage, WIDE_ASKS), lambda asked: asked[1] > MOST_OPEN)


async def test_one_key_many_times_at_once_asks_one_question(stage: Stage) -> None:
    for _ in range(WIDE_ROUNDS):
        session = await stage.live()
        answers = await at_once(*(stage.ask(session, "ann", Idempotency_Key="the same") for _ in range(6)))
        done = [answer for answer in answers if answer.is_success]
        assert {answer.json()["id"] for answer in done} == {done[0].json()["id"]}
        assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
        assert {word_of(answer) for answer in answers if answer not in done} <= {"conflict"}


async def test_of_two_questions_that_are_pinned_at_once_one_is(stage: Stage) -> None:
    assert [await pinned_together(stage) for _ in range(ROUNDS)] == [[]] * ROUNDS


async def test_of_two_questions_that_are_pinned_at_once_one_is_in_a_wide_window(wide_stage: Stage) -> None:
    assert [await pinned_together(wide_stage) for _ in range(WIDE_ROUNDS)] == [[]] * WIDE_ROUNDS


async def test_without_the_lock_two_questions_are_told_as_pinned(unlocked_stage: Stage) -> None:
    race = partial(pinned_together, unlocked_stage)
    assert await shown(race, lambda faults: any("was pinned beside" in fault for fault in faults))


async def test_a_question_that_is_dismissed_when_it_is_pinned_is_not_pinned_afterwards(stage: Stage) -> None:
    assert [await pinned_while_dismissed(stage) for _ in range(ROUNDS)] == [[]] * ROUNDS


async def test_a_question_that_is_dismissed_when_it_is_pinned_is_not_pinned_in_a_wide_window(wide_stage: Stage) -> None:
    assert [await pinned_while_dismissed(wide_stage) for _ in range(WIDE_ROUNDS)] == [[]] * WIDE_ROUNDS


async def test_without_the_lock_what_is_dismissed_stays_pinned(unlocked_stage: Stage) -> None:
    race = partial(pinned_while_dismissed, unlocked_stage)
    assert await shown(race, lambda faults: faults == ["what is dismissed is pinned"])
    assert any("the pinned question is one that everybody sees" in finding for finding in await unlocked_stage.broken())


async def test_of_two_judgements_of_a_question_one_is_refused(stage: Stage) -> None:
    assert [await judged_twice(stage) for _ in range(ROUNDS)] == [["200", "invalid_status"]] * ROUNDS


async def test_of_two_judgements_of_a_question_one_is_refused_in_a_wide_window(wide_stage: Stage) -> None:
    assert [await judged_twice(wide_stage) for _ in range(WIDE_ROUNDS)] == [["200", "invalid_status"]] * WIDE_ROUNDS


async def test_without_the_lock_two_judgements_of_a_question_are_both_made(unlocked_stage: Stage) -> None:
    assert await shown(lambda: judged_twice(unlocked_stage), lambda told: "invalid_status" not in told)


async def test_everything_at_once_waits_for_no_circle_and_breaks_nothing(stage: Stage) -> None:
    assert await everything_at_once(stage) == []


async def test_everything_at_once_breaks_nothing_in_a_wide_window(wide_stage: Stage) -> None:
    assert await everything_at_once(wide_stage) == []


async def test_with_the_session_locked_last_voting_and_moderating_wait_for_each_other(
    stage: Stage, arena: Arena, question_functions: QuestionFunctions
) -> None:
    await replace_functions(arena.database, [question_functions.session_locked_last()])
    assert await shown(lambda: voted_while_moderated(stage), lambda told: "internal_error" in told)
    assert any("DeadlockDetectedError" in server.log_text() for server in arena.servers)


async def changed_her_mind_in_one_process(stage: Stage) -> list[str]:
    """Whose votes are there when the first is on the way, and one who votes and takes it back stands behind."""
    session = await stage.live()
    question = await stage.question(session)
    process = Questions(stage.db, Cursors([SECRET_KEY]))

    async def votes(user: str, *, wants: bool) -> None:
        caller = Caller(
            user=UserId(user), client=ClientId("test"), brand=stage.tenant.brand, scopes=frozenset({"write:live"})
        )  # fmt: skip
        counted = await service.vote(process, caller, session["id"], question["id"], wants=wants)
        assert counted.has_voted is wants

    await asyncio.gather(votes("first", wants=True), votes("ann", wants=True), votes("ann", wants=False))
    return await stage.voters(question)


async def test_who_votes_and_takes_it_back_at_one_process_has_none(stage: Stage) -> None:
    assert await changed_her_mind_in_one_process(stage) == ["first"]


async def test_in_one_batch_a_vote_that_was_taken_back_would_stay(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_vote_of", lambda _: ())
    assert await changed_her_mind_in_one_process(stage) == ["ann", "first"]
