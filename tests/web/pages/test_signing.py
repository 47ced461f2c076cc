"""Signing in by a link that is good once, and out of every tab."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import jwt
import pytest
from msgspec import Struct

from greenroom.identity import sign_in
from greenroom.identity.invitation import Invitation
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, UserId
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Tenant
from tests.web.pages.visiting import COOKIE, Page, Visitor, visiting

LINK = "/signin/link"
SIGNED_IN = "update tokens set issued_at = now() - $2::text::interval, expires_at = now() + interval '1 hour' where id = $1"


@pytest.fixture
def invitation(tenant: Tenant) -> Invitation:
    return Invitation(brand=tenant.brand, user=UserId("ada"), scope="read:live write:live", leads_to="/host?month=2027-03")


class Link(Struct, frozen=True):
    """A link that signs in at a server."""

    server: Server
    code: str


@pytest.fixture
async def a_link(server: Server, db: Database, invitation: Invitation) -> Link:
    return Link(server, await sign_in.invite(db, invitation))


async def opened(visitor: Visitor, code: str) -> Page:
    return await visitor.get(f"{LINK}?code={code}")


async def used(visitor: Visitor, code: str, *, follow: bool = False) -> Page:
    return await visitor.post(LINK, (await opened(visitor, code)).form(LINK), follow=follow)


@asynccontextmanager
async def another_browser(server: Server) -> AsyncIterator[Visitor]:
    async with visiting(server.url) as visitor:
        yield visitor


async def test_a_link_says_whom_it_signs_in_and_signs_in(server: Server, db: Database, invitation: Invitation) -> None:
    async with visiting(server.url) as visitor:
        code = await sign_in.invite(db, invitation)
        assert f"This link signs you in as ada, at {invitation.brand}." in (await opened(visitor, code)).text
        page = await used(visitor, code)
        assert (page.status, page.answer.headers["location"]) == (303, "/host?month=2027-03")
        assert "You are signed in as ada" in (await visitor.get("/signin")).text


async def test_the_cookie_is_for_the_server_alone(server: Server, db: Database, invitation: Invitation) -> None:
    async with visiting(server.url) as visitor:
        set_cookie = (await used(visitor, await sign_in.invite(db, invitation))).answer.headers["set-cookie"]
    name, *attributes = set_cookie.split("; ")
    assert name.startswith(f"{COOKIE}=ey")
    assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax"]


@pytest.mark.parametrize(("ago", "hours"), [("11 hours 30 minutes", 12), ("6 days 20 hours", 4), ("8 days", 1)])
async def test_who_opens_a_room_stays_signed_in_through_it_for_a_week_at_most(
    a_link: Link, owner: Owner, tenant: Tenant, ago: str, hours: int
) -> None:
    async with visiting(a_link.server.url) as visitor:
        session = await tenant.session(visitor.http)
        await used(visitor, a_link.code)
        before = await visitor.get(f"/s/{session['id']}")
        signed_in = UUID(jwt.decode(visitor.http.cookies[COOKIE], options={"verify_signature": False})["jti"])
        await owner.execute(SIGNED_IN, signed_in, ago)
        room = await visitor.get(f"/s/{session['id']}/room")
        (token,) = re.findall(rf"\b{COOKIE}=([^;]+)", room.answer.headers["set-cookie"])
        extended = jwt.decode(token, options={"verify_signature": False})
        assert extended["jti"] == str(signed_in)
        assert extended["exp"] - time.time() == pytest.approx(hours * 3600, abs=60)
        visitor.http.cookies.clear()
        visitor.http.cookies.set(COOKIE, token)
        assert "You are signed out" in (await visitor.post("/signout", before.form("/signout"))).text  # by a page of before
        visitor.http.cookies.set(COOKIE, token)
        assert "You are signed in" not in (await visitor.get("/signin")).text


async def test_behind_tls_the_cookie_is_bound_to_the_host(
    database: TestDatabase, tmp_path: Path, db: Database, invitation: Invitation
) -> None:
    with running_server(database, tmp_path, settings={"GREENROOM_TRUSTED_PROXIES": "127.0.0.1"}) as server:
        headers = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, verify=AUTHORITIES) as http:
            visitor = Visitor(http, None)
            page = await used(visitor, await sign_in.invite(db, invitation))
    set_cookie = page.answer.headers["set-cookie"]
    assert set_cookie.startswith("__Host-greenroom=ey")
    assert set_cookie.endswith("; HttpOnly; SameSite=Lax; Secure")


async def test_a_link_is_good_once(server: Server, db: Database, invitation: Invitation) -> None:
    code = await sign_in.invite(db, invitation)
    async with visiting(server.url) as first, another_browser(server) as second:
        form = (await opened(second, code)).form(LINK)
        await used(first, code)
        assert (await opened(second, code)).status == 410
        refused = await second.post(LINK, form)
        assert refused.status == 410
        assert "This link is good no longer" in refused.text
        assert COOKIE not in second.http.cookies


async def test_of_two_who_use_it_at_once_one_is_signed_in(server: Server, db: Database, invitation: Invitation) -> None:
    code = await sign_in.invite(db, invitation)
    async with visiting(server.url) as first, another_browser(server) as second:
        forms = [(await opened(one, code)).form(LINK) for one in (first, second)]
        pages = await asyncio.gather(
            *(one.post(LINK, form, follow=False) for one, form in zip((first, second), forms, strict=True))
        )
    assert sorted(page.status for page in pages) == [303, 410]


async def test_looking_at_a_link_does_not_use_it(server: Server, db: Database, invitation: Invitation) -> None:
    code = await sign_in.invite(db, invitation)
    async with another_browser(server) as scanner, visiting(server.url) as visitor:
        for _ in range(3):
            await opened(scanner, code)
        assert (await used(visitor, code)).status == 303


async def test_a_link_is_good_for_ten_minutes(server: Server, db: Database, owner: Owner, invitation: Invitation) -> None:
    code = await sign_in.invite(db, invitation)
    left = await owner.fetchval(
        "select extract(epoch from expires_at - clock_timestamp()) from sign_in_links where brand_id = $1", invitation.brand
    )
    assert 590 < float(left) <= 600
    await owner.execute("update sign_in_links set expires_at = clock_timestamp() where brand_id = $1", invitation.brand)
    async with visiting(server.url) as visitor:
        assert (await opened(visitor, code)).status == 410


async def test_the_code_is_kept_nowhere(db: Database, owner: Owner, invitation: Invitation) -> None:
    code = await sign_in.invite(db, invitation)
    row = await owner.fetchval("select s::text from sign_in_links s where brand_id = $1", invitation.brand)
    assert code not in row


async def test_links_that_have_long_expired_are_forgotten(db: Database, owner: Owner, invitation: Invitation) -> None:
    await sign_in.invite(db, invitation)
    await owner.execute("update sign_in_links set expires_at = clock_timestamp() - interval '25 hours'")
    await sign_in.invite(db, Invitation(brand=BrandId("later"), user=UserId("b"), scope="read:live", leads_to="/"))
    assert await owner.fetchval("select count(*) from sign_in_links where brand_id = $1", invitation.brand) == 0


@pytest.mark.parametrize("code", ["", "x", "x" * 43, "%00", "ä" * 43, "x" * 5000])
async def test_a_code_that_nobody_made_opens_nothing(server: Server, code: str) -> None:
    async with visiting(server.url) as visitor:
        assert (await opened(visitor, code)).status == 410
        form = (await visitor.get("/signin")).html
        assert form is not None


async def test_a_link_takes_the_place_of_who_is_signed_in(
    server: Server, db: Database, tenant: Tenant, invitation: Invitation
) -> None:
    code = await sign_in.invite(db, invitation)
    async with visiting(server.url, "bob", tenant.brand) as visitor:
        page = await opened(visitor, code)
        assert "You are signed in as bob now" in page.text
        assert not page.has("form[data-sends-itself]")
        await used(visitor, code)
        assert "You are signed in as ada" in (await visitor.get("/signin")).text


async def test_signing_out_ends_every_tab_and_the_token(server: Server, db: Database, invitation: Invitation) -> None:
    async with visiting(server.url) as visitor:
        await used(visitor, await sign_in.invite(db, invitation))
        token = visitor.http.cookies[COOKIE]
        page = await visitor.send("/signin", "/signout")
        assert "You are signed out, in every tab" in page.text
        assert COOKIE not in visitor.http.cookies
        visitor.http.cookies.set(COOKIE, token)
        assert (await visitor.get("/host", follow=False)).status == 303
        answer = await visitor.http.get("/v1/live/sessions", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_another_process_knows_of_it_within_seconds(
    server: Server, database: TestDatabase, tmp_path: Path, db: Database, invitation: Invitation
) -> None:
    with running_server(database, tmp_path) as other:
        async with visiting(server.url) as visitor, visiting(other.url) as elsewhere:
            await used(visitor, await sign_in.invite(db, invitation))
            elsewhere.http.cookies.set(COOKIE, visitor.http.cookies[COOKIE])
            assert (await elsewhere.get("/host", follow=False)).status == 200
            await visitor.send("/signin", "/signout")

            async def is_out() -> bool:
                return (await elsewhere.get("/host", follow=False)).status == 303

            await eventually(is_out, "the other process knows", seconds=10)


async def test_the_api_takes_no_cookie(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await tenant.session(http)
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        answers = [
            await visitor.http.get(f"/v1/sessions/{session['id']}"),
            await visitor.http.patch(f"/v1/sessions/{session['id']}", json={"title": "x"}),
        ]
    assert [answer.status_code for answer in answers] == [401, 401]


async def test_a_token_of_another_kind_signs_nobody_in(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url) as visitor:
        for token in (tenant.token(), "garbage", "ey.ey.ey", ""):
            visitor.http.cookies.set(COOKIE, token)
            assert (await visitor.get("/host", follow=False)).status == 303


async def test_who_may_not_read_can_sign_out(server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "ada", tenant.brand, scope="write:live") as visitor:
        assert (await visitor.get("/")).status == 403
        page = await visitor.send("/signin", "/signout")
    assert "You are signed out" in page.text
