"""The room's page and the ways in and out that its module asks for, without a browser."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from greenroom.kit.ids import BrandId
from tests.postgres import TestDatabase
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant
from tests.web.pages.visiting import Page, visiting

JOIN_URL = "https://app.example.com/live/{session_id}"


@pytest.fixture(scope="module")
def rooms(rooms_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose calls browsers carry among themselves."""
    settings = {"GREENROOM_VIDEO_PROVIDER": "builtin"}
    with running_server(rooms_database, tmp_path_factory.mktemp("rooms"), settings=settings) as running:
        yield running


@pytest.fixture
async def api(rooms: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=rooms.url, timeout=30) as client:
        yield client


async def live(api: httpx.AsyncClient, tenant: Tenant, *users: str, **fields: object) -> Json:
    """A session that is live, in which these have seats."""
    session = await tenant.session(api, **fields)
    for user in users:
        assert (await api.post(f"/v1/sessions/{session['id']}/registrations", headers=tenant.bearer(user))).status_code == 201
    assert (await tenant.step(api, session, "start")).status_code == 200
    return session


async def opened(server: Server, tenant: Tenant, session: Json, user: str | None = "ada") -> Page:
    async with visiting(server.url, user, tenant.brand) as visitor:
        return await visitor.get(f"/s/{session['id']}/room")


async def asked(server: Server, tenant: Tenant, session: Json, act: str, by: str, **fields: str) -> httpx.Response:
    """What a form of the room's page is answered, sent as its module sends it."""
    async with visiting(server.url, by, tenant.brand) as visitor:
        page = await visitor.get(f"/s/{session['id']}")
        csrf = str(page.all("[name=csrf]")[0]["value"])
        return await visitor.ask(f"/s/{session['id']}/room/{act}", {"csrf": csrf, **fields})


async def test_a_room_may_use_camera_microphone_and_screen_and_no_other_page_may(
    api: httpx.AsyncClient, rooms: Server, tenant: Tenant
) -> None:
    session = await live(api, tenant, "ada")
    page = await opened(rooms, tenant, session)
    assert (
        page.answer.headers["permissions-policy"] == "camera=(self), microphone=(self), geolocation=(), display-capture=(self)"
    )
    assert page.answer.headers.get_list("permissions-policy") == [page.answer.headers["permissions-policy"]]
    assert page.answer.headers["x-frame-options"] == "DENY"
    async with visiting(rooms.url, "ada", tenant.brand) as visitor:
        other = await visitor.get(f"/s/{session['id']}")
    assert other.answer.headers["permissions-policy"] == "camera=(), microphone=(), geolocation=(), display-capture=()"
    assert other.answer.headers["content-security-policy"] == page.answer.headers["content-security-policy"]


async def test_who_watches_is_asked_for_no_device_and_who_speaks_is(
    api: httpx.AsyncClient, rooms: Server, tenant: Tenant
) -> None:
    broadcast = await live(api, tenant, "ada")
    hours = await live(api, tenant, "ada", kind="office_hours")
    assert not (await opened(rooms, tenant, broadcast)).has("#camera")
    assert (await opened(rooms, tenant, broadcast, "host_1")).has("#camera")
    assert (await opened(rooms, tenant, hours)).has("#camera")


async def test_what_hosts_do_is_on_the_page_of_hosts_alone(api: httpx.AsyncClient, rooms: Server, tenant: Tenant) -> None:
    session = await live(api, tenant, "ada", kind="office_hours")
    host, ada = await opened(rooms, tenant, session, "host_1"), await opened(rooms, tenant, session)
    for part in ('id="do-record"', 'id="do-end"', 'data-does="mute"', 'data-does="lower"', "/room/remove"):  # some in templates
        assert (part, part in host.answer.text, part in ada.answer.text) == (part, True, False)


async def test_consent_is_asked_for_where_calls_are_recorded(
    api: httpx.AsyncClient,
    rooms: Server,
    tenant: Tenant,
    rooms_database: TestDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    session = await live(api, tenant, "ada")
    assert "by coming in you agree" in (await opened(rooms, tenant, session)).text
    settings = {"GREENROOM_VIDEO_PROVIDER": "builtin", "GREENROOM_RECORDING": "off"}
    with running_server(rooms_database, tmp_path_factory.mktemp("unrecorded"), settings=settings) as unrecorded:
        assert "by coming in you agree" not in (await opened(unrecorded, tenant, session)).text


async def test_who_may_not_come_in_is_told_why(api: httpx.AsyncClient, rooms: Server, tenant: Tenant) -> None:
    early = await tenant.session(api)
    assert "With a seat you can join." in (await opened(rooms, tenant, early)).text
    full = await live(api, tenant, "bob", max_participants=1)
    assert "With a seat you can join." in (await opened(rooms, tenant, full)).text
    over = await tenant.ended(api)
    assert "There is nothing to join any more." in (await opened(rooms, tenant, over, "host_1")).text
    assert (await opened(rooms, tenant, early, None)).answer.url.path == "/signin"
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    assert (await opened(rooms, other, early)).status == 404


async def test_where_nobody_carries_video_the_page_says_so(http: httpx.AsyncClient, server: Server, tenant: Tenant) -> None:
    session = await live(http, tenant, "ada")
    assert "Where to join is told by who invited you." in (await opened(server, tenant, session)).text


async def test_a_token_is_given_to_who_may_come_in_and_says_who_carries_it(
    api: httpx.AsyncClient, rooms: Server, tenant: Tenant
) -> None:
    session = await live(api, tenant)
    answer = await asked(rooms, tenant, session, "token", "ada")
    assert answer.status_code == 200
    assert (answer.json()["call_id"], answer.json()["provider"]) == (session["id"], "builtin")
    assert answer.json()["token"].count(".") == 2
    assert answer.headers["cache-control"] == "no-store"
    own = await api.get(f"/v1/sessions/{session['id']}/registrations/me", headers=tenant.bearer("ada"))
    assert own.json()["status"] == "registered"  # on the spot


async def test_who_was_removed_gets_no_token(api: httpx.AsyncClient, rooms: Server, tenant: Tenant) -> None:
    session = await live(api, tenant, "ada")
    answer = await asked(rooms, tenant, session, "remove", "host_1", user="ada")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await asked(rooms, tenant, session, "token", "ada")).status_code == 403
    page = await opened(rooms, tenant, session)
    assert "A host has removed you from this session." in page.text
    assert not page.has("#enter")


async def test_only_hosts_put_somebody_out(api: httpx.AsyncClient, rooms: Server, tenant: Tenant) -> None:
    session = await live(api, tenant, "ada", "bob")
    assert (await asked(rooms, tenant, session, "remove", "bob", user="ada")).status_code == 403
    assert (await asked(rooms, tenant, session, "remove", "host_1", user="nobody")).status_code == 404
    assert (await asked(rooms, tenant, session, "remove", "host_1", user="")).status_code == 400


async def test_joining_leads_to_the_room_or_where_the_operator_says(
    api: httpx.AsyncClient,
    rooms: Server,
    tenant: Tenant,
    rooms_database: TestDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    session = await live(api, tenant, "ada")
    path = f"/s/{session['id']}"
    async with visiting(rooms.url, "ada", tenant.brand) as visitor:
        joined = await visitor.send(path, f"{path}/join")
        assert joined.one("a.button:not(.quiet)")["href"] == f"{path}/room"
    settings = {"GREENROOM_VIDEO_PROVIDER": "builtin", "GREENROOM_JOIN_URL": JOIN_URL}
    with running_server(rooms_database, tmp_path_factory.mktemp("elsewhere"), settings=settings) as elsewhere:
        async with visiting(elsewhere.url, "ada", tenant.brand) as visitor:
            joined = await visitor.send(path, f"{path}/join")
            assert joined.one("a.button:not(.quiet)")["href"] == JOIN_URL.replace("{session_id}", session["id"])
