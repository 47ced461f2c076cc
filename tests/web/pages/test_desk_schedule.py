"""What a host sees of all sessions, and scheduling one."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from greenroom.kit.errors import ValidationFailed
from greenroom.web.local_times import field_of, instant_in
from greenroom.web.times import Clock
from tests.server import Server
from tests.tenant import Tenant
from tests.web.pages.visiting import Page, visiting

MANAGES = "manage:live"


async def sections(server: Server, tenant: Tenant, path: str = "/host", *, scope: str = "read:live write:live") -> Page:
    async with visiting(server.url, "host_1", tenant.brand, scope=scope) as visitor:
        return await visitor.get(path)


def titles(page: Page, heading: str) -> list[str]:
    """The links under a heading."""
    (section,) = [one for one in page.all("section.card") if one.select("h2")[0].get_text() == heading]
    return [link.get_text() for link in section.select(".rows a")]


async def test_what_one_hosts_is_listed_live_then_to_come_then_the_month(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    await tenant.session(http, title="to come", scheduled_at=ahead.isoformat())
    live = await tenant.session(http, title="on now", scheduled_at=ahead.isoformat())
    await tenant.step(http, live, "start")
    past = await tenant.session(http, title="called off", scheduled_at=datetime.now(UTC).isoformat())
    await tenant.step(http, past, "cancel")
    other = tenant.bearer("host_2")
    await http.post("/v1/sessions", json=tenant.wanted(host_id="host_2", title="another's"), headers=other)
    page = await sections(server, tenant)
    assert titles(page, "Live now") == ["on now"]
    assert titles(page, "Upcoming") == ["to come"]
    assert titles(page, f"{datetime.now(UTC):%B %Y}") == ["called off"]
    assert "another's" not in page.text
    assert not page.has('a[href="/host/webhooks"]')


async def test_who_manages_may_see_everybodys(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    await http.post("/v1/sessions", json=tenant.wanted(host_id="host_2", title="another's"), headers=tenant.bearer("host_2"))
    assert "another's" in (await sections(server, tenant, "/host?whose=all", scope=MANAGES)).text
    assert "another's" not in (await sections(server, tenant, "/host?whose=all")).text
    assert (await sections(server, tenant, scope=MANAGES)).has('a[href="/host/webhooks"]')


async def test_nothing_planned_invites_to_plan(server: Server, tenant: Tenant) -> None:
    page = await sections(server, tenant)
    assert "Schedule your first session." in page.text
    assert page.has('a[href="/host/new"]')


async def test_who_may_only_read_has_no_desk(server: Server, tenant: Tenant) -> None:
    for path in ("/host", "/host/new"):
        assert (await sections(server, tenant, path, scope="read:live")).status == 403


async def test_a_session_is_scheduled_in_the_hosts_zone(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "host_1", tenant.brand, zone="Europe/Berlin") as visitor:
        page = await visitor.send(
            "/host/new",
            "/host/new",
            {"title": " Sitting well ", "scheduled_at": "2027-07-01T18:30", "kind": "office_hours", "max_participants": "12"},
        )
    assert "The session is scheduled." in page.text
    seen = (await http.get(f"/v1{page.answer.url.path.replace('host', 'sessions')}", headers=tenant.bearer())).json()
    assert {name: seen[name] for name in ("title", "scheduled_at", "kind", "max_participants", "host_id", "status")} == {
        "title": "Sitting well",
        "scheduled_at": "2027-07-01T16:30:00.000Z",
        "kind": "office_hours",
        "max_participants": 12,
        "host_id": "host_1",
        "status": "scheduled",
    }


async def test_a_form_sent_twice_in_the_same_moment_schedules_once(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = {**(await visitor.get("/host/new")).form("/host/new"), "title": "Once"}
        pages = await asyncio.gather(*(visitor.post("/host/new", form) for _ in range(6)))
    assert {page.status for page in pages} == {200}
    assert len({page.answer.url.path for page in pages}) == 1
    listed = await http.get("/v1/live/sessions", headers=tenant.bearer())
    assert len(listed.json()["sessions"]) == 1


async def test_a_form_sent_twice_schedules_once(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    async with visiting(server.url, "host_1", tenant.brand) as visitor:
        form = {**(await visitor.get("/host/new")).form("/host/new"), "title": "Once"}
        first, second = [await visitor.post("/host/new", form) for _ in range(2)]
    assert first.answer.url.path == second.answer.url.path
    listed = await http.get("/v1/live/sessions", headers=tenant.bearer())
    assert len(listed.json()["sessions"]) == 1


@pytest.mark.parametrize(
    "case",
    [
        ("title", "", "Title: expected a string of 1 to 10,000"),
        ("title", "x" * 10_001, "Title: expected a string"),
        ("title", "a\0b", "Title: expected a string"),
        ("scheduled_at", "", "Begins: expected a date and a time"),
        ("scheduled_at", "2027-02-30T10:00", "Begins: expected a date and a time"),
        ("scheduled_at", "2027-03-28T02:30", "the clocks are put forward over it"),
        ("kind", "party", "Kind: expected live or office_hours"),
        ("max_participants", "0", "Seats: expected an integer from 1 to 2147483647"),
        ("max_participants", "2147483648", "Seats: expected an integer"),
        ("max_participants", "1e999", "Seats: expected an integer"),
        ("max_participants", "many", "Seats: expected an integer"),
        ("max_participants", "", "Seats: expected an integer"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(
    http: httpx.AsyncClient, server: Server, tenant: Tenant, case: tuple[str, str, str]
) -> None:
    field, typed, told = case
    async with visiting(server.url, "host_1", tenant.brand, zone="Europe/Berlin") as visitor:
        page = await visitor.send("/host/new", "/host/new", {"title": "Kept", field: typed})
    assert page.status == 400
    assert told in page.one("[role=alert]").get_text()
    assert page.one("[aria-invalid=true]")["name"] == field
    if field != "title":
        assert page.form("/host/new")["title"] == "Kept"
    if field not in {"kind", "title"}:
        assert page.form("/host/new")[field] == typed
    listed = await http.get("/v1/live/sessions", headers=tenant.bearer())
    assert listed.json()["sessions"] == []


@pytest.mark.parametrize(
    ("typed", "instant"),
    [
        ("2027-03-28T03:00", "2027-03-28T01:00:00.000Z"),
        ("2027-10-31T02:30", "2027-10-31T00:30:00.000Z"),  # which comes twice
        ("0001-01-01T00:53", None),
        ("9999-12-31T23:59", "9999-12-31T22:59:00.000Z"),
    ],
)
def test_a_local_time_is_an_instant_of_its_zone(typed: str, instant: str | None) -> None:
    clock = Clock("Europe/Berlin")
    if instant is None:
        with pytest.raises(ValidationFailed):
            instant_in(typed, clock, field="scheduled_at")
    else:
        assert instant_in(typed, clock, field="scheduled_at") == instant
        assert field_of(instant, clock) == typed
