"""A call is made once, however many come at that moment, and whatever the provider does then. docs/decisions/0025."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.calls.doors import BARRED, call_row, room_of, step, with_everybody, word_of
from tests.calls.stage import ProviderName, Stage, on_stage, playing
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.providers.fake_provider import FakeServer, running_fake
from tests.registrations.people import seats_of
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

CROWD = 200
PATIENCE_SECONDS = 2.5  # 2 s, and what is around them
LEASE_SECONDS = 5.0
MAKES: dict[ProviderName, str] = {"getstream": "get_or_create_call", "livekit": "CreateRoom"}
QUIET = {"GREENROOM_BACKGROUND": "off"}

Played = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def played(scratch: TestDatabase, tmp_path: Path, provider: ProviderName, tenant: Tenant) -> Played:
    """A Greenroom of the test's own at each provider: what one test makes of the circuit is no other's."""

    @asynccontextmanager
    async def opened(*, workers: int = 1, settings: dict[str, str] | None = None) -> AsyncIterator[Stage]:
        with playing(scratch, tmp_path, provider, settings=QUIET if settings is None else settings, workers=workers) as both:
            async with on_stage(*both, provider, tenant) as standing:
                yield standing

    return opened


async def opening(stage: Stage, *, seats: int = 1000) -> Json:
    """A session that lets everybody in, whose call is not made."""
    session = await stage.session(max_participants=seats)
    await step(stage, session, "start")
    return session


async def crowd(stage: Stage, session: Json, people: int = CROWD) -> Counter[str]:
    """What so many are told who come at once."""
    answers = await asyncio.gather(*(stage.join(session, f"fan_{number}") for number in range(people)))
    return Counter(word_of(answer) for answer in answers)


async def timed(join: "asyncio.Task[httpx.Response] | asyncio.Future[httpx.Response]") -> float:
    began = time.monotonic()
    await join
    return time.monotonic() - began


async def asked(stage: Stage) -> None:
    """Return when the provider is being asked to make a call."""

    async def is_asked() -> bool:
        return stage.creations > 0

    await eventually(is_asked, "the provider is asked")


@pytest.mark.parametrize("workers", [1, 2])
async def test_of_two_hundred_who_come_at_once_one_makes_the_call(played: Played, registrar: Owner, workers: int) -> None:
    async with played(workers=workers) as stage:
        session = await opening(stage)
        assert await crowd(stage, session) == {"in": CROWD}
        assert stage.creations == 1
        assert await seats_of(registrar, room_of(stage, session)) == (CROWD, 0)
        assert "error" not in stage.server.log_text()


@pytest.mark.parametrize("workers", [1, 2])
async def test_while_the_provider_is_slow_all_wait_for_the_one_call(played: Played, registrar: Owner, workers: int) -> None:
    async with played(workers=workers, settings={}) as stage:  # and the keeper, who would make it too
        session = await stage.session(max_participants=1000)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=1.0)
        await step(stage, session, "start")
        assert await crowd(stage, session, 50) == {"in": 50}
        assert stage.creations == 1
        assert await seats_of(registrar, room_of(stage, session)) == (50, 0)


async def test_a_provider_that_does_not_answer_keeps_nobody_waiting_and_takes_no_seat(played: Played, registrar: Owner) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=5.0)
        began = time.monotonic()
        told = await crowd(stage, session, 20)
        assert time.monotonic() - began < PATIENCE_SECONDS
        assert set(told) <= {"provider_error", "unavailable"}
        assert await seats_of(registrar, room_of(stage, session)) == (0, 0)
        await assert_unmade(stage, registrar, session)
        stage.fake.behave()
        assert word_of(await stage.join(session, "anna")) == "in"
        assert await seats_of(registrar, room_of(stage, session)) == (1, 0)


async def test_the_other_process_waits_no_longer(played: Played, registrar: Owner) -> None:
    async with played(workers=2) as stage:
        session = await opening(stage)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=5.0)
        began = time.monotonic()
        told = await crowd(stage, session, 40)
        assert time.monotonic() - began < PATIENCE_SECONDS
        assert set(told) <= {"provider_error", "unavailable"}
        assert stage.creations <= 2
        assert await seats_of(registrar, room_of(stage, session)) == (0, 0)


async def assert_unmade(stage: Stage, owner: Owner, session: Json) -> None:
    """Nothing is there by half, and nobody is making it."""
    row = await call_row(owner, session)
    assert row is not None
    assert (row["made_at"], row["is_being_made"]) == (None, False)
    assert (await stage.seen(session))["stream_call_id"] is None


@pytest.mark.parametrize("kind", ["fail", "cut", "garbage"])
async def test_a_provider_that_fails_leaves_nothing_by_half_and_then_recovers(
    played: Played, registrar: Owner, kind: str
) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave(kind, operation=MAKES[stage.provider])  # type: ignore[arg-type]  # one of its kinds
        refused = await stage.join(session, "anna")
        assert_refused(refused, "provider_error", never=[stage.fake.url])
        await assert_unmade(stage, registrar, session)
        assert await seats_of(registrar, room_of(stage, session)) == (0, 0)
        stage.fake.behave()
        assert word_of(await stage.join(session, "anna")) == "in"
        assert (await stage.seen(session))["stream_call_id"] == session["id"]
        assert await seats_of(registrar, room_of(stage, session)) == (1, 0)


async def test_a_provider_that_fails_once_is_asked_again_and_nobody_notices(played: Played) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave("fail", operation=MAKES[stage.provider], times=1)
        assert await crowd(stage, session, 20) == {"in": 20}
        assert stage.creations == 2


async def test_a_provider_that_is_down_is_not_asked_for_a_while(played: Played) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave("fail", provider=stage.provider)  # whatever it is asked: one answer would close the circuit
        for user in ("anna", "ben"):
            assert_refused(await stage.join(session, user), "provider_error")
        before = stage.creations
        began = time.monotonic()
        refused = await stage.join(session, "cleo")
        assert time.monotonic() - began < 0.5
        assert_refused(refused, "provider_error")
        assert 0 < int(refused.headers["retry-after"]) <= 10
        assert stage.creations == before


async def test_a_call_that_is_made_needs_the_provider_no_more(played: Played) -> None:
    async with played() as stage:
        session = await opening(stage)
        assert word_of(await stage.join(session, "anna")) == "in"
        stage.fake.misbehave("cut")
        assert await crowd(stage, session, 20) == {"in": 20}


async def test_who_gives_up_waiting_takes_nothing_from_the_others(played: Played, registrar: Owner) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=1.0)
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=stage.server.url, timeout=0.3) as hasty:
            impatient = Stage(stage.server, stage.fake, stage.provider, stage.tenant, hasty)
            with pytest.raises(httpx.ReadTimeout):
                await impatient.join(session, "anna")
        assert await crowd(stage, session, 10) == {"in": 10}
        assert stage.creations == 1
        seats, _ = await seats_of(registrar, room_of(stage, session))
        assert seats in {10, 11}


async def test_who_is_not_let_in_is_told_so_whatever_becomes_of_the_call(played: Played) -> None:
    async with played() as stage:
        session = await with_everybody(stage)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=5.0)
        joining = asyncio.ensure_future(stage.join(session, "seat_1"))
        await asked(stage)
        began = time.monotonic()
        assert_refused(await stage.join(session, BARRED), "forbidden")
        assert time.monotonic() - began < PATIENCE_SECONDS
        assert word_of(await joining) in {"provider_error", "unavailable"}


async def test_nothing_of_the_session_is_locked_while_the_provider_is_asked(played: Played) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=1.5)
        joining = asyncio.ensure_future(stage.join(session, "anna"))
        await asked(stage)
        began = time.monotonic()
        patched = await stage.tenant.patch(stage.http, session, {"title": "Another", "max_participants": 5})
        await stage.register(session, "ben")
        await room_of(stage, session).leave("ben")
        assert time.monotonic() - began < 1.0
        assert not joining.done()
        assert patched.status_code == 200
        assert word_of(await joining) == "in"
        assert (await stage.seen(session))["title"] == "Another"


async def test_a_session_that_ends_while_its_call_is_made_lets_nobody_in(played: Played, registrar: Owner) -> None:
    async with played() as stage:
        session = await opening(stage)
        stage.fake.misbehave("slow", operation=MAKES[stage.provider], seconds=1.0)
        joining = asyncio.ensure_future(stage.join(session, "anna"))
        await asked(stage)
        await step(stage, session, "end")
        assert_refused(await joining, "not_joinable")
        assert await seats_of(registrar, room_of(stage, session)) == (0, 0)


@pytest.fixture
def two(scratch: TestDatabase, tmp_path: Path, provider: ProviderName) -> Iterator[tuple[FakeServer, Server, Server]]:
    """Two Greenrooms on one database, at one provider."""
    directories = [tmp_path / "one", tmp_path / "other"]
    for directory in directories:
        directory.mkdir()
    with running_fake() as fake:
        of_provider = fake.getstream_settings() if provider == "getstream" else fake.livekit_settings()
        settings = {**of_provider, **QUIET}
        with (
            running_server(scratch, directories[0], settings=settings) as one,
            running_server(scratch, directories[1], settings=settings) as other,
        ):
            yield fake, one, other


async def test_what_a_process_was_making_when_it_was_killed_another_makes(
    two: tuple[FakeServer, Server, Server], provider: ProviderName, tenant: Tenant, registrar: Owner
) -> None:
    fake, one, other = two
    async with on_stage(one, fake, provider, tenant) as first, on_stage(other, fake, provider, tenant) as second:
        session = await opening(second)
        fake.misbehave("slow", operation=MAKES[provider], seconds=30.0, times=1)
        joining = asyncio.ensure_future(first.join(session, "anna"))
        await asked(first)
        one.process.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        with pytest.raises(httpx.TransportError):
            await joining
        refused = await second.join(session, "ben")
        assert_refused(refused, "unavailable")  # somebody else is at it, for all that is known
        assert time.monotonic() - killed_at < PATIENCE_SECONDS
        assert int(refused.headers["retry-after"]) >= 1

        async def is_in() -> bool:
            return word_of(await second.join(session, "ben")) == "in"

        await eventually(is_in, "the call is made", seconds=LEASE_SECONDS + PATIENCE_SECONDS)
        assert first.creations == 2
        assert await seats_of(registrar, room_of(second, session)) == (1, 0)
