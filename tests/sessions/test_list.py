"""GET /v1/live/sessions: the brand's sessions by time, narrowed by filters, as the caller stands to each."""

from datetime import UTC, datetime, timedelta
from random import getrandbits
from uuid import UUID

import httpx
import pytest

from tests.postgres import Owner
from tests.sessions.lists import (
    NOON,
    SESSIONS,
    Planted,
    in_order,
    listed,
    minutes,
    page,
    plant,
    register,
    session_at,
    walked,
)
from tests.tenant import Tenant

# Of a filter: its value, a session that it lets pass, and one that it does not.
Narrowed = tuple[dict[str, str], dict[str, str], dict[str, str]]
FILTERS: list[Narrowed] = [
    ({"host_user_id": "ann"}, {"host": "ann"}, {"host": "ann_2"}),
    ({"host_id": "ann"}, {"host": "ann"}, {"host": "Ann"}),
    ({"community_id": "back pain"}, {"community": "back pain"}, {"community": "back"}),
    ({"community_id": "back pain"}, {"community": "back pain"}, {}),
    ({"category": "Füße & Knie + 100%"}, {"category": "Füße & Knie + 100%"}, {"category": "Füße & Knie  100%"}),
    ({"category": "x"}, {"category": "x"}, {}),
    ({"kind": "office_hours"}, {"kind": "office_hours"}, {"kind": "live"}),
    ({"kind": "live"}, {"kind": "live"}, {"kind": "office_hours"}),
    *[({"status": status}, {"status": status}, {"status": other}) for status, other in [
        ("scheduled", "live"), ("live", "ended"), ("ended", "cancelled"), ("cancelled", "scheduled"),
    ]],
]  # fmt: skip


async def test_sessions_are_listed_by_time(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    first, second, third = minutes(3)
    await plant(owner, tenant, second, third, first)
    assert await listed(http, tenant) == [str(one.id) for one in (first, second, third)]


async def test_sessions_of_one_time_are_listed_by_id(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    sessions = [Planted(id=UUID(int=number << 96 | getrandbits(64))) for number in (0xFFFFFFFF, 1, 0x7FFFFFFF, 0x80000000, 2)]
    await plant(owner, tenant, *sessions)
    assert await listed(http, tenant) == in_order(sessions)


async def test_a_listed_session_is_the_session_as_it_is_read_alone(http: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await tenant.session(http, metadata={"n": 1, "deep": [{"a": None}]}, kind="office_hours")
    alone = await http.get(f"/v1/sessions/{created['id']}", headers=tenant.bearer())
    assert await page(http, tenant.bearer()) == {"sessions": [alone.json()], "next_cursor": None}


async def test_a_brand_without_sessions_has_an_empty_list(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert await page(http, tenant.bearer()) == {"sessions": [], "next_cursor": None}


async def test_numbers_in_metadata_keep_their_digits(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    kept = '{"n": 12345678901234567890.1230, "e": "\\u0001é"}'
    await plant(owner, tenant, session_at(metadata=kept))
    response = await http.get(SESSIONS, headers=tenant.bearer())
    assert '"n": 12345678901234567890.1230' in response.text
    assert response.json()["sessions"][0]["metadata"]["e"] == "\x01é"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"])
async def test_times_at_the_ends_of_the_calendar_are_listed(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, time: str
) -> None:
    await plant(owner, tenant, session_at(datetime.fromisoformat(time)))
    assert (await page(http, tenant.bearer()))["sessions"][0]["scheduled_at"] == time


async def test_pages_go_from_the_first_instant_to_the_last(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    sessions = [session_at(at) for at in (first, first, NOON, last, last)]
    await plant(owner, tenant, *sessions)
    assert await walked(http, tenant.bearer(), limit=1) == [[one] for one in in_order(sessions)]


@pytest.mark.parametrize("narrowed", FILTERS)
async def test_a_filter_lets_pass_what_it_names(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, narrowed: Narrowed
) -> None:
    sent, wanted, other = narrowed
    found, _ = await plant(owner, tenant, session_at(**wanted), session_at(**other))
    assert await listed(http, tenant, **sent) == [found]


async def test_filters_hold_together(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    every = {"host": "ann", "community": "knees", "category": "talk", "kind": "office_hours", "status": "live"}
    apart = {"host": "bob", "community": "feet", "category": "demo", "kind": "live", "status": "ended"}
    found, *_ = await plant(
        owner, tenant, session_at(**every), *[session_at(**{**every, name: value}) for name, value in apart.items()]
    )
    sent = {"host_id": "ann", "community_id": "knees", "category": "talk", "kind": "office_hours", "status": "live"}
    assert await listed(http, tenant, **sent, month="2031-05") == [found]


async def test_a_filter_that_nothing_passes_gives_an_empty_list(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await tenant.session(http)
    assert await page(http, tenant.bearer(), host_id="nobody") == {"sessions": [], "next_cursor": None}


async def test_a_like_pattern_is_a_text_as_any_other(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, session_at(category="talk", host="ann"))
    for sent in ({"category": "%"}, {"category": "t_lk"}, {"host_id": "' or true --"}, {"community_id": "null"}):
        assert await listed(http, tenant, **sent) == []


async def test_both_names_of_a_filter_may_say_the_same(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    found, _ = await plant(owner, tenant, session_at(host="ann"), session_at(host="bob"))
    assert await listed(http, tenant, host_id="ann", host_user_id="ann", upcoming="1", upcoming_only="true") == [found]


@pytest.mark.parametrize(
    "unknown", ["user=x", "Status=ended", "x=%FF", "x=%00", "=", "&&", "x", "status%5B%5D=ended", "x=1&x=2"]
)
async def test_a_parameter_that_the_list_does_not_know_is_ignored(
    http: httpx.AsyncClient, tenant: Tenant, unknown: str
) -> None:
    created = await tenant.session(http)
    response = await http.get(f"{SESSIONS}?{unknown}", headers=tenant.bearer())
    assert [session["id"] for session in response.json()["sessions"]] == [created["id"]]


@pytest.mark.parametrize(("query", "shown"), [
    ("", 20), ("limit=1", 1), ("limit=007", 7), ("limit=99", 99), ("limit=100", 100), ("limit=101", 100), ("limit=999", 100),
    ("limit=1" + "0" * 30, 100), ("limit=" + "9" * 5000, 100), ("%6Cimit=%32", 2),
])  # fmt: skip
async def test_a_page_has_as_many_as_the_limit_says_and_at_most_100(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, query: str, shown: int
) -> None:
    await plant(owner, tenant, *minutes(102))
    response = await http.get(f"{SESSIONS}?{query}", headers=tenant.bearer())
    assert len(response.json()["sessions"]) == shown


async def test_is_registered_is_the_callers_own(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    mine, theirs, nobodys = await plant(owner, tenant, *minutes(3))
    await register(owner, tenant, mine, "ann")
    await register(owner, tenant, theirs, "bob")
    seen = {user: await page(http, tenant.bearer(user)) for user in ("ann", "bob")}
    assert [
        [(session["id"], session["is_registered"], session["registered_count"]) for session in read["sessions"]]
        for read in seen.values()
    ] == [
        [(mine, True, 1), (theirs, False, 1), (nobodys, False, 0)],
        [(mine, False, 1), (theirs, True, 1), (nobodys, False, 0)],
    ]


@pytest.mark.parametrize("status", ["waitlist", "cancelled"])
async def test_who_waits_or_has_left_is_not_registered(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, status: str
) -> None:
    (session_id,) = await plant(owner, tenant, session_at(NOON, status="ended"))
    await register(owner, tenant, session_id, "ann", status=status)
    assert (await page(http, tenant.bearer("ann")))["sessions"][0]["is_registered"] is False


async def test_a_list_is_a_callers_own_view(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await http.get(SESSIONS, headers=tenant.bearer())
    assert response.headers["cache-control"] == "private, no-cache"


async def test_head_answers_the_headers_of_get_alone(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await plant(owner, tenant, *minutes(2))
    get, head = [
        await http.request(method, f"{SESSIONS}?limit=1", headers=tenant.bearer(X_Request_Id="same"))
        for method in ("GET", "HEAD")
    ]
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


async def test_a_list_is_for_those_who_may_read(http: httpx.AsyncClient, tenant: Tenant) -> None:
    statuses = [
        (await http.get(SESSIONS, headers=headers)).status_code
        for headers in (
            {},
            tenant.bearer(scope="write:live"),
            tenant.bearer(scope="read:live"),
            tenant.bearer(scope="admin:live"),
        )
    ]
    assert statuses == [401, 403, 200, 200]


async def test_an_edited_session_is_listed_where_its_new_time_is(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    first, second = await plant(owner, tenant, *minutes(2))
    later = (NOON + timedelta(hours=1)).isoformat()
    assert (await tenant.patch(http, {"id": first}, {"scheduled_at": later})).status_code == 200
    assert await listed(http, tenant) == [second, first]
