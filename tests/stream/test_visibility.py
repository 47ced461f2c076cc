"""Whatever people do, in whatever order: nobody is told what they may not see, and in the end everybody knows what is true."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct

import greenroom
from tests.faults.waiting import eventually
from tests.faults.wire import wire_to
from tests.fuzz.budget import EXAMPLES
from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.stream.hurry import hurried_server
from tests.stream.room import ANN, BOB, CO_HOST, HOST, PEOPLE, Act
from tests.stream.watched_room import SETTLED_SECONDS, watched_room

MOST_ACTS = 40

ANYBODY, ASKERS, MODERATORS = (
    st.sampled_from(PEOPLE),
    st.sampled_from([ANN, BOB, ANN, BOB, HOST]),
    st.sampled_from([HOST, CO_HOST]),
)
NTH, WAY = st.integers(0, 3), st.integers(0, 2)

# What makes questions appear is done more often than what takes them away, by those who may more often than by others.
AN_ACT = st.one_of(
    st.builds(Act, st.just("ask"), ASKERS),
    st.builds(Act, st.sampled_from(["approve", "approve", "dismiss", "answer", "pin"]), MODERATORS, NTH),
    st.builds(Act, st.sampled_from(["vote", "vote", "take_back", "dismiss"]), ASKERS, NTH),
    st.builds(Act, st.sampled_from(["ask", "approve", "dismiss", "answer", "vote", "pin", "unpin"]), ANYBODY, NTH),
    st.builds(Act, st.sampled_from(["anonymous", "brand_anonymous", "moderation", "co_host", "co_host"]), st.just(HOST), WAY),
    st.builds(Act, st.sampled_from(["leave", "come", "come_back", "come_back"]), ANYBODY, st.integers(0, 30)),
    st.builds(Act, st.just("wait"), st.just(HOST), NTH),
    st.builds(Act, st.just("read"), ANYBODY),
)
SETTINGS = settings(
    deadline=None, database=None, phases=[Phase.generate],  # a race need not show again: nothing is shrunk
    max_examples=EXAMPLES, suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def processes(
    server: Server, database: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    """One as it is, and one that tells what happens as soon as it has happened."""
    with hurried_server(
        database, tmp_path_factory.mktemp("hurried"), LOOK_SECONDS=0.01, FRAME_SECONDS=0.01, TEND_SECONDS=0.1, CHECK_SECONDS=0.3
    ) as hurried:
        yield server, hurried


async def acted(servers: Sequence[Server], acts: Sequence[Act], *, seconds: float = SETTLED_SECONDS) -> None:
    """People act and watch; every promise of the model is kept."""
    async with watched_room(servers) as watched:
        for act in acts:
            await watched.perform(act)
        await watched.settle(seconds=seconds)


WAITS = Act("wait", number=12)


@SETTINGS
@given(acts=st.lists(AN_ACT, min_size=MOST_ACTS // 2, max_size=MOST_ACTS))
async def test_nobody_is_told_what_they_may_not_see_and_all_end_with_what_is_true(
    processes: tuple[Server, Server], acts: list[Act]
) -> None:
    await acted(processes, acts)


class Slip(Struct, frozen=True):
    """A line of the service that is not as it should be, and what people do then."""

    file: str
    line: str
    wrong: str
    acts: list[Act]


ASKED = [Act("ask", ANN), WAITS]
SLIPS = {
    "everybody is told what waits": Slip(
        "stream/frames.py", 'audience == "moderators" or question.status in SEEN_BY_ALL', "question.status != audience", ASKED
    ),
    "everybody is told who asked": Slip(
        "stream/frames.py", 'Viewer(None, audience == "moderators", state.session.hides_askers)',
        'Viewer(None, audience == "moderators", False)', [*ASKED, Act("approve"), WAITS],
    ),
    "the list says who asked": Slip(
        "questions/listing.py", "Viewer(caller.user, page.is_moderator, page.hides_askers)",
        "Viewer(caller.user, page.is_moderator, False)", [*ASKED, Act("approve"), Act("read", BOB)],
    ),
    "a co-host is one for ever": Slip(
        "stream/engine.py", "if is_moderator != watcher.is_moderator:", "if is_moderator and not watcher.is_moderator:",
        [Act("co_host"), WAITS, *ASKED],
    ),
    "nobody is told that a name is hidden again": Slip(
        "stream/news.py", 'RENEWING = frozenset({"settings", "settings.anonymous", "co_host_ids"})',
        'RENEWING = frozenset({"co_host_ids"})',
        [Act("brand_anonymous", number=1), *ASKED, Act("approve"), WAITS, Act("anonymous")],
    ),
    "what was dismissed is shown on": Slip(
        "stream/frames.py", "sorted(window.vanished - known.keys())", "()",
        [*ASKED, Act("approve"), WAITS, Act("dismiss")],
    ),
    "who comes back misses what came": Slip(
        "stream/channel.py", "if position < one.position <= self.position", "if position > self.position",
        [*ASKED, Act("approve"), WAITS, Act("leave", BOB), Act("vote", ANN), WAITS],
    ),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS.values(), ids=list(SLIPS))
async def test_a_service_with_a_slip_is_found_out(slip: Slip, database: TestDatabase, tmp_path: Path) -> None:
    """The negative control: the same people, and a service in which one line is wrong."""
    source = Path(greenroom.__file__).parent
    shutil.copytree(source, tmp_path / "greenroom")
    wrong = tmp_path / "greenroom" / slip.file
    assert wrong.read_text().count(slip.line) == 1
    wrong.write_text(wrong.read_text().replace(slip.line, slip.wrong))
    with running_server(database, tmp_path, source=tmp_path) as careless, pytest.raises(AssertionError):
        await acted([careless], slip.acts, seconds=3)


@pytest.mark.parametrize("slip", SLIPS.values(), ids=list(SLIPS))
async def test_a_service_without_it_is_not(slip: Slip, processes: tuple[Server, Server]) -> None:
    await acted(processes[:1], slip.acts)


async def test_a_co_host_who_is_one_no_longer_by_the_time_of_the_first_word_is_told_as_a_participant(
    database: TestDatabase, tmp_path: Path
) -> None:
    with wire_to(database, word="1 as part") as wire, running_server(wire.database, tmp_path) as server:
        async with watched_room([server]) as watched, AsyncExitStack() as stack:
            await watched.perform(Act("leave", CO_HOST))

            async def held() -> bool:
                return wire.held == 1

            wire.fates = ["held"]  # what is told first is looked up, and takes its time
            coming = asyncio.create_task(stack.enter_async_context(watched.watching(CO_HOST)))
            await eventually(held, "what is told first is held")
            await watched.perform(Act("co_host"))
            await watched.perform(Act("ask", ANN))
            await watched.settle_one(HOST)
            wire.go()
            co_host = await coming
            await co_host.begun()
    assert (co_host.known.me["is_moderator"], co_host.known.questions) == (False, {})


async def test_who_became_a_co_host_while_away_is_told_what_waits_though_the_news_of_it_comes_later(
    database: TestDatabase, tmp_path: Path
) -> None:
    with wire_to(database, word="position > $1 order by position") as wire, running_server(wire.database, tmp_path) as server:
        async with watched_room([server]) as watched:
            await watched.perform(Act("co_host"))
            await watched.perform(Act("ask", ANN))
            for who in (HOST, CO_HOST):
                await watched.settle_one(who)
            await watched.perform(Act("leave", CO_HOST))
            wire.fates = ["held"] * 4  # whoever reads what came to pass does not hear of it yet
            await watched.perform(Act("co_host"))
            await watched.perform(Act("come_back", CO_HOST, -1))
            wire.fates.clear()
            wire.go()
            await watched.settle_one(CO_HOST)
