"""GET /v1/sessions/{id}/attendance: pages, CSV, who may see it."""

import csv
import io

import httpx
import pytest

from tests.attendance.stage import Stage
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.registrations.crowds import walked
from tests.registrations.people import answered
from tests.sessions.lists import another_brand, operator
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

PATH = "/v1/sessions/{id}/attendance"
PEOPLE = 250
MANY = 1100  # more than a list that is given whole reads at once
HEADER = [
    "user_id", "role", "registration_status", "first_joined_at", "last_left_at", "minutes", "is_inside", "is_estimated",
    "outcome",
]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)"]
ODD = ['the "host"', "a,b", "a\nb", "Ünïcødé 🩺", "a/b", "100%", "'", " a "]


def users_of(*pages: Json) -> list[str]:
    return [one["user_id"] for page in pages for one in page["attendance"]]


async def crowded(it: Stage, people: int) -> list[str]:
    """So many people, in a session that is over; answers all that are listed, by the octets of their ids."""
    names = [f"user_{number}" for number in range(people)]
    await it.hosted(*(it.stay(name, number % 60, 60) for number, name in enumerate(names)))
    return sorted([*names, "host_1"])


async def as_csv(it: Stage, **parameters: str | int) -> httpx.Response:
    headers = it.there.tenant.bearer("host_1", Accept="text/csv")
    return await it.there.http.get(f"{it.there.path}/attendance", params=parameters, headers=headers)


def cell(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


async def rows_of(it: Stage) -> list[list[str]]:
    response = await as_csv(it)
    assert response.status_code == 200, response.text
    head, *rows = csv.reader(io.StringIO(response.content.decode(), newline=""), strict=True)
    assert head == HEADER
    return rows


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_every_page_has_everybody_once(it: Stage, limit: int) -> None:
    everybody = await crowded(it, PEOPLE if limit > 1 else 9)
    headers = it.there.tenant.bearer()
    pages = await walked(it.there.http, f"{it.there.path}/attendance", headers, limit=limit)
    assert users_of(*pages) == everybody
    assert {len(page["attendance"]) for page in pages[:-1]} <= {limit}
    assert all(page["totals"] == pages[0]["totals"] for page in pages)
    assert pages[0]["totals"]["people"] == len(everybody)
    assert not faults_in(pages[0], answer_schema(OURS, operations(OURS)[PATH, "get"], "200"))


async def test_a_page_says_where_the_next_one_is(it: Stage) -> None:
    everybody = await crowded(it, 3)
    first = await it.ask(limit=2)
    assert first.links["next"]["url"] == f"{it.there.path}/attendance?limit=2&cursor={first.json()['next_cursor']}"
    second = await it.there.http.get(first.links["next"]["url"], headers=it.there.tenant.bearer())
    assert users_of(first.json(), second.json()) == everybody
    assert (second.json()["next_cursor"], second.links) == (None, {})


async def test_a_page_that_is_just_full_is_the_last(it: Stage) -> None:
    await crowded(it, 3)
    assert (await it.read(limit=4))["next_cursor"] is None


async def test_a_page_has_twenty_when_nobody_says_and_a_hundred_at_most(it: Stage) -> None:
    everybody = await crowded(it, 120)
    assert users_of(answered(await it.ask(), 200)) == everybody[:20]
    assert users_of(await it.read(limit=1000)) == everybody[:100]


async def test_people_are_sorted_by_the_octets_of_their_ids(it: Stage) -> None:
    names = ["Zoe", "a", "_", "é", "z", "A-1", "a1"]
    await it.hosted(*(it.stay(name, 0, 60) for name in names))
    headers = it.there.tenant.bearer()
    pages = await walked(it.there.http, f"{it.there.path}/attendance", headers, limit=1)
    assert users_of(*pages) == sorted([*names, "host_1"])


async def test_who_comes_while_the_pages_are_read_puts_nobody_out(it: Stage) -> None:
    everybody = await crowded(it, 6)
    first = await it.read(limit=3)
    await it.tell(it.stay("a", 0, 60), it.stay("zoe", 0, 60))
    second = await it.read(limit=100, cursor=first["next_cursor"])
    assert users_of(first, second) == [*everybody, "zoe"]


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "-1"), ("limit", "many"), ("cursor", "x")])
async def test_a_bad_parameter_is_named(it: Stage, name: str, value: str) -> None:
    assert_refused(await it.ask(**{name: value}), "validation_error", names=name)


async def test_a_cursor_is_good_for_its_list_alone(it: Stage, http: httpx.AsyncClient, tenant: Tenant) -> None:
    await crowded(it, 3)
    cursor = (await it.read(limit=1))["next_cursor"]
    other = await tenant.session(http)
    refused = await http.get(f"/v1/sessions/{other['id']}/attendance", params={"cursor": cursor}, headers=tenant.bearer())
    assert_refused(refused, "validation_error", names="cursor")
    assert_refused(await it.ask("registrations", cursor=cursor), "validation_error", names="cursor")


@pytest.mark.parametrize("people", [0, 3, PEOPLE, MANY])
async def test_csv_says_what_json_says(it: Stage, people: int) -> None:
    everybody = await crowded(it, people)
    headers = it.there.tenant.bearer()
    pages = await walked(it.there.http, f"{it.there.path}/attendance", headers, limit=100)
    listed = [[cell(one[name]) for name in HEADER] for page in pages for one in page["attendance"]]
    assert await rows_of(it) == listed
    assert [row[0] for row in listed] == everybody


async def test_csv_of_all_outcomes_says_what_json_says(it: Stage) -> None:
    removed, *_ = await it.there.enter("removed", "gone", "away")
    await it.leave("gone", -1)
    await it.there.remove(removed)
    await it.hosted(it.stay("early", 0, 10), it.stay("guess", None, 60))
    listed = (await it.read())["attendance"]
    assert await rows_of(it) == [[cell(one[name]) for name in HEADER] for one in listed]
    assert len({one["outcome"] for one in listed}) == 5


async def test_csv_is_all_of_it_whatever_page_is_asked_for(it: Stage) -> None:
    everybody = await crowded(it, 5)
    cursor = (await it.read(limit=1))["next_cursor"]
    for parameters in ({"limit": 1}, {"limit": 1, "cursor": cursor}):
        response = await as_csv(it, **parameters)
        assert [line.split(",")[0] for line in response.text.splitlines()[1:]] == everybody


async def test_it_says_that_it_is_csv_to_be_kept_as_a_file(it: Stage) -> None:
    response = await as_csv(it)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="attendance.csv"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert "accept" in response.headers["vary"].lower()
    assert response.content.count(b"\n") == response.content.count(b"\r\n") == 2


async def test_json_is_kept_by_nobody_but_the_caller(it: Stage) -> None:
    response = await it.ask()
    assert response.headers["cache-control"] == "private, no-cache"
    assert "accept" in response.headers["vary"].lower()


@pytest.mark.parametrize("user", FORMULAS)
async def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(it: Stage, user: str) -> None:
    await it.hosted(it.stay(user, 0, 60))
    assert sorted(row[0] for row in await rows_of(it)) == sorted(["host_1", f"'{user}"])


@pytest.mark.parametrize("user", ODD, ids=ascii)
async def test_any_name_is_listed_as_it_is(it: Stage, user: str) -> None:
    await it.hosted(it.stay(user, 0, 60))
    assert users_of(await it.read()) == [row[0] for row in await rows_of(it)] == sorted(["host_1", user])


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
@pytest.mark.parametrize("user", ["stranger", "anna"])
async def test_who_does_not_host_the_session_is_refused(it: Stage, user: str, accept: str) -> None:
    await it.there.enter("anna", "ben")
    await it.hosted(it.stay("anna", 0, 60))
    headers = it.there.tenant.bearer(user, Accept=accept)
    response = await it.there.http.get(f"{it.there.path}/attendance", headers=headers)
    assert_refused(response, "forbidden", never=["ben"])


async def test_co_hosts_and_who_manages_see_it(it: Stage, http: httpx.AsyncClient) -> None:
    await http.put(f"{it.there.path}/co-hosts/host_2", headers=it.there.tenant.bearer())
    for user, scope in (("host_2", "write:live"), ("manager", "manage:live"), ("manager", "admin:live")):
        assert users_of(await it.read(user=user, scope=scope)) == ["host_1"]


async def test_who_crosses_brands_sees_it(it: Stage, http: httpx.AsyncClient) -> None:
    response = await http.get(f"{it.there.path}/attendance", headers=operator())
    assert users_of(answered(response, 200)) == ["host_1"]


async def test_reading_is_not_enough(it: Stage) -> None:
    assert_refused(await it.ask(scope="read:live"), "insufficient_scope", names="write:live")


@pytest.mark.parametrize("what", ["attendance", "recordings"])
async def test_nobody_of_another_brand_sees_it(it: Stage, what: str) -> None:
    for scope in ("read:live write:live", "admin:live"):
        headers = another_brand().bearer("host_1", scope=scope)
        assert_refused(await it.there.http.get(f"{it.there.path}/{what}", headers=headers), "not_found")


@pytest.mark.parametrize("what", ["attendance", "recordings"])
@pytest.mark.parametrize("session", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "x", "00000000-0000-0000-0000-000000000000"])
async def test_a_session_that_is_not_there_is_a_404(http: httpx.AsyncClient, tenant: Tenant, session: str, what: str) -> None:
    assert_refused(await http.get(f"/v1/sessions/{session}/{what}", headers=tenant.bearer()), "not_found")
