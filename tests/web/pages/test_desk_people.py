"""The page of a session's registrations: who has a seat, who waits at which place, who left or was removed."""

import csv
import io
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.registrations.people import Room, answered, room
from tests.server import Server
from tests.tenant import Json, Tenant
from tests.web.pages.roster import act_on, listed, people_of, row
from tests.web.pages.visiting import Page, Visitor, visiting


@pytest.fixture
async def there(http: httpx.AsyncClient, tenant: Tenant) -> Room:
    return await room(http, tenant)


@pytest.fixture
async def host(server: Server, tenant: Tenant) -> AsyncIterator[Visitor]:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        yield visitor


def counts(page: Page) -> list[str]:
    return [one.get_text() for one in page.all(".counts li")]


def has_no_image_or_script_of_theirs(page: Page) -> bool:
    return not page.has("main img, main script, main b, [onerror]")


async def test_who_registered_stands_in_the_order_in_which_they_came(there: Room, host: Visitor) -> None:
    await there.enter("zoe", "anna", "milo")
    page = await host.get(people_of(there))
    assert (page.status, listed(page)) == (200, ["zoe", "anna", "milo"])


async def test_the_line_says_its_places_and_the_counts_are_those_of_the_session(
    http: httpx.AsyncClient, tenant: Tenant, host: Visitor
) -> None:
    there = await room(http, tenant, seats=1)
    anna, ben, carl, dora = await there.enter("anna", "ben", "carl", "dora")
    answered(await there.leave("carl"), 200)
    page = await host.get(people_of(there))
    assert "Registered" in row(page, anna)
    assert ["place 1" in row(page, ben), "place 2" in row(page, dora)] == [True, True]
    assert "Cancelled" in row(page, carl)
    assert "place" not in row(page, carl)
    assert counts(page) == ["1 of 1 seats is taken", "2 people wait in line", "1 registration is cancelled"]


async def test_places_are_those_of_the_whole_line_whoever_is_sought(
    http: httpx.AsyncClient, tenant: Tenant, host: Visitor
) -> None:
    there = await room(http, tenant, seats=1)
    *_, last = await there.enter("anna", "ben", "carl", "dora")
    await (await room(http, tenant, seats=1)).enter("eve", "ed", "eli")  # whose line is another
    page = await host.get(f"{people_of(there)}?q=dora")
    assert listed(page) == ["dora"]
    assert "In line, place 3" in row(page, last)


async def test_who_moved_up_from_the_line_is_shown_to_have(http: httpx.AsyncClient, tenant: Tenant, host: Visitor) -> None:
    there = await room(http, tenant, seats=1)
    _, ben = await there.enter("anna", "ben")
    answered(await there.leave("anna"), 200)
    page = await host.get(people_of(there))
    assert "Moved up from the line:" in row(page, ben)


async def test_a_guest_is_called_by_the_address(there: Room, host: Visitor) -> None:
    guest = await there.invite("o'hara+x@example.com")
    page = await host.get(people_of(there))
    assert listed(page) == ["o'hara+x@example.com"]
    assert page.one(f"#person-{guest['id']} th .badge").get_text() == "Guest"


async def test_times_are_told_by_the_viewers_clock(server: Server, tenant: Tenant, there: Room) -> None:
    [anna] = await there.enter("anna")
    async with visiting(server.url, "host_1", tenant.brand, zone="Asia/Tokyo") as host:
        page = await host.get(people_of(there))
    assert page.one(f"#person-{anna['id']} time")["datetime"] == anna["registered_at"]
    hour = (int(anna["registered_at"][11:13]) + 9) % 24
    assert f", {hour:02}:{anna['registered_at'][14:16]}" in row(page, anna)
    assert "Times are in Japan Standard Time, Asia/Tokyo." in page.text


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("ANN", ["anna", "Johanna"]),
        ("joHAN", ["Johanna"]),
        ("@Example.com", ["a_b%c@example.com"]),
        ("%", ["100%", "a_b%c@example.com"]),
        ("_", ["under_score", "a_b%c@example.com"]),
        ("r_s", ["under_score"]),
        ("a%", []),
        ("\\", ["back\\slash"]),
        ("'", ["o'hara"]),
        ('"', ['say "hi"']),
        ("'; drop table registrations; --", []),
        ("  anna  ", ["anna", "Johanna"]),
        ("👩🏽‍⚕️", ["👩🏽‍⚕️"]),
    ],
)
async def test_a_search_finds_what_is_within_an_id_or_an_address(
    there: Room, host: Visitor, sought: str, found: list[str]
) -> None:
    await there.enter("anna", "Johanna", "100%", "under_score", "underXscore", "back\\slash", "o'hara", 'say "hi"', "👩🏽‍⚕️")
    await there.invite("a_b%c@example.com")
    page = Page(await host.http.get(people_of(there), params={"q": sought}))
    assert (page.status, listed(page)) == (200, found)
    assert page.one("#q")["value"] == sought.strip()


async def test_a_search_finds_nobody_of_another_session(there: Room, host: Visitor, http: httpx.AsyncClient) -> None:
    other = await room(http, there.tenant)
    await other.enter("anna")
    assert listed(await host.get(f"{people_of(there)}?q=anna")) == []


@pytest.mark.parametrize(
    ("status", "found"),
    [("", ["anna", "ben", "rosa"]), ("registered", ["anna"]), ("waitlist", ["ben"]), ("cancelled", ["rosa"])],
)
async def test_one_status_alone_is_shown(
    http: httpx.AsyncClient, tenant: Tenant, host: Visitor, status: str, found: list[str]
) -> None:
    there = await room(http, tenant, seats=1)
    *_, rosa = await there.enter("anna", "ben", "rosa")
    answered(await there.remove(rosa), 200)
    page = await host.get(f"{people_of(there)}?q=&status={status}")
    assert listed(page) == found
    assert [one["value"] for one in page.all("#status option[selected]")] == ([status] if status else [])
    assert counts(page)[0] == "1 of 1 seats is taken"


async def test_a_page_without_anybody_says_so(there: Room, host: Visitor) -> None:
    page = await host.get(people_of(there))
    assert page.one(".empty").get_text() == "Nobody has registered yet."
    assert not page.has("table")


async def test_a_search_without_a_match_says_so_and_leads_back_to_everybody(there: Room, host: Visitor) -> None:
    await there.enter("anna")
    page = await host.get(f"{people_of(there)}?q=zoe")
    assert page.one(".empty").get_text() == "Nobody matches this search."
    assert page.one("form.search a")["href"] == people_of(there)


@pytest.mark.parametrize("query", ["status=gone", f"q={'x' * 255}", "q=a%00b", "cursor=x", "q=other&cursor=x"])
async def test_a_search_that_cannot_be_made_is_shown_again_with_what_is_wrong(there: Room, host: Visitor, query: str) -> None:
    await there.enter("anna")
    page = await host.get(f"{people_of(there)}?{query}")
    assert page.status == 400
    assert "expected" in page.one("[role=alert]").get_text()
    assert listed(page) == ["anna"]
    typed = parse_qs(query).get("q", [""])[0]
    assert page.one("#q")["value"] == typed


async def paged(host: Visitor, path: str) -> list[list[str]]:
    pages = []
    while path:
        page = await host.get(path)
        assert page.status == 200
        pages.append(listed(page))
        links = page.all("a[rel=next]")
        path = str(links[0]["href"]) if links else ""
    return pages


async def test_a_hundred_and_twenty_people_are_on_three_pages_each_once(
    http: httpx.AsyncClient, tenant: Tenant, host: Visitor
) -> None:
    there = await room(http, tenant, seats=40)
    names = [f"person {number:03}" for number in range(120)]
    them = await there.enter(*names)
    pages = await paged(host, people_of(there))
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [name for page in pages for name in page] == names
    assert [len(page) for page in await paged(host, f"{people_of(there)}?q=PERSON+&status=waitlist")] == [50, 30]
    last = await host.get(f"{people_of(there)}?q=119")
    assert "In line, place 80" in row(last, them[-1])


async def test_a_page_goes_on_where_the_one_before_ended_whoever_left_meanwhile(there: Room, host: Visitor) -> None:
    names = [f"person {number:03}" for number in range(60)]
    await there.enter(*names)
    following = str((await host.get(people_of(there))).one("a[rel=next]")["href"])
    answered(await there.leave("person 000"), 200)
    assert listed(await host.get(following)) == names[50:]


async def test_removing_says_what_it_does_and_asks_once_more(http: httpx.AsyncClient, tenant: Tenant, host: Visitor) -> None:
    there = await room(http, tenant, seats=1)
    anna, ben = await there.enter("anna", "ben")
    page = await host.get(people_of(there))
    sure = page.one(f"#person-{anna['id']} details")
    assert not sure.has_attr("open")
    assert sure.select_one("summary") is not None
    assert "loses the seat and cannot register again until allowed; the next in line moves up" in sure.get_text()
    assert [str(one["action"]) for one in sure.select("form")] == [act_on(there, anna, "remove")]
    assert "loses the place in line" in page.one(f"#person-{ben['id']} details").get_text()


async def test_while_the_session_is_live_a_free_seat_is_said_to_go_to_whoever_joins(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    await there.step("start")
    assert "the free seat goes to whoever joins next" in row(await host.get(people_of(there)), anna)


async def test_who_is_removed_loses_the_seat_to_the_next_in_line_and_one_comes_back_to_the_row(
    http: httpx.AsyncClient, tenant: Tenant, host: Visitor
) -> None:
    there = await room(http, tenant, seats=1)
    anna, ben = await there.enter("anna", "ben")
    sent = await host.send(people_of(there), act_on(there, anna, "remove"), follow=False)
    assert sent.status == 303
    assert urlsplit(sent.answer.headers["location"]).fragment == f"person-{anna['id']}"
    page = await host.get(sent.answer.headers["location"])
    assert "cannot register again until you allow it" in page.one(".notice.good[role=status]").get_text()
    assert "Removed by a host" in row(page, anna)
    assert "Registered" in row(page, ben)
    assert (await there.register("anna")).status_code == 403


async def test_removing_twice_is_once(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    form = (await host.get(people_of(there))).form(act_on(there, anna, "remove"))
    pages = [await host.post(act_on(there, anna, "remove"), form) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert counts(pages[1]) == ["0 of 100 seats are taken", "0 people wait in line", "1 registration is cancelled"]


async def test_who_was_removed_is_allowed_again(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    answered(await there.remove(anna), 200)
    page = await host.get(people_of(there))
    assert not page.has(f"#person-{anna['id']} details")
    page = await host.send(people_of(there), act_on(there, anna, "allow"))
    assert "they may register again" in page.text
    assert "Removed" not in row(page, anna)
    assert (await there.register("anna")).status_code == 201


async def test_allowing_that_is_sent_twice_undoes_no_removal_since(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    answered(await there.remove(anna), 200)
    form = (await host.get(people_of(there))).form(act_on(there, anna, "allow"))
    await host.post(act_on(there, anna, "allow"), form)
    answered(await there.remove(anna), 200)
    page = await host.post(act_on(there, anna, "allow"), form)
    assert (page.status, "Removed by a host" in row(page, anna)) == (200, True)


async def test_a_module_gets_the_registration_as_it_is_now(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    form = (await host.get(people_of(there))).form(act_on(there, anna, "remove"))
    said = await host.ask(act_on(there, anna, "remove"), form)
    assert (said.status_code, said.json()["is_removed"], said.json()["status"]) == (200, True, "cancelled")


async def test_after_the_end_nobody_is_removed_and_who_tries_is_told(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    form = (await host.get(people_of(there))).form(act_on(there, anna, "remove"))
    for step in ("start", "end"):
        await there.step(step)
    assert not (await host.get(people_of(there))).has("details")
    page = await host.post(act_on(there, anna, "remove"), form)
    assert (page.status, page.has("[role=alert]")) == (412, True)
    assert "Registered" in row(page, anna)


async def test_from_a_search_one_comes_back_to_it(there: Room, host: Visitor) -> None:
    anna, _ = await there.enter("an & na=?#", "ben")
    path = f"{people_of(there)}?q=an+%26+na%3D%3F%23&status=registered"
    sent = await host.send(path, act_on(there, anna, "remove"), follow=False)
    where = urlsplit(sent.answer.headers["location"])
    assert parse_qs(where.query) == {"q": ["an & na=?#"], "status": ["registered"], "said": ["person_removed"]}


NAMES = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "{{ 7 * 7 }}",
    "\u202egnirts",
    "zero\u200bwidth",
    "👩🏽‍⚕️",
    "=HYPERLINK(1)",
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_is_text_and_keeps_its_direction_to_itself(there: Room, host: Visitor, name: str) -> None:
    await there.enter(name)
    page = Page(await host.http.get(people_of(there), params={"q": name}))
    assert listed(page) == [name]
    assert page.one("#q")["value"] == name
    assert has_no_image_or_script_of_theirs(page)


async def test_everybody_is_downloaded_as_the_api_gives_them(there: Room, host: Visitor) -> None:
    names = ["anna", '=1+"2"', "@cmd", "a,b\nc", "<b>"]
    await there.enter(*names)
    await there.invite("guest@example.com")
    link = (await host.get(people_of(there))).one("a[download]")
    answer = (await host.get(str(link["href"]))).answer
    api = await there.http.get(f"{there.path}/registrations", headers=there.tenant.bearer(accept="text/csv"))
    assert answer.content == api.content
    assert answer.headers["content-disposition"] == 'attachment; filename="registrations.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store"
    users = [one["user_id"] for one in csv.DictReader(io.StringIO(answer.text, newline=""))]
    assert users[:5] == ["anna", '\'=1+"2"', "'@cmd", "a,b\nc", "<b>"]


async def refused(visitor: Visitor, there: Room, registration: Json) -> set[int]:
    """What somebody is told who opens the page, downloads everybody, and sends its forms."""
    proof = (await visitor.get("/signin")).form("/signout")["csrf"]
    pages = [await visitor.get(people_of(there) + part) for part in ("", ".csv")]
    pages += [await visitor.post(act_on(there, registration, act), {"csrf": proof}) for act in ("remove", "allow")]
    return {page.status for page in pages}


async def test_a_participant_is_refused(server: Server, tenant: Tenant, there: Room) -> None:
    [anna] = await there.enter("anna")
    async with visiting(server.url, "anna", tenant.brand) as participant:
        assert await refused(participant, there, anna) == {403}


async def test_who_may_only_read_is_refused_even_as_the_host(server: Server, tenant: Tenant, there: Room) -> None:
    [anna] = await there.enter("anna")
    async with visiting(server.url, "host_1", tenant.brand, scope="read:live") as reader:
        assert await refused(reader, there, anna) == {403}


async def test_another_brands_host_finds_nothing(server: Server, there: Room) -> None:
    [anna] = await there.enter("anna")
    async with visiting(server.url, "host_1", "another-brand", scope="read:live write:live manage:live") as stranger:
        assert await refused(stranger, there, anna) == {404}


async def test_a_co_host_sees_and_removes(server: Server, tenant: Tenant, there: Room) -> None:
    answered(await there.http.put(f"{there.path}/co-hosts/host_2", headers=tenant.bearer()), 200)
    [anna] = await there.enter("anna")
    async with visiting(server.url, "host_2", tenant.brand) as co_host:
        page = await co_host.send(people_of(there), act_on(there, anna, "remove"))
    assert (page.status, "Removed by a host" in row(page, anna)) == (200, True)


async def test_a_registration_of_another_session_is_not_found(there: Room, host: Visitor, http: httpx.AsyncClient) -> None:
    [anna] = await there.enter("anna")
    other = await room(http, there.tenant)
    [stranger] = await other.enter("anna")
    form = (await host.get(people_of(there))).form(act_on(there, anna, "remove"))
    assert (await host.post(act_on(there, stranger, "remove"), form)).status == 404


async def test_a_form_without_its_proof_removes_nobody(there: Room, host: Visitor) -> None:
    [anna] = await there.enter("anna")
    assert (await host.post(act_on(there, anna, "remove"), {"csrf": "x"})).status == 403
    assert "Registered" in row(await host.get(people_of(there)), anna)


async def test_the_table_says_what_its_cells_are_and_no_id_stands_twice(there: Room, host: Visitor) -> None:
    await there.enter("anna", "ben")
    page = await host.get(people_of(there))
    assert [one["scope"] for one in page.all("th")] == ["col"] * 4 + ["row"] * 2
    ids = [one["id"] for one in page.all("[id]")]
    assert len(ids) == len(set(ids))
    described = [name for one in page.all("[aria-describedby]") for name in str(one["aria-describedby"]).split()]
    assert len(described) == 6
    assert set(described) <= set(ids)
