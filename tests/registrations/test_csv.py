"""The list of registrations as CSV (RFC 4180): for spreadsheets, which must run nothing of what people are called."""

import csv
import io
from typing import Any

import httpx
import pytest

from greenroom.kit.database import Database
from tests.registrations.crowds import crowd
from tests.registrations.people import Room, room
from tests.sessions.lists import another_brand
from tests.tenant import Tenant
from tests.wire import assert_refused

HEADER = [
    "id", "session_id", "user_id", "guest_email", "role", "status", "position", "registered_at", "promoted_at", "cancelled_at",
    "is_removed",
]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]
NO_FORMULAS = ["a=1", " =1", "'=1", "1-1", "ann@example.com"]


async def ask(there: Room, accept: str | None = "text/csv", *, user: str = "host_1", **parameters: Any) -> httpx.Response:
    headers = {**there.tenant.bearer(user), **({} if accept is None else {"Accept": accept})}
    there.http.headers.pop("accept", None)  # the client's own, which says that anything will do
    return await there.http.get(f"{there.path}/registrations", params=parameters, headers=headers)


async def lines(there: Room, **parameters: Any) -> list[dict[str, str]]:
    """What a spreadsheet reads."""
    response = await ask(there, **parameters)
    assert response.status_code == 200, response.text
    head, *rows = csv.reader(io.StringIO(response.content.decode(), newline=""), strict=True)
    assert head == HEADER
    assert {len(row) for row in rows} <= {len(HEADER)}
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


async def seat(there: Room, user: str) -> None:
    """A seat for somebody of any name."""
    await there.seat({"patient_id": user}, user="manager", scope="manage:live")


async def test_a_list_without_anybody_is_a_header(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await ask(await room(http, tenant))
    assert response.content == ",".join(HEADER).encode() + b"\r\n"


async def test_it_says_that_it_is_csv_to_be_kept_as_a_file(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await ask(await room(http, tenant))
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="registrations.csv"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert "accept" in response.headers["vary"].lower()


async def test_every_line_ends_as_the_standard_says(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("anna", "ben")
    content = (await ask(there)).content
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") == 3


async def test_a_line_says_what_the_host_sees_in_json(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    anna, _ = await there.enter("anna", "ben")
    await there.remove(anna)
    listed = (await ask(there, "application/json")).json()["registrations"]
    assert await lines(there) == [
        {
            name: "" if value is None else str(value).lower() if name == "is_removed" else str(value)
            for name, value in one.items()
        }
        for one in listed
    ]


@pytest.mark.parametrize("user", FORMULAS)
async def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(
    http: httpx.AsyncClient, tenant: Tenant, user: str
) -> None:
    there = await room(http, tenant)
    await seat(there, user)
    assert [one["user_id"] for one in await lines(there)] == [f"'{user}"]


@pytest.mark.parametrize("user", NO_FORMULAS)
async def test_what_it_would_not_run_stays_as_it_is(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await room(http, tenant)
    await seat(there, user)
    assert [one["user_id"] for one in await lines(there)] == [user]


@pytest.mark.parametrize("email", ["=cmd@example.com", "+1@example.com", "-1@example.com"])
async def test_an_address_that_a_spreadsheet_would_run_is_guarded_too(
    http: httpx.AsyncClient, tenant: Tenant, email: str
) -> None:
    there = await room(http, tenant)
    await there.invite(email)
    assert [one["guest_email"] for one in await lines(there)] == [f"'{email}"]


@pytest.mark.parametrize("user", [
    'the "host"', '"', '""', "a,b", "a;b", "a\nb", "a\r\nb", "a\rb", 'a",\n"b', "Ünïcødé 🩺 名前",
    "\u202eright to left", " a ", "x" * 200,
])  # fmt: skip
async def test_any_name_is_read_as_it_was_written(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await room(http, tenant)
    await seat(there, user)
    assert [one["user_id"] for one in await lines(there)] == [user]


async def test_a_status_lets_its_own_pass(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, seats=1)
    await there.enter("anna", "ben", "cleo")
    assert [one["user_id"] for one in await lines(there, status="waitlist")] == ["ben", "cleo"]


async def test_everybody_is_listed_whatever_page_is_asked_for(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("anna", "ben", "cleo")
    page = (await ask(there, "application/json", limit=1)).json()
    for cursor in ({}, {"cursor": page["next_cursor"]}):
        assert [one["user_id"] for one in await lines(there, limit=1, **cursor)] == ["anna", "ben", "cleo"]


@pytest.mark.parametrize("people", [1000, 1001, 2300])
async def test_thousands_are_listed_once_each_in_order(
    http: httpx.AsyncClient, tenant: Tenant, db: Database, people: int
) -> None:
    there = await room(http, tenant, seats=1500)
    names = await crowd(db, there, people)
    assert [one["user_id"] for one in await lines(there)] == names


async def test_a_list_of_unknown_length_is_sent_in_chunks(http: httpx.AsyncClient, tenant: Tenant) -> None:
    response = await ask(await room(http, tenant))
    assert response.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in response.headers


async def test_head_says_the_same_of_it_and_sends_none_of_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    await there.enter("anna")
    headers = {**tenant.bearer(), "Accept": "text/csv"}
    response = await http.head(f"{there.path}/registrations", headers=headers)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert (await there.own("anna")).status_code == 200  # the connection is still of use


@pytest.mark.parametrize(("accept", "is_csv"), [
    (None, False), ("", False), ("*/*", False), ("application/json", False), ("text/html", False),
    ("text/csv", True), ("TEXT/CSV", True), ("text/csv; charset=utf-8", True), ("text/csv;header=present;q=0.1", True),
    ("text/csv, application/json", True), ("application/json, text/csv", True), ("text/csv;q=0.5, */*;q=0.1", True),
    ("text/csv;q=0.6, application/json;q=0.5, */*;q=0.8", True), ("application/*;q=0.2, text/csv;q=0.3", True),
    ("text/csv;q=0", False), ("text/csv;q=0.0, text/html", False), ("application/json, text/csv;q=0.9", False),
    ("text/csv;q=0.8, */*", False), ("application/json;q=1, text/csv ; q=0.999", False), ("text/csv;q=much", False),
    ("text/csv;q=nan", False), ("text/csvx", False), ("application/text/csv", False),
])  # fmt: skip
async def test_the_accept_header_chooses(http: httpx.AsyncClient, tenant: Tenant, accept: str | None, is_csv: bool) -> None:
    response = await ask(await room(http, tenant), accept)
    assert response.headers["content-type"] == ("text/csv; charset=utf-8" if is_csv else "application/json")


async def test_several_accept_headers_are_one_list(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    headers: Any = [*tenant.bearer().items(), ("Accept", "application/json;q=0.5"), ("Accept", "text/csv")]
    response = await http.get(f"{there.path}/registrations", headers=headers)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"


async def test_what_is_refused_is_refused_in_json(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    assert_refused(await ask(there, user="somebody"), "forbidden")
    assert_refused(await ask(there, status="present"), "validation_error", names="status")
    strangers = {**another_brand().bearer(), "Accept": "text/csv"}
    assert_refused(await http.get(f"{there.path}/registrations", headers=strangers), "not_found")
