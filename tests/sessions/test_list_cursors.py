"""Cursors: signed, bound to their list, its filters and its brand, and good for as long as a secret key is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import READ_LIVE
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.database import Database
from greenroom.kit.errors import ValidationFailed
from greenroom.kit.ids import ClientId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.sessions import service
from greenroom.sessions.listing import named
from greenroom.sessions.schemas import SessionFilters
from greenroom.sessions.service import Sessions, cursor_at
from tests.postgres import Owner, TestDatabase
from tests.server import AUTHORITIES, SECRET_KEY, running_server
from tests.sessions.lists import (
    MINUTE,
    NOON,
    SESSIONS,
    another_brand,
    ids_of,
    minutes,
    operator,
    page,
    plant,
    register,
    session_at,
)
from tests.tenant import Tenant
from tests.wire import SENTINEL, assert_refused

NEW_KEY = "a newer key that only the tests of Greenroom know"


async def cursor_of(http: httpx.AsyncClient, headers: dict[str, str], **filters: str) -> str:
    """The cursor of the first page, of one session."""
    following = (await page(http, headers, **filters, limit=1))["next_cursor"]
    assert isinstance(following, str)
    return following


async def assert_no_cursor(http: httpx.AsyncClient, headers: dict[str, str], cursor: str, **filters: str) -> None:
    response = await http.get(SESSIONS, params={**filters, "cursor": cursor}, headers=headers)
    assert_refused(response, "validation_error", names="cursor: expected", never=[cursor] if len(cursor) > 8 else [])


@pytest.mark.parametrize("at", [0.0, 0.2, 0.4, 0.6, 0.8, 0.95])
async def test_a_cursor_that_was_changed_anywhere_is_refused(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, at: float
) -> None:
    await plant(owner, tenant, *minutes(3))
    cursor = await cursor_of(http, tenant.bearer())
    place = int(len(cursor) * at)
    other = "A" if cursor[place] != "A" else "B"
    await assert_no_cursor(http, tenant.bearer(), cursor[:place] + other + cursor[place + 1 :])


async def test_a_cursor_that_was_cut_or_made_longer_is_refused(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(3))
    cursor = await cursor_of(http, tenant.bearer())
    position, signature = cursor.split(".")
    for changed in (cursor[:-2], cursor[1:], position, f".{signature}", f"{position}.", f"{signature}.{position}", cursor * 2,
                    f"{cursor}.{signature}", f"{cursor}A", cursor.swapcase(), f"{position}.{signature} "):  # fmt: skip
        await assert_no_cursor(http, tenant.bearer(), changed)


async def test_the_parts_of_two_cursors_make_no_third(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(3))
    first = await cursor_of(http, tenant.bearer())
    second = (await page(http, tenant.bearer(), limit=1, cursor=first))["next_cursor"]
    await assert_no_cursor(http, tenant.bearer(), f"{first.split('.')[0]}.{second.split('.')[1]}")


@pytest.mark.parametrize("filters", [
    {"host_id": "host_1"}, {"host_user_id": "host_1"}, {"community_id": "knees"}, {"category": "talk"}, {"kind": "live"},
    {"status": "scheduled"}, {"upcoming": "1"}, {"month": "2031-05"},
])  # fmt: skip
async def test_a_cursor_is_of_its_filters_alone(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, filters: dict[str, str]
) -> None:
    await plant(owner, tenant, *[session_at(community="knees", category="talk") for _ in range(3)])
    await assert_no_cursor(http, tenant.bearer(), await cursor_of(http, tenant.bearer()), **filters)
    await assert_no_cursor(http, tenant.bearer(), await cursor_of(http, tenant.bearer(), **filters))


@pytest.mark.parametrize(("first", "next_"), [
    ({"upcoming": "1"}, {"upcoming_only": "true"}), ({"host_id": "host_1"}, {"host_user_id": "host_1"}),
    ({}, {"upcoming": "0"}),
])  # fmt: skip
async def test_a_cursor_is_of_its_filters_however_they_are_spelled(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, first: dict[str, str], next_: dict[str, str]
) -> None:
    await plant(owner, tenant, *minutes(3))
    begun = await page(http, tenant.bearer(), limit=1, **first)
    spelled_alike = await page(http, tenant.bearer(), limit=1, cursor=begun["next_cursor"], **first)
    assert await page(http, tenant.bearer(), limit=1, cursor=begun["next_cursor"], **next_) == spelled_alike


async def test_a_cursor_is_of_its_filters_values(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *[session_at(host=host) for host in ("ann", "ann", "bob", "bob")])
    cursor = await cursor_of(http, tenant.bearer(), host_id="ann")
    await assert_no_cursor(http, tenant.bearer(), cursor, host_id="bob")
    await assert_no_cursor(http, tenant.bearer(), cursor, category="ann")


async def test_a_cursor_is_of_its_brand(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    other = another_brand()
    for brand in (tenant, other):
        await plant(owner, brand, *minutes(2))
    await assert_no_cursor(http, other.bearer(), await cursor_of(http, tenant.bearer()))


async def test_a_cursor_of_one_brand_is_none_of_all_brands(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    within = {**operator(), "X-Brand-Id": tenant.brand}
    await assert_no_cursor(http, operator(), await cursor_of(http, within))
    await assert_no_cursor(http, within, await cursor_of(http, operator()))


async def test_a_cursor_is_of_its_list(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    admin = tenant.bearer(scope="admin:live")
    first = await http.get("/v1/admin/sessions", params={"limit": 1}, headers=admin)
    there = httpx.URL(first.links["next"]["url"]).params["cursor"]
    await assert_no_cursor(http, admin, there)
    here = await cursor_of(http, admin)
    response = await http.get("/v1/admin/sessions", params={"cursor": here}, headers=admin)
    assert_refused(response, "validation_error", names="cursor: expected", never=[here])


async def test_a_cursor_serves_every_reader_of_the_brand_as_himself(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    _, second = await plant(owner, tenant, *minutes(2))
    await register(owner, tenant, second, "ann")
    cursor = await cursor_of(http, tenant.bearer("bob"))
    seen = [(await page(http, tenant.bearer(user), cursor=cursor))["sessions"][0] for user in ("ann", "bob")]
    assert [(session["id"], session["is_registered"]) for session in seen] == [(second, True), (second, False)]


async def test_brand_id_and_the_tokens_own_brand_are_one_filter(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    sessions = await plant(owner, tenant, *minutes(2))
    cursor = await cursor_of(http, tenant.bearer())
    assert ids_of(await page(http, tenant.bearer(), cursor=cursor, brand_id=tenant.brand)) == sessions[1:]
    assert ids_of(await page(http, operator(), cursor=cursor, brand_id=tenant.brand)) == sessions[1:]


@pytest.mark.parametrize("length", [1, 100, 10_000, 20_000])
async def test_a_cursor_that_nobody_gave_is_refused(http: httpx.AsyncClient, tenant: Tenant, length: int) -> None:
    for letter in ("A", ".", "=", "-"):
        await assert_no_cursor(http, tenant.bearer(), letter * length)


async def test_a_cursor_of_another_servers_key_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    forged = Cursors([SENTINEL]).seal(bytes(24), of=named(SessionFilters(), tenant.brand))
    known = Cursors([SECRET_KEY]).seal(bytes(24), of=named(SessionFilters(), tenant.brand))
    await assert_no_cursor(http, tenant.bearer(), forged)
    assert (await http.get(SESSIONS, params={"cursor": known}, headers=tenant.bearer())).status_code == 200


async def test_a_list_begins_at_an_instant_where_a_page_wants_that(tenant: Tenant, owner: Owner, db: Database) -> None:
    sessions = await plant(owner, tenant, *minutes(3))
    there = Sessions(db, Cursors([SECRET_KEY]), wait_seconds=5)
    reader = Caller(user=UserId("ada"), client=ClientId("test"), brand=tenant.brand, scopes=frozenset({READ_LIVE}))
    for instant, expected in ((NOON, sessions), (NOON + MINUTE, sessions[1:]), (NOON + 3 * MINUTE, [])):
        cursor = cursor_at(there, reader, SessionFilters(kind="live"), instant)
        found = await service.listed(there, reader, SessionFilters(kind="live", cursor=cursor))
        assert [one.id for one in found.sessions] == expected
    with pytest.raises(ValidationFailed):
        await service.listed(there, reader, SessionFilters(kind="office_hours", cursor=cursor))


@contextmanager
def server_with(keys: str, database: TestDatabase, directory: Path) -> Iterator[httpx.Client]:
    with (
        running_server(database, directory, settings={"GREENROOM_SECRET_KEYS": keys}) as server,
        httpx.Client(verify=AUTHORITIES, base_url=server.url, timeout=30) as client,
    ):
        yield client


async def test_a_cursor_outlives_the_key_that_signed_it_until_the_key_is_taken_away(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, database: TestDatabase, tmp_path: Path
) -> None:
    sessions = await plant(owner, tenant, *minutes(3))
    old = await cursor_of(http, tenant.bearer())
    with server_with(f"{NEW_KEY},{SECRET_KEY}", database, tmp_path) as client:
        second = client.get(SESSIONS, params={"cursor": old, "limit": 1}, headers=tenant.bearer())
        assert ids_of(second.json()) == sessions[1:2]
    new = second.json()["next_cursor"]
    await assert_no_cursor(http, tenant.bearer(), new)  # a server that does not know the new key yet
    signed_anew = new_bearer(tenant)
    with server_with(NEW_KEY, database, tmp_path) as client:
        assert ids_of(client.get(SESSIONS, params={"cursor": new}, headers=signed_anew).json()) == sessions[2:]
        response = client.get(SESSIONS, params={"cursor": old}, headers=signed_anew)
        assert_refused(response, "validation_error", names="cursor: expected", never=[old])


def new_bearer(tenant: Tenant) -> dict[str, str]:
    """A token that the new key signed."""
    grant = new_grant(
        user=UserId("host_1"), brand=tenant.brand, scope="read:live", client=ClientId("test"), lifetime=timedelta(hours=1)
    )
    return {"Authorization": f"Bearer {Signer([NEW_KEY]).sign(grant)}"}
