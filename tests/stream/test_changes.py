"""What each who watches is told of each change: a participant, who asked, and who moderates."""

from collections.abc import AsyncIterator

import pytest
from msgspec import Struct

from tests.stream.listening import Listener
from tests.stream.stage import HOST, Stage, staged
from tests.tenant import Json


class Crowd(Struct):
    """Those who watch: Ann takes part, Bob asks, the host moderates."""

    stage: Stage
    ann: Listener
    bob: Listener
    host: Listener

    async def have_heard(self) -> None:
        """Everybody has been told all that has happened."""
        await self.stage.ring(self.ann, self.bob, self.host)


@pytest.fixture
async def crowd(stage: Stage) -> AsyncIterator[Crowd]:
    await stage.hung()
    async with stage.watching("ann") as ann, stage.watching("bob") as bob, stage.watching(HOST) as host:
        for one in (ann, bob, host):
            await one.begun()
        await stage.ring(ann, bob, host)
        for one in (ann, bob, host):
            one.forget()
        yield Crowd(stage, ann, bob, host)


def questions_in(listener: Listener) -> list[tuple[str, str]]:
    return [(one["change"], one["question_id"]) for one in listener.named("question")]


def known_to(listener: Listener) -> set[str]:
    """The questions but for the bell."""
    return {name for name, one in listener.known.questions.items() if one["body"] != "The bell"}


async def test_one_who_comes_is_told_all_and_then_what_is_theirs(stage: Stage) -> None:
    question = await stage.asked("Why?", user="bob")
    await stage.vote(question, user="ann")
    await stage.pin(question)
    await stage.register("ann")
    ann = await stage.seen_by("ann")
    assert ann.names == ["snapshot", "me"]
    snapshot, me = ann.named("snapshot")[0], ann.named("me")[0]
    session = (await stage.http.get(stage.path, headers=stage.tenant.bearer("ann"))).json()
    assert snapshot["session"] == {name: session[name] for name in snapshot["session"]}
    assert snapshot["session"].keys() == {
        "id", "status", "title", "kind", "scheduled_at", "started_at", "ended_at", "max_participants", "registered_count",
    }  # fmt: skip
    shown = {**question, "asker_user_id": "anonymous", "moderator_user_id": None, "vote_count": 1}
    shown = {name: value for name, value in shown.items() if name not in {"is_pinned", "has_voted"}}
    assert snapshot["questions"] == [shown]
    assert (snapshot["pinned_question_id"], snapshot["watching"], snapshot["has_more"]) == (question["id"], 1, False)
    mine = (await stage.http.get(f"{stage.path}/registrations/me", headers=stage.tenant.bearer("ann"))).json()
    assert me == {"user_id": "ann", "is_moderator": False, "registration": me["registration"], "questions": []}
    assert me["registration"] == {name: mine[name] for name in me["registration"]}


async def test_a_snapshot_of_a_session_without_anything_says_so(stage: Stage) -> None:
    ann = await stage.seen_by("ann")
    assert (ann.known.questions, ann.known.pinned, ann.known.has_more) == ({}, None, False)
    assert ann.known.me == {"user_id": "ann", "is_moderator": False, "registration": None, "questions": []}


async def test_a_session_that_is_scheduled_ended_or_cancelled_can_be_watched(stage: Stage) -> None:
    scheduled = await staged(stage.server, stage.http, stage.tenant, live=False)
    assert (await scheduled.seen_by()).known.session["status"] == "scheduled"
    await scheduled.step("cancel")
    assert (await scheduled.seen_by()).known.session["status"] == "cancelled"
    await stage.step("end")
    assert (await stage.seen_by()).known.session["status"] == "ended"


async def test_a_question_that_waits_is_seen_by_moderators_and_who_asked(crowd: Crowd) -> None:
    question = await crowd.stage.ask("Whose is it?", user="bob")
    me = await crowd.bob.hears("me")
    heard = await crowd.host.hears("question")
    await crowd.have_heard()
    assert heard == {"change": "added", "question_id": question["id"], "question": question}
    assert me["questions"] == [question]
    assert questions_in(crowd.bob) == questions_in(crowd.ann) == []
    assert b"Whose is it?" not in crowd.ann.octets
    assert question["id"].encode() not in crowd.ann.octets


async def test_an_approved_question_is_new_to_everybody_but_moderators(crowd: Crowd) -> None:
    question = await crowd.stage.ask("Why?", user="bob")
    await crowd.host.hears("question")
    approved = await crowd.stage.judge(question, "approved")
    await crowd.have_heard()
    assert questions_in(crowd.ann) == questions_in(crowd.bob) == [("added", question["id"])]
    assert questions_in(crowd.host) == [("added", question["id"]), ("changed", question["id"])]
    seen = crowd.ann.known.questions[question["id"]]
    assert (seen["status"], seen["asker_user_id"], seen["moderator_user_id"]) == ("approved", "anonymous", None)
    assert seen["moderated_at"] == approved["moderated_at"]
    assert crowd.host.known.questions[question["id"]]["moderator_user_id"] == HOST
    assert crowd.host.known.questions[question["id"]]["asker_user_id"] == "bob"
    assert [one["status"] for one in crowd.bob.known.me["questions"]] == ["approved"]
    assert b"bob" not in crowd.ann.octets


async def test_without_moderation_a_question_is_new_to_everybody_at_once(crowd: Crowd) -> None:
    await crowd.stage.say(moderation=False)
    await crowd.ann.hears("snapshot")
    question = await crowd.stage.ask("Why?", user="bob")
    for one in (crowd.ann, crowd.bob, crowd.host):
        assert (await one.hears("question"))["change"] == "added"
        assert known_to(one) == {question["id"]}


async def test_a_question_dismissed_while_it_waits_was_never_there_for_the_others(crowd: Crowd) -> None:
    question = await crowd.stage.ask("Why?", user="bob")
    await crowd.host.hears("question")
    await crowd.stage.judge(question, "dismissed")
    await crowd.have_heard()
    assert questions_in(crowd.ann) == questions_in(crowd.bob) == []
    assert question["id"].encode() not in crowd.ann.octets
    assert [one["status"] for one in crowd.bob.known.me["questions"]] == ["dismissed"]
    assert crowd.host.named("question")[-1]["question"]["status"] == "dismissed"


async def test_a_question_that_its_asker_takes_back_is_dismissed_by_nobody(crowd: Crowd) -> None:
    question = await crowd.stage.ask("Why?", user="bob")
    await crowd.host.hears("question")
    await crowd.stage.judge(question, "dismissed", user="bob")
    await crowd.have_heard()
    told = crowd.host.named("question")[-1]["question"]
    assert (told["status"], told["moderated_at"], told["moderator_user_id"]) == ("dismissed", None, None)
    assert questions_in(crowd.ann) == []


async def test_a_question_dismissed_after_it_was_approved_goes_for_everybody(crowd: Crowd) -> None:
    question = await crowd.stage.asked("Why?", user="bob")
    await crowd.ann.until(lambda: known_to(crowd.ann), "it is there")
    await crowd.stage.judge(question, "dismissed")
    await crowd.have_heard()
    assert crowd.ann.named("question")[-1] == {"change": "removed", "question_id": question["id"], "question": None}
    assert [known_to(one) for one in (crowd.ann, crowd.bob, crowd.host)] == [set()] * 3
    assert [one["status"] for one in crowd.bob.known.me["questions"]] == ["dismissed"]


async def test_an_answered_question_stays(crowd: Crowd) -> None:
    question = await crowd.stage.asked("Why?", user="bob")
    await crowd.ann.until(lambda: known_to(crowd.ann), "it is there")
    await crowd.stage.judge(question, "answered")
    await crowd.have_heard()
    statuses = [one.known.questions[question["id"]]["status"] for one in (crowd.ann, crowd.bob, crowd.host)]
    assert statuses == ["answered"] * 3


async def test_votes_are_told_as_counts_alone(crowd: Crowd) -> None:
    question = await crowd.stage.asked("Why?", user="bob")
    await crowd.have_heard()  # all of it: a vote that comes together with the approval is told with the question
    for one in (crowd.ann, crowd.bob, crowd.host):
        one.forget()
    await crowd.stage.vote(question, user="zoe")
    for one in (crowd.ann, crowd.bob, crowd.host):
        await one.hears("votes")
        assert one.named("votes")[0] == {"counts": {question["id"]: 1}}
        assert one.known.questions[question["id"]]["vote_count"] == 1
    assert b"zoe" not in crowd.ann.octets + crowd.host.octets


async def test_a_vote_that_is_taken_back_is_told(crowd: Crowd) -> None:
    question = await crowd.stage.asked("Why?", user="bob")
    await crowd.stage.vote(question, user="zoe")
    await crowd.ann.until(lambda: _count(crowd.ann, question) == 1, "a vote")
    await crowd.stage.vote(question, user="zoe", method="DELETE")
    await crowd.ann.until(lambda: _count(crowd.ann, question) == 0, "none")


async def test_what_is_pinned_replaced_and_unpinned_is_told_to_everybody(crowd: Crowd) -> None:
    first, second = [await crowd.stage.asked(body, user="bob") for body in ("One?", "Two?")]
    for pinned, method, known in ((first, "POST", first), (second, "POST", second), (second, "DELETE", None)):
        await crowd.stage.pin(pinned, method=method)
        for one in (crowd.ann, crowd.bob, crowd.host):
            wanted = known and known["id"]
            await one.until(lambda one=one, wanted=wanted: one.known.pinned == wanted, "the pin")  # type: ignore[misc]


async def test_what_is_dismissed_is_pinned_no_longer(crowd: Crowd) -> None:
    question = await crowd.stage.asked("Why?", user="bob")
    await crowd.stage.pin(question)
    await crowd.ann.until(lambda: crowd.ann.known.pinned, "it is pinned")
    await crowd.stage.judge(question, "dismissed")
    await crowd.ann.until(lambda: crowd.ann.known.pinned is None, "it is not")
    assert not known_to(crowd.ann)


async def test_what_the_host_edits_is_told_to_everybody(crowd: Crowd) -> None:
    await crowd.stage.edit(title="Another", max_participants=7)
    for one in (crowd.ann, crowd.bob, crowd.host):
        await one.until(lambda one=one: one.known.session["title"] == "Another", "the title")  # type: ignore[misc]
        assert one.known.session["max_participants"] == 7


async def test_another_time_is_told(stage: Stage) -> None:
    scheduled = await staged(stage.server, stage.http, stage.tenant, live=False)
    async with scheduled.watching() as ann:
        await ann.begun()
        await scheduled.edit(scheduled_at="2027-04-01T10:00:00Z")
        await ann.until(lambda: ann.known.session["scheduled_at"] == "2027-04-01T10:00:00.000Z", "the time")


async def test_start_and_end_are_told(stage: Stage) -> None:
    scheduled = await staged(stage.server, stage.http, stage.tenant, live=False)
    async with scheduled.watching() as ann:
        await ann.begun()
        live = await scheduled.step("start")
        await ann.until(lambda: ann.known.session["status"] == "live", "it is live")
        ended = await scheduled.step("end")
        await ann.until(lambda: ann.known.session["status"] == "ended", "it has ended")
    assert ann.known.session["started_at"] == live["started_at"]
    assert ann.known.session["ended_at"] == ended["ended_at"]


async def test_a_cancellation_is_told(stage: Stage) -> None:
    scheduled = await staged(stage.server, stage.http, stage.tenant, live=False)
    async with scheduled.watching() as ann:
        await ann.begun()
        await scheduled.step("cancel")
        await ann.until(lambda: ann.known.session["status"] == "cancelled", "the status")


async def test_a_registration_is_told_to_everybody_as_a_count_and_to_its_own_person(crowd: Crowd) -> None:
    registered = await crowd.stage.register("ann")
    await crowd.bob.until(lambda: crowd.bob.known.session["registered_count"] == 1, "a seat less")
    me = await crowd.ann.hears("me")
    assert me["registration"] == {name: registered[name] for name in me["registration"]}
    await crowd.have_heard()
    assert crowd.bob.named("me") == []
    assert b"ann" not in crowd.bob.octets


async def test_a_cancelled_registration_is_told_to_its_own_person(crowd: Crowd) -> None:
    await crowd.stage.register("ann")
    await crowd.ann.until(lambda: crowd.ann.known.me["registration"], "a seat")
    await crowd.stage.cancel("ann")
    await crowd.ann.until(lambda: crowd.ann.known.me["registration"]["status"] == "cancelled", "none")
    await crowd.bob.until(lambda: crowd.bob.known.session["registered_count"] == 0, "a free seat")


async def test_who_moves_up_from_the_line_is_told(stage: Stage) -> None:
    scheduled = await staged(stage.server, stage.http, stage.tenant, live=False, max_participants=1)
    await scheduled.register("bob")
    await scheduled.register("ann")
    async with scheduled.watching("ann") as ann:
        await ann.begun()
        assert ann.known.me["registration"]["status"] == "waitlist"
        await scheduled.cancel("bob")
        await ann.until(lambda: ann.known.me["registration"]["status"] == "registered", "a seat")


async def test_raised_capacity_is_told_with_those_who_moved_up(stage: Stage) -> None:
    scheduled = await staged(stage.server, stage.http, stage.tenant, live=False, max_participants=1)
    for user in ("bob", "ann"):
        await scheduled.register(user)
    async with scheduled.watching("ann") as ann:
        await ann.begun()
        await scheduled.edit(max_participants=2)
        await ann.until(lambda: ann.known.me["registration"]["status"] == "registered", "a seat")
        await ann.until(lambda: ann.known.session["registered_count"] == 2, "two seats")


async def test_all_connections_of_a_person_are_told_what_is_theirs(stage: Stage) -> None:
    async with stage.watching("ann") as first, stage.watching("ann") as second:
        await first.begun()
        await second.begun()
        await stage.ask("Mine?", user="ann")
        for one in (first, second):
            assert [mine["body"] for mine in (await one.hears("me", after=2))["questions"]] == ["Mine?"]


async def test_what_is_known_at_the_end_is_what_somebody_who_comes_then_is_told(crowd: Crowd) -> None:
    stage = crowd.stage
    questions = [await stage.asked(f"Number {number}?", user=f"p{number}") for number in range(6)]
    for number, question in enumerate(questions):
        for voter in range(number):
            await stage.vote(question, user=f"v{voter}")
    await stage.judge(questions[0], "dismissed")
    await stage.judge(questions[1], "answered")
    await stage.pin(questions[2])
    await stage.ask("Mine?", user="bob")
    await crowd.have_heard()
    for listener, user in ((crowd.ann, "ann"), (crowd.bob, "bob"), (crowd.host, HOST)):
        assert listener.known.state == (await stage.seen_by(user)).known.state


def _count(listener: Listener, question: Json) -> int | None:
    known = listener.known.questions.get(question["id"], {})
    return known.get("vote_count")
