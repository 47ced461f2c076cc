"""Who moderates, and whose names are shown, changes while people watch."""

from tests.stream.listening import Listener
from tests.stream.stage import HOST, Stage


def asker_in(listener: Listener) -> set[str]:
    return {one["asker_user_id"] for one in listener.known.questions.values()}


async def test_names_are_shown_as_soon_as_the_session_says_so(stage: Stage) -> None:
    await stage.asked("Why?", user="bob")
    async with stage.watching("ann") as ann:
        await ann.begun()
        assert asker_in(ann) == {"anonymous"}
        await stage.say(anonymous=False)
        await ann.hears("snapshot", after=2)
        assert asker_in(ann) == {"bob"}


async def test_names_are_hidden_as_soon_as_the_session_says_so(stage: Stage) -> None:
    await stage.say(anonymous=False)
    await stage.asked("Why?", user="bob")
    await stage.hung()
    async with stage.watching("ann") as ann:
        await ann.begun()
        await stage.ring(ann)  # else a snapshot may still come because the names were shown
        assert asker_in(ann) == {"bob", HOST}
        heard = len(ann.events)
        await stage.say(anonymous=True)
        await ann.until(lambda: "snapshot" in ann.names[heard:], "a snapshot")
        assert asker_in(ann) == {"anonymous"}
        heard = len(ann.octets)
        await stage.asked("And why?", user="zoe")
        await ann.until(lambda: len(ann.known.questions) == 3, "another question")
        assert b"zoe" not in ann.octets[heard:]


async def test_names_are_shown_and_hidden_as_the_brand_says(stage: Stage) -> None:
    await stage.asked("Why?", user="bob")
    await stage.hung()
    async with stage.watching("ann") as ann:
        await ann.begun()
        await stage.ring(ann)  # else the question itself may be told only when the brand has changed its mind
        await stage.brand_says(anonymous=False)
        await ann.until(lambda: asker_in(ann) == {"bob", HOST}, "the names")
        await stage.brand_says(anonymous=True)
        await ann.until(lambda: asker_in(ann) == {"anonymous"}, "none")
    assert ann.names.count("snapshot") == 3


async def test_what_the_session_says_itself_the_brand_does_not_change(stage: Stage) -> None:
    await stage.say(anonymous=True)
    await stage.asked("Why?", user="bob")
    async with stage.watching("ann") as ann:
        await ann.begun()
        await stage.brand_says(anonymous=False)
        await ann.until(lambda: len(ann.events) > 2, "something")
        await stage.edit(title="Later")
        await ann.until(lambda: ann.known.session["title"] == "Later", "the title")
    assert b"bob" not in ann.octets


async def test_moderators_know_the_names_all_along(stage: Stage) -> None:
    await stage.asked("Why?", user="bob")
    async with stage.watching(HOST) as host:
        await host.begun()
        for anonymous in (False, True):
            await stage.say(anonymous=anonymous)
            assert asker_in(host) == {"bob"}
    assert b"anonymous" not in host.octets


async def test_who_becomes_a_co_host_begins_anew_as_a_moderator(stage: Stage) -> None:
    waiting = await stage.ask("Why?", user="bob")
    async with stage.watching("ann") as ann:
        await ann.begun()
        assert (ann.known.questions, ann.known.me["is_moderator"]) == ({}, False)
        await stage.co_host("ann")
        await ann.until(lambda: ann.known.me["is_moderator"], "she moderates")
        assert ann.known.questions == {waiting["id"]: waiting}
        another = await stage.ask("And why?", user="zoe")
        await ann.until(lambda: another["id"] in ann.known.questions, "another question")


async def test_who_is_a_co_host_no_longer_begins_anew_as_anybody(stage: Stage) -> None:
    await stage.co_host("ann")
    await stage.ask("Why?", user="bob")
    async with stage.watching("ann") as ann:
        await ann.begun()
        assert len(ann.known.questions) == 1
        await stage.co_host("ann", method="DELETE")
        await ann.until(lambda: not ann.known.me["is_moderator"], "she moderates no more")
        assert ann.known.questions == {}
        ann.forget()
        await stage.ask("A secret?", user="zoe")
        await stage.asked("In public?", user="zoe")
        await ann.until(lambda: "In public?" in ann.known.bodies(), "a question")
        assert b"A secret?" not in ann.octets
        assert b"zoe" not in ann.octets


async def test_all_connections_of_a_co_host_begin_anew(stage: Stage) -> None:
    async with stage.watching("ann") as first, stage.watching("ann") as second, stage.watching("bob") as bob:
        for one in (first, second, bob):
            await one.begun()
        await stage.co_host("ann")
        for one in (first, second):
            await one.until(lambda one=one: one.known.me["is_moderator"], "she moderates")  # type: ignore[misc]
        await bob.hears("snapshot", after=2)
        assert not bob.known.me["is_moderator"]


async def test_one_who_manages_moderates_whoever_hosts(stage: Stage) -> None:
    waiting = await stage.ask("Why?", user="bob")
    async with stage.watching("max", scope="manage:live") as manager:
        await manager.begun()
        await stage.co_host("ann")
        await stage.edit(title="Later")
        await manager.until(lambda: manager.known.session["title"] == "Later", "the title")
    assert manager.known.me["is_moderator"]
    assert manager.names.count("me") == 1
    assert manager.known.questions == {waiting["id"]: waiting}
