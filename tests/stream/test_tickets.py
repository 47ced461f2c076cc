"""Tickets: with what a browser opens the stream, whose EventSource can send no token."""

import asyncio
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.tickets import StreamTickets
from greenroom.kit.ids import BrandId, ClientId, SessionId, UserId
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, SECRET_KEY, running_server
from tests.stream.listening import Listener, listening, stream_of
from tests.stream.stage import Stage, staged
from tests.tenant import Tenant
from tests.wire import assert_refused

STREAM_SECONDS = 3600


def target_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def opened(stage: Stage, target: str, headers: dict[str, str] | None = None) -> Listener:
    async with listening(stage.server.port, target, headers) as listener:
        await listener.begun()
        return listener


async def refusal(stage: Stage, target: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """What opening it is answered, which must come to an end."""
    return await stage.http.get(target, headers=headers, timeout=5)


def written(stage: Stage, *, seconds: int, session: str | None = None) -> str:
    """A ticket that we write ourselves, with the server's key."""
    caller = Caller(
        user=UserId("ann"), client=ClientId("test"), brand=stage.tenant.brand, scopes=frozenset({"read:live"}), token_id=uuid4()
    )
    named = SessionId(UUID(session or stage.session["id"]))
    return StreamTickets([SECRET_KEY]).write(caller, stage.tenant.brand, named, lifetime=timedelta(seconds=seconds))[0]


async def test_its_url_opens_the_stream(stage: Stage) -> None:
    given = await stage.ticket("ann")
    assert given["url"] == f"{stage.server.url}{stream_of(stage.session)}?ticket={given['ticket']}"
    assert (await opened(stage, target_of(given["url"]))).known.me["user_id"] == "ann"


async def test_it_opens_the_stream_again_and_again(stage: Stage) -> None:
    target = target_of((await stage.ticket("ann"))["url"])
    assert [(await opened(stage, target)).status for _ in range(3)] == [200, 200, 200]


async def test_the_cookie_opens_the_stream(stage: Stage) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=stage.server.url) as browser:
        response = await browser.post(f"{stage.path}/stream-ticket", headers=stage.tenant.bearer("ann"))
        held = browser.cookies["greenroom_stream"]
    assert held == response.json()["ticket"]
    ann = await opened(stage, stream_of(stage.session), {"Cookie": f"greenroom_stream={held}"})
    assert ann.known.me["user_id"] == "ann"


@pytest.mark.parametrize("before", ["theme=dark; ", 'prefs={"a":1}; ', "a=b c; ", "=; ", "x; ", "a[0]=1; ", "ü=ä; ", 'q="; '])
async def test_the_cookie_is_found_beside_any_others(stage: Stage, before: str) -> None:
    ticket = (await stage.ticket("ann"))["ticket"]
    cookies = f"{before}greenroom_stream={ticket}; after=it".encode()
    response = await stage.http.head(stream_of(stage.session), headers=[(b"cookie", cookies)])
    assert response.status_code == 200


async def test_the_cookie_is_for_this_stream_alone_and_for_no_script(stage: Stage) -> None:
    response = await stage.http.post(f"{stage.path}/stream-ticket", headers=stage.tenant.bearer("ann"))
    cookie = SimpleCookie(response.headers["set-cookie"])["greenroom_stream"]
    assert cookie["path"] == stream_of(stage.session)
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", "")
    assert (cookie["max-age"], cookie["domain"]) == (str(STREAM_SECONDS), "")


async def test_where_the_public_url_is_https_the_cookie_is_secure(
    database: TestDatabase, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"GREENROOM_PUBLIC_URL": "https://live.example.com"}
    with running_server(database, tmp_path_factory.mktemp("public"), settings=settings) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            stage = await staged(server, http, tenant)
            response = await http.post(f"{stage.path}/stream-ticket", headers=tenant.bearer())
    assert response.json()["url"].startswith(f"https://live.example.com{stream_of(stage.session)}?ticket=")
    assert SimpleCookie(response.headers["set-cookie"])["greenroom_stream"]["secure"] is True


async def test_it_is_good_for_as_long_as_a_connection_may_last(stage: Stage) -> None:
    expires_at = datetime.fromisoformat((await stage.ticket())["expires_at"])
    assert timedelta(seconds=STREAM_SECONDS - 60) < expires_at - datetime.now(UTC) <= timedelta(seconds=STREAM_SECONDS)


async def test_nobody_on_the_way_keeps_it(stage: Stage) -> None:
    response = await stage.http.post(f"{stage.path}/stream-ticket", headers=stage.tenant.bearer())
    assert response.headers["cache-control"] == "no-store"


async def test_the_logs_do_not_hold_it(stage: Stage) -> None:
    given = await stage.ticket()
    await opened(stage, target_of(given["url"]))
    await refusal(stage, f"/v1/sessions/{uuid4()}/stream?ticket={given['ticket']}")
    assert given["ticket"] not in stage.server.log_text()


@pytest.mark.parametrize("scope", ["manage:live", "admin:live"])
async def test_who_manages_moderates_with_it_too(stage: Stage, scope: str) -> None:
    target = target_of((await stage.ticket("max", scope=scope))["url"])
    assert (await opened(stage, target)).known.me["is_moderator"]


async def test_who_does_not_manage_does_not_moderate_with_it(stage: Stage) -> None:
    target = target_of((await stage.ticket("ann"))["url"])
    assert not (await opened(stage, target)).known.me["is_moderator"]


async def test_it_is_made_anew_each_time_whatever_the_key(stage: Stage) -> None:
    headers = stage.tenant.bearer("ann", Idempotency_Key="the same")
    first = await stage.http.post(f"{stage.path}/stream-ticket", headers=headers)
    await asyncio.sleep(1.1)  # it says the second in which it expires
    second = await stage.http.post(f"{stage.path}/stream-ticket", headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["expires_at"] < second.json()["expires_at"]
    assert first.json()["ticket"] != second.json()["ticket"]
    assert "idempotency-replayed" not in second.headers


async def test_a_key_that_is_none_is_refused(stage: Stage) -> None:
    headers = stage.tenant.bearer("ann", Idempotency_Key="k" * 129)
    assert_refused(await stage.http.post(f"{stage.path}/stream-ticket", headers=headers), "validation_error")


async def test_nobody_gets_one_without_a_token(stage: Stage) -> None:
    assert_refused(await stage.http.post(f"{stage.path}/stream-ticket"), "unauthenticated")


async def test_a_ticket_gets_no_other(stage: Stage) -> None:
    ticket = (await stage.ticket())["ticket"]
    cookies = {"Cookie": f"greenroom_stream={ticket}"}
    response = await stage.http.post(f"{stage.path}/stream-ticket?ticket={ticket}", headers=cookies)
    assert_refused(response, "unauthenticated")


async def test_nobody_gets_one_who_may_not_read(stage: Stage) -> None:
    headers = stage.tenant.bearer("ann", scope="write:live")
    assert_refused(await stage.http.post(f"{stage.path}/stream-ticket", headers=headers), "insufficient_scope")


@pytest.mark.parametrize("unknown", ["0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44", "nothing"])
async def test_there_is_none_for_a_session_that_is_not_there(stage: Stage, unknown: str) -> None:
    response = await stage.http.post(f"/v1/sessions/{unknown}/stream-ticket", headers=stage.tenant.bearer())
    assert_refused(response, "not_found")


async def test_there_is_none_for_another_brands_session(stage: Stage) -> None:
    other = Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))
    assert_refused(await stage.http.post(f"{stage.path}/stream-ticket", headers=other.bearer()), "not_found")


async def test_that_of_another_session_is_refused(stage: Stage) -> None:
    elsewhere = await staged(stage.server, stage.http, stage.tenant)
    ticket = (await elsewhere.ticket())["ticket"]
    assert_refused(await refusal(stage, f"{stream_of(stage.session)}?ticket={ticket}"), "invalid_token")


@pytest.mark.parametrize("unknown", ["0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44", "nothing"])
async def test_with_one_a_session_that_is_not_there_is_refused(stage: Stage, unknown: str) -> None:
    ticket = (await stage.ticket())["ticket"]
    assert_refused(await refusal(stage, f"/v1/sessions/{unknown}/stream?ticket={ticket}"), "invalid_token", never=[ticket])


async def test_one_that_was_written_for_no_session_opens_none(stage: Stage) -> None:
    unknown = "0199c8a0-6e21-7b55-9d8f-1e7a3c0b2d44"
    ticket = written(stage, seconds=60, session=unknown)
    assert_refused(await refusal(stage, f"/v1/sessions/{unknown}/stream?ticket={ticket}"), "not_found")


@pytest.mark.parametrize("seconds", [0, -1, -100_000])
async def test_one_that_has_expired_is_refused(stage: Stage, seconds: int) -> None:
    ticket = written(stage, seconds=seconds)
    assert_refused(await refusal(stage, f"{stream_of(stage.session)}?ticket={ticket}"), "invalid_token")


async def test_one_that_expires_soon_ends_the_stream(stage: Stage) -> None:
    target = f"{stream_of(stage.session)}?ticket={written(stage, seconds=2)}"
    async with listening(stage.server.port, target) as ann:
        assert await ann.ends(seconds=5) == "properly"


@pytest.mark.parametrize("garbage", ["x", "grt_x", "%00", "%F0%9F%92%A9", "A" * 4000, "AAAA.AAAA", "%2e%2e"])
async def test_what_is_none_is_refused(stage: Stage, garbage: str) -> None:
    assert_refused(await refusal(stage, f"{stream_of(stage.session)}?ticket={garbage}"), "invalid_token")


async def test_each_changed_letter_spoils_it(stage: Stage) -> None:
    ticket = (await stage.ticket())["ticket"]
    for place in range(0, len(ticket), 7):
        other = "A" if ticket[place] != "A" else "B"
        spoilt = ticket[:place] + other + ticket[place + 1 :]
        assert_refused(await refusal(stage, f"{stream_of(stage.session)}?ticket={spoilt}"), "invalid_token")


async def test_an_empty_one_is_none(stage: Stage) -> None:
    assert_refused(await refusal(stage, f"{stream_of(stage.session)}?ticket="), "unauthenticated")


async def test_a_token_in_its_place_is_refused(stage: Stage) -> None:
    assert_refused(await refusal(stage, f"{stream_of(stage.session)}?ticket={stage.tenant.token()}"), "invalid_token")


async def test_in_the_place_of_a_token_it_is_refused(stage: Stage) -> None:
    ticket = (await stage.ticket())["ticket"]
    assert_refused(await refusal(stage, stream_of(stage.session), {"Authorization": f"Bearer {ticket}"}), "invalid_token")


async def test_beside_a_token_that_is_none_it_is_not_looked_at(stage: Stage) -> None:
    target = target_of((await stage.ticket())["url"])
    assert_refused(await refusal(stage, target, {"Authorization": "Bearer garbage"}), "invalid_token")


async def test_it_opens_nothing_but_the_stream(stage: Stage) -> None:
    ticket = (await stage.ticket())["ticket"]
    for path in ("", "/questions", "/settings", "/registrations/me"):
        response = await refusal(stage, f"{stage.path}{path}?ticket={ticket}", {"Cookie": f"greenroom_stream={ticket}"})
        assert_refused(response, "unauthenticated")


async def test_another_brand_beside_it_is_forbidden(stage: Stage) -> None:
    target = target_of((await stage.ticket())["url"])
    assert_refused(await refusal(stage, target, {"X-Brand-Id": "other"}), "forbidden")
