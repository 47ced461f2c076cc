"""Introspected tokens (RFC 7662): against a real server, and against one that misbehaves."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest

from greenroom.identity.claims import ClaimNames
from greenroom.identity.introspection import REFUSED_SECONDS, IntrospectedTokens
from greenroom.kit.errors import InvalidToken, Unavailable
from tests.identity.forge import NOW
from tests.identity.oidc import AUDIENCE, CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.identity.remote import (
    MISBEHAVIOUR,
    PATIENT_SECONDS,
    SECONDS,
    Clock,
    FakeServer,
    Json,
    fake_server,
    introspected,
    plain,
    saying,
)

ACTIVE: Json = {"active": True, "sub": "ann", "client_id": "app", "scope": "read:live", "brand": "acme", "exp": int(NOW) + 3600}
INACTIVE: Json = {"active": False}
CACHE_SECONDS = 60.0


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def today() -> Clock:
    """A clock that a real server agrees with."""
    return Clock(time.time())


@pytest.fixture
async def real(oidc: OidcProvider, today: Clock) -> AsyncIterator[IntrospectedTokens]:
    async with introspected(oidc.introspection_url, today, credentials=(CLIENT_ID, CLIENT_SECRET)) as source:
        yield source


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with fake_server() as fake:
        fake.answer = saying(ACTIVE)
        yield fake


@pytest.fixture
async def tokens(server: FakeServer, clock: Clock) -> AsyncIterator[IntrospectedTokens]:
    async with introspected(f"{server.url}/introspect", clock) as source:
        yield source


async def test_a_backends_token_of_a_real_server_names_it(oidc: OidcProvider, real: IntrospectedTokens) -> None:
    caller = await real.caller(oidc.client_token("urn:greenroom:opaque", scope="read:live unheard:of"))
    assert caller is not None
    assert (caller.user, caller.client, caller.brand) == ("backend", "backend", "acme")
    assert caller.scopes == {"read:live"}


async def test_a_users_token_of_a_real_server_names_the_user(oidc: OidcProvider, real: IntrospectedTokens) -> None:
    caller = await real.caller(oidc.user_token("ann", "urn:greenroom:opaque"))
    assert caller is not None
    assert (caller.user, caller.client, caller.brand) == ("ann", "app", "acme")


async def test_a_revocation_at_a_real_server_is_seen_within_60_s(
    oidc: OidcProvider, real: IntrospectedTokens, today: Clock
) -> None:
    token = oidc.client_token("urn:greenroom:opaque")
    assert await real.caller(token) is not None
    oidc.revoke(token)
    today.move(CACHE_SECONDS)
    with pytest.raises(InvalidToken):
        await real.caller(token)


async def test_a_real_servers_token_expires(oidc: OidcProvider, real: IntrospectedTokens, today: Clock) -> None:
    token = oidc.client_token("urn:greenroom:opaque:brief")
    assert await real.caller(token) is not None
    today.move(CACHE_SECONDS / 2)  # its 2 s are over, whenever it was made, and what is kept would still hold
    with pytest.raises(InvalidToken):
        await real.caller(token)


@pytest.mark.parametrize("token", ["nonsense", "a" * 43])
async def test_a_token_that_a_real_server_does_not_know_is_refused(real: IntrospectedTokens, token: str) -> None:
    with pytest.raises(InvalidToken):
        await real.caller(token)


async def test_a_jwt_that_a_real_server_does_not_introspect_is_refused(oidc: OidcProvider, real: IntrospectedTokens) -> None:
    with pytest.raises(InvalidToken):
        await real.caller(oidc.client_token("urn:greenroom:es256"))


@pytest.mark.parametrize("credentials", [(CLIENT_ID, "wrong"), ("nobody", CLIENT_SECRET)])
async def test_a_real_server_that_does_not_know_us_is_not_the_tokens_fault(
    oidc: OidcProvider, today: Clock, credentials: tuple[str, str]
) -> None:
    async with introspected(oidc.introspection_url, today, credentials=credentials) as strange:
        with pytest.raises(Unavailable):
            await strange.caller(oidc.client_token("urn:greenroom:opaque"))


async def test_a_real_servers_token_for_another_audience_is_refused_where_one_is_asked_for(
    oidc: OidcProvider, today: Clock
) -> None:
    credentials = (CLIENT_ID, CLIENT_SECRET)
    async with introspected(oidc.introspection_url, today, credentials=credentials, audience=AUDIENCE) as strict:
        assert await strict.caller(oidc.client_token("urn:greenroom:opaque")) is not None
        with pytest.raises(InvalidToken):
            await strict.caller(oidc.client_token("urn:elsewhere:opaque"))


async def test_the_question_is_that_of_the_standard(server: FakeServer, clock: Clock) -> None:
    """RFC 7662, section 2.1; RFC 6749, section 2.3.1."""
    async with introspected(f"{server.url}/introspect", clock, credentials=("a+b c", "c:d+%")) as tokens:
        await tokens.caller("token~1/+==")
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}
    assert head.startswith("POST /introspect HTTP/1.1")
    assert headers["accept"] == "application/json"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    basic = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    assert [unquote_plus(part) for part in basic.split(":")] == ["a+b c", "c:d+%"]
    assert parse_qs(body) == {"token": ["token~1/+=="], "token_type_hint": ["access_token"]}


async def test_an_answer_is_believed_for_60_s(server: FakeServer, tokens: IntrospectedTokens, clock: Clock) -> None:
    assert await tokens.caller("t") is not None
    server.answer = saying(INACTIVE)
    clock.move(CACHE_SECONDS - 1)
    assert await tokens.caller("t") is not None
    clock.move(1)
    with pytest.raises(InvalidToken):
        await tokens.caller("t")
    assert len(server.asked) == 2


async def test_an_answer_is_believed_from_the_moment_of_the_question(
    server: FakeServer, tokens: IntrospectedTokens, clock: Clock
) -> None:
    async def answer(path: str, body: bytes) -> bytes:
        clock.move(30)
        return await saying(ACTIVE)(path, body)

    server.answer = answer
    assert await tokens.caller("t") is not None
    clock.move(30)
    assert await tokens.caller("t") is not None
    assert len(server.asked) == 2


async def test_a_token_expires_while_its_answer_is_believed(
    server: FakeServer, tokens: IntrospectedTokens, clock: Clock
) -> None:
    server.answer = saying(ACTIVE | {"exp": int(NOW) + 20})
    assert await tokens.caller("t") is not None
    clock.move(20)
    with pytest.raises(InvalidToken):
        await tokens.caller("t")


async def test_a_refusal_is_believed_for_a_while(server: FakeServer, tokens: IntrospectedTokens, clock: Clock) -> None:
    server.answer = saying(INACTIVE)
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await tokens.caller("t")
    assert len(server.asked) == 1
    clock.move(REFUSED_SECONDS)
    server.answer = saying(ACTIVE)
    assert await tokens.caller("t") is not None


@pytest.mark.parametrize("said", [ACTIVE, INACTIVE])
async def test_an_operator_may_have_nothing_believed(server: FakeServer, clock: Clock, said: Json) -> None:
    server.answer = saying(said)
    async with introspected(server.url, clock, cache_seconds=0) as tokens:
        await asyncio.gather(*(tokens.caller("t") for _ in range(1)), return_exceptions=True)
        await asyncio.gather(*(tokens.caller("t") for _ in range(1)), return_exceptions=True)
    assert len(server.asked) == 2


async def test_a_burst_asks_once(server: FakeServer, tokens: IntrospectedTokens) -> None:
    server.answer = saying(ACTIVE, wait=0.05)
    callers = await asyncio.gather(*(tokens.caller("t") for _ in range(1000)))
    assert {caller.user for caller in callers if caller} == {"ann"}
    assert len(server.asked) == 1


async def test_one_who_gives_up_takes_nothing_from_the_others(server: FakeServer, tokens: IntrospectedTokens) -> None:
    server.answer = saying(ACTIVE, wait=0.1)
    waiting = [asyncio.create_task(tokens.caller("t")) for _ in range(3)]
    await asyncio.sleep(0.03)
    waiting[0].cancel()
    assert [await caller is not None for caller in waiting[1:]] == [True, True]
    assert len(server.asked) == 1


async def test_an_outage_is_told_to_everybody_who_waits(server: FakeServer, tokens: IntrospectedTokens) -> None:
    server.answer = plain(b"", status=500, wait=0.05)
    told = await asyncio.gather(*(tokens.caller("t") for _ in range(10)), return_exceptions=True)
    assert {type(error) for error in told} == {Unavailable}
    server.answer = saying(ACTIVE)
    assert await tokens.caller("t") is not None


@pytest.mark.parametrize("kind", MISBEHAVIOUR)
async def test_a_server_that_gives_no_answer_is_unavailable_and_never_a_pass(
    server: FakeServer, clock: Clock, kind: str
) -> None:
    server.answer = MISBEHAVIOUR[kind]
    started = time.monotonic()
    async with introspected(f"{server.url}/introspect", clock, seconds=SECONDS) as hasty:
        with pytest.raises(Unavailable) as refused:
            await hasty.caller("t")
    assert time.monotonic() - started < PATIENT_SECONDS
    assert refused.value.headers["Retry-After"]
    assert "identity server" in refused.value.text
    assert "/elsewhere" not in server.asked


@pytest.mark.parametrize("said", [
    {}, {"active": "true"}, {"active": 1}, {"active": None}, ACTIVE | {"active": "yes"}, ACTIVE | {"exp": "tomorrow"},
    ACTIVE | {"exp": True}, ACTIVE | {"nbf": []}, {"error": "invalid_request"},
], ids=repr)  # fmt: skip
async def test_an_answer_of_another_form_is_unavailable(server: FakeServer, tokens: IntrospectedTokens, said: Json) -> None:
    server.answer = saying(said)
    with pytest.raises(Unavailable):
        await tokens.caller("t")


@pytest.mark.parametrize("error", ["invalid_request", "invalid_client", None, 5])
async def test_a_question_that_was_not_understood_is_our_fault(
    server: FakeServer, tokens: IntrospectedTokens, error: Any
) -> None:
    server.answer = plain(b'{"error": "%b"}' % str(error).encode(), status=400)
    with pytest.raises(Unavailable):
        await tokens.caller("t")


async def test_nobody_listening_is_unavailable(clock: Clock) -> None:
    async with introspected("http://127.0.0.1:1", clock) as tokens:
        with pytest.raises(Unavailable):
            await tokens.caller("t")


@pytest.mark.parametrize("changed", [
    {"active": False},
    {"exp": int(NOW)}, {"nbf": int(NOW) + 11}, {"sub": 5}, {"sub": "a\0b"}, {"client_id": None}, {"brand": "x" * 201},
    {"scope": 5}, {"cnf": {"jkt": "x"}},
], ids=repr)  # fmt: skip
async def test_a_token_of_which_is_said_what_may_not_be_is_refused(
    server: FakeServer, tokens: IntrospectedTokens, changed: Json
) -> None:
    server.answer = saying(ACTIVE | changed)
    with pytest.raises(InvalidToken):
        await tokens.caller("t")


async def test_a_token_of_nobody_is_its_clients_own(server: FakeServer, tokens: IntrospectedTokens) -> None:
    server.answer = saying({name: value for name, value in ACTIVE.items() if name != "sub"})
    caller = await tokens.caller("t")
    assert caller is not None
    assert caller.user == "app"


async def test_claims_of_another_servers_making_are_mapped(server: FakeServer, clock: Clock) -> None:
    server.answer = saying(ACTIVE | {"o": {"id": "org_1"}, "scope": "openid", "scp": ["write:live"]})
    async with introspected(server.url, clock, names=ClaimNames(brand="o.id", scopes=("scope", "scp"))) as tokens:
        caller = await tokens.caller("t")
    assert caller is not None
    assert caller.brand == "org_1"
    assert caller.scopes == {"write:live"}


@pytest.mark.parametrize("audience", [None, "", "urn:else", [], ["urn:else"], {AUDIENCE: 1}, 5])
async def test_a_token_for_somebody_else_is_refused(server: FakeServer, clock: Clock, audience: Any) -> None:
    server.answer = saying(ACTIVE | {"aud": audience})
    async with introspected(server.url, clock, audience=AUDIENCE) as tokens:
        with pytest.raises(InvalidToken):
            await tokens.caller("t")


@pytest.mark.parametrize("token", ["", "a b", "a\n", "\u00e9", "a=b", "=", "a;b", 'a"b', "\ud800"])
async def test_what_is_no_bearer_token_is_refused_and_nobody_is_asked(
    server: FakeServer, tokens: IntrospectedTokens, token: str
) -> None:
    with pytest.raises(InvalidToken):
        await tokens.caller(token)
    assert server.asked == []


async def test_what_is_kept_stays_bounded(
    server: FakeServer, tokens: IntrospectedTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenroom.identity.introspection.CACHED_TOKENS", 2)
    for name in ("a", "b", "c"):
        assert await tokens.caller(name) is not None
    assert len(server.asked) == 3
    assert await tokens.caller("c") is not None
    assert await tokens.caller("b") is not None
    assert len(server.asked) == 3
    assert await tokens.caller("a") is not None
    assert len(server.asked) == 4


async def test_garbage_does_not_push_out_what_is_known(
    server: FakeServer, tokens: IntrospectedTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenroom.identity.introspection.CACHED_REFUSALS", 2)
    assert await tokens.caller("known") is not None
    server.answer = saying(INACTIVE)
    for number in range(5):
        with pytest.raises(InvalidToken):
            await tokens.caller(f"garbage-{number}")
    assert await tokens.caller("known") is not None
    assert len(server.asked) == 6


async def test_too_many_tokens_at_once_are_turned_away(
    server: FakeServer, tokens: IntrospectedTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greenroom.identity.introspection.MOST_AT_ONCE", 3)
    server.answer = saying(ACTIVE, wait=0.05)
    told = await asyncio.gather(*(tokens.caller(str(number)) for number in range(5)), return_exceptions=True)
    assert [isinstance(answer, Unavailable) for answer in told] == [False, False, False, True, True]
