"""Who carries a session's call: the session says, else its brand, else the program; and where nobody does."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.calls.doors import brand_says, call_row, read_pass, room_of, say, step, word_of
from tests.calls.stage import ProviderName, Stage, from_now, on_stage
from tests.postgres import Owner, TestDatabase
from tests.providers.fake_provider import FakeServer, running_fake
from tests.registrations.people import answered, seats_of
from tests.server import Server, running_server
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

Played = tuple[Server, FakeServer]

NOT_SET_UP = ["none", "livekit"]


@pytest.fixture(scope="module")
def of_one(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A server that has GetStream alone."""
    with running_fake() as fake:
        settings = {**fake.getstream_settings(), "GREENROOM_BACKGROUND": "off"}
        with running_server(database, tmp_path_factory.mktemp("one"), settings=settings) as server:
            yield server, fake


@pytest.fixture
async def alone(of_one: Played, tenant: Tenant) -> AsyncIterator[Stage]:
    async with on_stage(*of_one, "getstream", tenant) as standing:
        yield standing


async def carried_by(stage: Stage, session: Json, owner: Owner) -> str:
    """Who makes the token of the session's host, as the call's row has it too."""
    token = answered(await stage.join(session, "host_1"), 200)["token"]
    carrier: ProviderName = "livekit" if "." in token and _is_livekits(token) else "getstream"
    row = await call_row(owner, session)
    assert row is not None
    assert (row["provider"], row["made_at"] is not None) == (carrier, True)
    assert session["id"] in (stage.fake.livekit if carrier == "livekit" else stage.fake.getstream).calls()
    return carrier


def _is_livekits(token: str) -> bool:
    try:
        read_pass(token, "livekit")
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it is not LiveKit's
        return False
    return True


@pytest.mark.parametrize(("brand", "session", "carrier"), [
    (None, None, "getstream"), ("livekit", None, "livekit"), (None, "livekit", "livekit"),
    ("livekit", "getstream", "getstream"), ("none", "livekit", "livekit"),
])  # fmt: skip
async def test_the_session_says_else_its_brand_else_the_program(
    *, stage: Stage, owner: Owner, brand: str | None, session: str | None, carrier: str
) -> None:
    await brand_says(stage, video_provider=brand)
    made = await stage.session()
    await say(stage, made, video_provider=session)
    assert await carried_by(stage, made, owner) == carrier


async def test_a_provider_that_is_changed_before_the_call_is_made_is_the_calls_and_afterwards_not(
    stage: Stage, owner: Owner
) -> None:
    session = await stage.session()
    await say(stage, session, video_provider="livekit")
    await say(stage, session, video_provider="getstream")
    assert await carried_by(stage, session, owner) == "getstream"
    await say(stage, session, video_provider="livekit")
    assert await carried_by(stage, session, owner) == "getstream"


async def test_a_provider_that_failed_gives_way_to_the_one_that_is_named_next(stage: Stage, owner: Owner) -> None:
    session = await stage.session()
    stage.fake.misbehave("fail", operation="get_or_create_call", status=400)
    assert_refused(await stage.join(session, "host_1"), "provider_error")
    await say(stage, session, video_provider="livekit")
    assert await carried_by(stage, session, owner) == "livekit"


@pytest.mark.parametrize("by", ["brand", "session"])
@pytest.mark.parametrize("named", NOT_SET_UP)
async def test_where_nobody_carries_it_the_session_works_and_joining_does_not(
    alone: Stage, owner: Owner, named: str, by: str
) -> None:
    if by == "brand":
        await brand_says(alone, video_provider=named)
    session = await alone.session()
    if by == "session":
        await say(alone, session, video_provider=named)
    await alone.register(session, "anna")
    await refuses_all(alone, session, "anna", "host_1")
    assert (await step(alone, session, "start"))["status"] == "live"
    await refuses_all(alone, session, "anna", "host_1", "walk_in_1")
    assert await seats_of(owner, room_of(alone, session)) == (1, 0)
    assert await call_row(owner, session) is None
    assert (await step(alone, session, "end"))["status"] == "ended"
    assert (await alone.seen(session))["stream_call_id"] is None


async def refuses_all(stage: Stage, session: Json, *users: str) -> None:
    for user in users:
        assert_refused(await stage.join(session, user), "not_configured", names="provider")


async def test_without_any_provider_sessions_work(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    session = await tenant.session(http, scheduled_at=from_now(5))
    path = f"/v1/sessions/{session['id']}"
    for verb, status in (("start", "live"), ("end", "ended")):
        joined = await http.post(f"{path}/join", json={"user_id": "host_1"}, headers=tenant.bearer())
        assert_refused(joined, "not_configured")
        assert_refused(await http.get(f"{path}/chat-token", headers=tenant.bearer()), "not_configured")
        assert answered(await tenant.step(http, session, verb), 200)["status"] == status
    body = {"host_user_id": "host_1", "title": "Ask"}
    assert_refused(await http.post("/v1/live/calls", json=body, headers=tenant.bearer()), "not_configured")
    assert await call_row(owner, session) is None


async def test_what_a_person_may_not_is_told_before_that_nobody_carries_it(alone: Stage) -> None:
    session = await alone.session(minutes=24 * 60)
    await say(alone, session, video_provider="none")
    response = await alone.http.post(
        f"/v1/sessions/{session['id']}/join", json={"user_id": "ben"}, headers=alone.tenant.bearer("anna")
    )
    assert_refused(response, "forbidden")
    await step(alone, session, "cancel")
    assert_refused(await alone.join(session, "anna"), "not_joinable")


async def test_a_host_whose_id_the_provider_cannot_hold_has_no_call(stage: Stage, owner: Owner) -> None:
    name = "é" * 200
    headers = stage.tenant.bearer("manager_1", scope="manage:live")
    wanted = stage.tenant.wanted(host_id=name, scheduled_at=from_now(5))
    session = answered(await stage.http.post("/v1/sessions", json=wanted, headers=headers), 201)
    await stage.register(session, "anna")
    assert_refused(await stage.join(session, "anna"), "provider_error", never=[name])
    assert word_of(await stage.join(session, "anna")) == "provider_error"
    row = await call_row(owner, session)
    assert row is not None
    assert (row["made_at"], row["is_being_made"]) == (None, False)
