"""How often is written, and to whom: some times a second however much happens, and never of another session."""

import asyncio
from uuid import uuid4

from greenroom.kit.ids import BrandId
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant

VOTES = 200
MOST_A_SECOND = 4


def assert_in_pace(moments: list[float]) -> None:
    """Four a second at most, the first of them not counted: what comes now and then is told at once."""
    assert len(moments) - 1 <= MOST_A_SECOND * (moments[-1] - moments[0])


async def test_a_storm_of_votes_makes_few_frames_and_the_last_has_the_count(stage: Stage) -> None:
    questions = [await stage.asked(f"Number {number}?", user=f"p{number}") for number in range(4)]
    async with stage.watching("ann") as ann, stage.watching("bob") as bob:
        await ann.begun()
        await bob.begun()
        await asyncio.sleep(0.6)
        ann.forget()
        slots = asyncio.Semaphore(16)

        async def vote(number: int) -> None:
            async with slots:
                await stage.vote(questions[number % 4], user=f"v{number}")

        await asyncio.gather(*(vote(number) for number in range(VOTES)))
        counts = {question["id"]: VOTES // 4 for question in questions}
        for one in (ann, bob):
            await one.until(
                lambda one=one: {name: known["vote_count"] for name, known in one.known.questions.items()} == counts,  # type: ignore[misc]
                "every vote",
            )
    assert_in_pace(ann.writes)


async def test_votes_alone_are_told_by_votes_alone(stage: Stage) -> None:
    await stage.hung()
    async with stage.watching("ann") as ann:
        await ann.begun()
        await stage.ring(ann)
        await asyncio.sleep(2.5)
        ann.forget()
        await stage.ring(ann)
    assert ann.names == ["votes"]


async def test_many_changes_of_everything_keep_the_pace(stage: Stage) -> None:
    async with stage.watching("ann") as ann:
        await ann.begun()
        await asyncio.sleep(0.6)
        ann.forget()
        for number in range(30):
            await stage.edit(title=f"Title {number}")
            await stage.asked(f"Number {number}?", user=f"p{number}")
        await ann.until(lambda: len(ann.known.questions) == 30, "thirty questions")
        assert ann.known.session["title"] == "Title 29"
    assert_in_pace(ann.writes)


async def test_a_frame_names_its_position_once_at_its_end(stage: Stage) -> None:
    async with stage.watching("ann") as ann:
        await ann.begun()
        await stage.asked("Why?", user="bob")
        await stage.edit(title="Another")
        await ann.until(lambda: ann.known.questions and ann.known.session["title"] == "Another", "both")
    frames = bytes(ann.octets).split(b"\n\n")
    assert sum(b"id: " in event for event in frames) <= len(ann.writes) + 1
    positions = [int(one.id) for one in ann.events if one.id is not None]
    assert positions == sorted(positions)
    assert ann.events[-1].id is not None


async def test_sessions_do_not_mix(stage: Stage) -> None:
    others = [await staged(stage.server, stage.http, stage.tenant, title=f"Session {number}") for number in range(3)]
    async with others[0].watching() as a, others[1].watching() as b, others[2].watching("host_1") as c:
        for one in (a, b, c):
            await one.begun()
        for number, other in enumerate(others):
            question = await other.asked(f"Body {number}?", user=f"asker{number}")
            await other.vote(question, user="voter")
            await other.pin(question)
        for number, one in enumerate((a, b, c)):
            await one.until(lambda one=one: one.known.pinned, "the pin")  # type: ignore[misc]
            assert one.known.bodies() == {f"Body {number}?"}
            assert one.known.session["title"] == f"Session {number}"
            for other_number in {0, 1, 2} - {number}:
                assert f"Body {other_number}?".encode() not in one.octets
                assert others[other_number].session["id"].encode() not in one.octets


async def test_brands_do_not_mix(stage: Stage) -> None:
    other = await staged(stage.server, stage.http, Tenant(BrandId(f"brand-{uuid4().hex[:12]}")))
    async with stage.watching("host_1") as here, other.watching("host_1") as there:
        await here.begun()
        await there.begun()
        await stage.ask("Ours?", user="bob")
        await other.brand_says(anonymous=False)
        await there.until(lambda: "session" in there.names or "snapshot" in there.names[2:], "something")
        await here.until(lambda: here.known.bodies() == {"Ours?"}, "a question")
        await other.ask("Theirs?", user="bob")
        await there.until(lambda: there.known.bodies() == {"Theirs?"}, "a question")
        assert b"Theirs?" not in here.octets
        assert "snapshot" not in here.names[2:]
