"""Pages: each session once and in order, whatever happens behind the reader; the cursor and the Link say the same."""

from datetime import timedelta
from random import getrandbits
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from tests.postgres import Owner
from tests.sessions.lists import (
    MINUTE,
    NOON,
    SESSIONS,
    Planted,
    ids_of,
    in_order,
    minutes,
    page,
    plant,
    session_at,
    walked,
)
from tests.tenant import Tenant


def tied(count: int) -> list[Planted]:
    """So many at one time, with ids in no order, and one before and after them."""
    return [session_at(NOON - MINUTE), *[Planted(id=uuid4()) for _ in range(count)], session_at(NOON + MINUTE)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
async def test_pages_over_sessions_of_one_time_show_each_once(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, limit: int
) -> None:
    sessions = tied(13)
    await plant(owner, tenant, *sessions)
    pages = await walked(http, tenant.bearer(), limit=limit)
    assert [one for read in pages for one in read] == in_order(sessions)
    assert {len(read) for read in pages[:-1]} <= {limit}


@pytest.mark.parametrize(("count", "sizes"), [
    (0, [0]), (1, [1]), (9, [9]), (10, [10]), (11, [10, 1]), (20, [10, 10]), (21, [10, 10, 1]),
])  # fmt: skip
async def test_the_last_page_has_no_next_also_when_it_is_full(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, count: int, sizes: list[int]
) -> None:
    await plant(owner, tenant, *minutes(count))
    assert [len(read) for read in await walked(http, tenant.bearer(), limit=10)] == sizes


async def test_the_last_page_has_no_link(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    headers = [(await http.get(SESSIONS, params={"limit": limit}, headers=tenant.bearer())).headers for limit in (1, 2)]
    assert ["link" in found for found in headers] == [True, False]


async def test_the_page_after_the_last_session_is_empty(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    first, last = await plant(owner, tenant, *minutes(2))
    cursor = (await page(http, tenant.bearer(), limit=1))["next_cursor"]
    await remove(owner, tenant, last)
    assert await page(http, tenant.bearer(), cursor=cursor) == {"sessions": [], "next_cursor": None}
    assert ids_of(await page(http, tenant.bearer())) == [first]


async def test_what_happens_before_the_position_changes_nothing_after_it(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    sessions = tied(9)
    await plant(owner, tenant, *sessions)
    expected = in_order(sessions)
    cursor: dict[str, str] = {}
    shown: list[str] = []
    while not shown or cursor:
        read = await page(http, tenant.bearer(), limit=2, **cursor)
        shown += ids_of(read)
        cursor = {} if read["next_cursor"] is None else {"cursor": read["next_cursor"]}
        await plant(owner, tenant, session_at(NOON - 2 * MINUTE), Planted(id=UUID(int=getrandbits(64))))
        await remove(owner, tenant, shown[-1])  # the one that the cursor names
        await move(owner, tenant, shown[-2] if len(shown) % 2 == 0 else shown[0], NOON - timedelta(days=1))
    assert shown == expected


async def test_what_comes_after_the_position_is_still_shown(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    sessions = minutes(4)
    await plant(owner, tenant, *sessions)
    cursor = (await page(http, tenant.bearer(), limit=2))["next_cursor"]
    tie = Planted(id=UUID(int=2**128 - 1 - getrandbits(64)), at=sessions[1].at)  # the position's own time, and an id after its
    await plant(owner, tenant, tie)
    await remove(owner, tenant, str(sessions[2].id))
    assert ids_of(await page(http, tenant.bearer(), cursor=cursor)) == [str(tie.id), str(sessions[3].id)]


async def test_times_between_two_milliseconds_are_kept_apart(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    """Rows of another program may have microseconds; ours have none."""
    sessions = [session_at(NOON + timedelta(microseconds=count)) for count in (3, 1, 2, 1)]
    await plant(owner, tenant, *sessions)
    assert await walked(http, tenant.bearer(), limit=1) == [[one] for one in in_order(sessions)]


@pytest.mark.parametrize("limits", [(1, 5), (5, 1)])
async def test_a_page_may_have_another_limit_than_the_one_before(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, limits: tuple[int, int]
) -> None:
    sessions = await plant(owner, tenant, *minutes(7))
    first = await page(http, tenant.bearer(), limit=limits[0])
    second = await page(http, tenant.bearer(), limit=limits[1], cursor=first["next_cursor"])
    assert ids_of(first) + ids_of(second) == sessions[:6]


async def test_a_page_may_be_read_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(4))
    cursor = (await page(http, tenant.bearer(), limit=1))["next_cursor"]
    once, again = [await page(http, tenant.bearer(), limit=2, cursor=cursor) for _ in range(2)]
    assert once == again


KEPT = [
    {},
    {"category": "Füße & Knie + 100%"},
    {"host_id": "a&b=c;d", "community_id": '<x>; rel="prev"', "category": "\U0001f600"},
    {"month": "2031-05", "status": "scheduled", "kind": "live", "upcoming": "0"},
    {"unknown": "kept, too", "x": ""},
]


@pytest.mark.parametrize("sent", KEPT, ids=ascii)
async def test_the_link_leads_to_the_page_of_the_cursor(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, sent: dict[str, str]
) -> None:
    fields = {"host": sent.get("host_id", "host_1"), "community": sent.get("community_id"), "category": sent.get("category")}
    sessions = await plant(owner, tenant, *[session_at(**fields) for _ in range(5)])
    read = await http.get(SESSIONS, params={**sent, "limit": "2"}, headers=tenant.bearer())
    shown: list[str] = []
    while "next" in read.links:
        shown += ids_of(read.json())
        by_cursor = await page(http, tenant.bearer(), **sent, limit=2, cursor=read.json()["next_cursor"])
        read = await http.get(read.links["next"]["url"], headers=tenant.bearer())
        assert read.json() == by_cursor
    assert shown + ids_of(read.json()) == sorted(sessions)


@pytest.mark.parametrize("sent", KEPT, ids=ascii)
async def test_the_link_is_the_request_with_another_cursor(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, sent: dict[str, str]
) -> None:
    fields = {"host": sent.get("host_id", "host_1"), "community": sent.get("community_id"), "category": sent.get("category")}
    await plant(owner, tenant, *[session_at(**fields) for _ in range(3)])
    read = await http.get(SESSIONS, params={**sent, "limit": "2"}, headers=tenant.bearer())
    target = urlsplit(read.links["next"]["url"])
    assert (target.netloc, target.path, read.links["next"]["rel"]) == ("", SESSIONS, "next")
    assert dict(parse_qsl(target.query, keep_blank_values=True, strict_parsing=True)) == {
        **sent, "limit": "2", "cursor": read.json()["next_cursor"],
    }  # fmt: skip
    assert read.headers["link"].isascii()


async def test_the_second_link_holds_one_cursor(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(3))
    first = await http.get(SESSIONS, params={"limit": "1"}, headers=tenant.bearer())
    second = await http.get(first.links["next"]["url"], headers=tenant.bearer())
    names = [name for name, _ in parse_qsl(urlsplit(second.links["next"]["url"]).query)]
    assert sorted(names) == ["cursor", "limit"]


async def test_a_request_of_100_parameters_has_a_link_that_works(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    sessions = await plant(owner, tenant, *minutes(21))
    first = await http.get(SESSIONS, params={f"x{number}": "1" for number in range(100)}, headers=tenant.bearer())
    second = await http.get(first.links["next"]["url"], headers=tenant.bearer())
    assert ids_of(second.json()) == sessions[20:]


async def test_what_others_may_read_of_a_cursor_is_no_title(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *[session_at(title="secret", host="ann", category="secret") for _ in range(2)])
    cursor = (await page(http, tenant.bearer(), limit=1, host_id="ann"))["next_cursor"]
    assert len(cursor) < 100
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~")


async def remove(owner: Owner, tenant: Tenant, session_id: str) -> None:
    await owner.execute("delete from sessions where brand_id = $1 and id = $2", tenant.brand, UUID(session_id))


async def move(owner: Owner, tenant: Tenant, session_id: str, at: object) -> None:
    await owner.execute(
        "update sessions set scheduled_at = $3 where brand_id = $1 and id = $2", tenant.brand, UUID(session_id), at
    )
