"""Coming back with the last id: what was missed is told, as far as it may be seen now; and where that is not known, all."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.stream.listening import Listener
from tests.stream.stage import HOST, Stage

FRESH = ["snapshot", "me"]


async def left(stage: Stage, user: str = "ann") -> Listener:
    """Somebody who has watched, has heard all, and has gone."""
    async with stage.watching(user) as listener:
        await listener.begun()
        await stage.ring(listener)
        return listener


async def back(stage: Stage, before: Listener, user: str = "ann") -> Listener:
    """The same, when they have come back and heard what they are told first."""
    async with stage.watching(user, last_id=before.last_id) as listener:
        await listener.begun()
        return listener


def first_told(listener: Listener) -> list[str]:
    """What it was told in one go when it came."""
    return listener.names[: listener.names.index("me") + 1]


@pytest.fixture
async def played(stage: Stage) -> AsyncIterator[Stage]:
    """A stage with a bell, on which somebody watches all along."""
    await stage.hung()
    async with stage.watching("zoe"):
        yield stage


async def test_who_missed_nothing_is_told_little(played: Stage) -> None:
    ann = await left(played)
    again = await back(played, ann)
    assert first_told(again) == ["session", "presence", "me"]
    assert again.known.session == ann.known.session


async def test_each_id_of_a_stream_resumes(played: Stage) -> None:
    async with played.watching("ann") as ann:
        await ann.begun()
        for number in range(3):
            await played.asked(f"Number {number}?", user="bob")
        await ann.until(lambda: len(ann.known.questions) == 4, "all of them")
    for one in {event.id for event in ann.events if event.id is not None}:
        async with played.watching("ann", last_id=one) as again:
            await again.begun()
        assert "snapshot" not in again.names
        told = {event.data["question_id"] for event in ann.events if event.name == "question" and int(event.id or 0) > int(one)}
        assert {change["question_id"] for change in again.named("question")} >= told


async def test_what_was_missed_is_told_and_nothing_else(played: Stage) -> None:
    old = await played.asked("Old?", user="bob")
    ann = await left(played)
    new = await played.asked("New?", user="bob")
    await played.vote(old, user="max")
    await played.pin(new)
    await played.edit(title="Another")
    await left(played, "eve")
    again = await back(played, ann)
    assert again.named("question") == [
        {"change": "added", "question_id": new["id"], "question": again.known.questions[new["id"]]}
    ]
    assert [one["counts"].get(old["id"]) for one in again.named("votes")] == [1]
    assert again.named("pin") == [{"question_id": new["id"]}]
    assert again.known.session["title"] == "Another"
    assert "snapshot" not in again.names


async def test_with_what_was_missed_one_knows_what_everybody_knows(played: Stage) -> None:
    for user in ("ann", HOST):
        questions = [await played.asked(f"Number {number}?", user=f"p{number}{user}") for number in range(5)]
        before = await left(played, user)
        await played.judge(questions[0], "dismissed")
        await played.judge(questions[1], "answered")
        await played.pin(questions[2])
        await played.vote(questions[3], user="max")
        await played.ask("Mine?", user=user)
        await left(played, "eve")
        async with played.watching(user, last_id=before.last_id) as again:
            again.known.questions = dict(before.known.questions)
            again.known.pinned = before.known.pinned
            await again.begun()
        assert "snapshot" not in again.names
        assert again.known.state == (await played.seen_by(user)).known.state


async def test_what_was_dismissed_meanwhile_is_removed(played: Stage) -> None:
    question = await played.asked("Why?", user="bob")
    ann = await left(played)
    await played.judge(question, "dismissed")
    await left(played, "eve")
    again = await back(played, ann)
    assert again.named("question") == [{"change": "removed", "question_id": question["id"], "question": None}]
    assert b"Why?" not in again.octets


async def test_what_was_asked_and_dismissed_meanwhile_was_never_there(played: Stage) -> None:
    ann = await left(played)
    question = await played.ask("Why?", user="bob")
    await played.judge(question, "dismissed")
    await left(played, "eve")
    again = await back(played, ann)
    assert again.named("question") == []
    assert question["id"].encode() not in again.octets


async def test_what_was_approved_and_dismissed_meanwhile_is_not_shown(played: Stage) -> None:
    ann = await left(played)
    question = await played.asked("Why?", user="bob")
    await played.judge(question, "dismissed")
    await left(played, "eve")
    again = await back(played, ann)
    assert b"Why?" not in again.octets
    assert again.known.questions.keys().isdisjoint({question["id"]})


async def test_what_waits_meanwhile_is_not_shown(played: Stage) -> None:
    ann = await left(played)
    question = await played.ask("Why?", user="bob")
    await left(played, "eve")
    again = await back(played, ann)
    assert question["id"].encode() not in again.octets
    assert (await back(played, ann, "bob")).known.me["questions"] == [question]
    host = await back(played, ann, HOST)
    assert [one["question"] for one in host.named("question")] == [question]


@pytest.mark.parametrize("anonymous", [True, False])
async def test_when_names_were_hidden_or_shown_meanwhile_all_is_told_anew(played: Stage, anonymous: bool) -> None:
    await played.say(anonymous=not anonymous)
    await played.asked("Why?", user="bob")
    ann = await left(played)
    await played.say(anonymous=anonymous)
    await left(played, "eve")
    again = await back(played, ann)
    assert first_told(again) == FRESH
    assert (b'"bob"' in again.octets) is not anonymous


async def test_who_became_a_moderator_meanwhile_is_told_all_anew(played: Stage) -> None:
    waiting = await played.ask("Why?", user="bob")
    ann = await left(played)
    await played.co_host("ann")
    await left(played, "eve")
    again = await back(played, ann)
    assert first_told(again) == FRESH
    assert waiting["id"] in again.known.questions


async def test_who_comes_back_at_once_misses_nothing(played: Stage) -> None:
    """Before anybody has been told of it: it is told now, or a moment later."""
    ann = await left(played)
    for number in range(8):
        question = await played.asked(f"Number {number}?", user=f"p{number}")
        async with played.watching("ann", last_id=ann.last_id) as again:
            await again.begun()
            again.known.questions = {**ann.known.questions, **again.known.questions}
            await again.until(lambda again=again, name=question["id"]: name in again.known.questions, "it is told")  # type: ignore[misc]
        ann = again


@pytest.mark.parametrize(
    "last_id", ["", "x", "-1", "1.5", "1e3", "+7", " ", "0x10", "9" * 18, "9" * 19, "9" * 400, "٣", "%00", "1,2", "NaN", "null"]
)
async def test_an_id_that_no_stream_has_sent_is_none(stage: Stage, last_id: str) -> None:
    async with stage.watching("ann", last_id=last_id) as ann:
        await ann.begun()
    assert first_told(ann) == FRESH


async def test_an_id_that_is_too_old_is_none(hurried_stage: Stage) -> None:
    stage = hurried_stage
    await stage.hung()
    async with stage.watching("zoe"):
        ann = await left(stage)
        assert "snapshot" not in (await back(stage, ann)).names
        question = await stage.asked("Why?", user="bob")
        for number in range(210):
            await stage.vote(question, user="max", method="DELETE" if number % 2 else "PUT")
        await left(stage, "eve")
        assert first_told(await back(stage, ann)) == FRESH


async def test_who_comes_back_when_nobody_watched_any_more_misses_nothing(hurried_stage: Stage) -> None:
    stage = hurried_stage
    await stage.hung()
    ann = await left(stage)
    first = await stage.asked("Meanwhile?", user="bob")
    await asyncio.sleep(2.0)  # the process has forgotten the session
    second = await stage.asked("After?", user="bob")
    async with stage.watching("ann", last_id=ann.last_id) as again:
        await again.begun()
        assert "snapshot" not in again.names
        await again.until(lambda: {first["id"], second["id"]} <= again.known.questions.keys(), "both")


async def test_many_who_come_back_at_once_miss_nothing(played: Stage) -> None:
    before = [await left(played, f"w{number}") for number in range(3)]
    question = await played.asked("Why?", user="bob")
    await left(played, "eve")
    again = await asyncio.gather(*(back(played, before[number % 3], f"w{number % 3}") for number in range(30)))
    assert all(question["id"] in one.known.questions for one in again)
