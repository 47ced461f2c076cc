"""Links for guests: who may make one, what it shows without a token, and until when."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from greenroom.kit.ids import BrandId, SessionId
from greenroom.kit.sealing import Seals
from greenroom.registrations.links import PATH, Ticket, Tickets
from tests.administration.admins import administered
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.postgres import TestDatabase
from tests.registrations.people import Room, answered, room
from tests.server import AUTHORITIES, SECRET_KEY, Server, running_server
from tests.tenant import Json, Tenant
from tests.wire import assert_refused

LINK = operations(OURS)["/v1/sessions/{id}/registrations/{registration_id}/link", "post"]
OPEN = operations(OURS)["/v1/guest-links/{ticket}", "get"]
TICKETS = Tickets([SECRET_KEY])
PUBLIC_URL = "https://live.example.com"
NEW_KEY = "a new key of at least 32 characters"


async def opened(http: httpx.AsyncClient, url: str) -> Json:
    """What the link shows to somebody without a token."""
    return answered(await http.get(url), 200)


async def linked(there: Room, guest: Json, *, user: str = "host_1", scope: str = "write:live") -> Json:
    return answered(await there.link(guest, user=user, scope=scope), 200)


def ticket_for(there: Room, guest: Json, *, good_for: timedelta = timedelta(hours=1)) -> Ticket:
    """A ticket as we would write it, good from now on."""
    session, registration = SessionId(UUID(there.session["id"])), UUID(guest["id"])
    return Ticket(there.tenant.brand, session, registration, datetime.now(UTC) + good_for)


async def test_a_link_is_good_until_a_day_after_the_session_begins(
    http: httpx.AsyncClient, server: Server, tenant: Tenant
) -> None:
    there = await room(http, tenant, scheduled_at="2097-03-01T17:00:00.25Z")
    response = await there.link(await there.invite())
    link = answered(response, 200)
    assert link["expires_at"] == "2097-03-02T17:00:00.000Z"
    assert link["url"].startswith(f"{server.url}{PATH}")
    assert not faults_in(link, answer_schema(OURS, LINK, "200"))
    assert response.headers["cache-control"] == "no-store"


async def test_a_link_is_opened_without_a_token(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    response = await http.get((await linked(there, guest))["url"])
    shown = answered(response, 200)
    assert shown["registration"] == {
        "id": guest["id"],
        "session_id": there.session["id"],
        "user_id": f"guest:{guest['id']}",
        "role": "guest",
        "status": "registered",
        "waitlist_position": None,
        "registered_at": guest["registered_at"],
        "promoted_at": None,
        "cancelled_at": None,
    }
    assert shown["session"] == {**there.session, "registered_count": 1, "is_registered": True}
    assert not faults_in(shown, answer_schema(OURS, OPEN, "200"))
    assert response.headers["cache-control"] == "no-store"


async def test_neither_the_link_nor_what_it_shows_holds_the_address(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    link = await there.link(await there.invite("secret.guest@example.com"))
    ticket = urlsplit(answered(link, 200)["url"]).path.removeprefix(PATH)
    signed = urlsafe_b64decode(ticket.rpartition(".")[0])
    shown = await http.get(link.json()["url"])
    for said in (link.content, signed, shown.content):
        assert b"secret" not in said


@pytest.mark.parametrize(("user", "scope"), [
    ("host_1", "write:live"), ("host_2", "write:live"), ("manager", "manage:live"), ("manager", "admin:live"),
])  # fmt: skip
async def test_who_hosts_gives_a_guest_a_link(*, http: httpx.AsyncClient, tenant: Tenant, user: str, scope: str) -> None:
    there = await room(http, tenant)
    await http.put(f"{there.path}/co-hosts/host_2", headers=tenant.bearer())
    guest = await there.invite()
    link = await linked(there, guest, user=user, scope=scope)
    assert (await opened(http, link["url"]))["registration"]["id"] == guest["id"]


async def test_who_registered_the_guest_gives_them_a_link(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    guest = await there.invite(user="assistant", scope="manage:live")
    link = await linked(there, guest, user="assistant", scope="write:live")
    assert (await opened(http, link["url"]))["registration"]["id"] == guest["id"]


@pytest.mark.parametrize("user", ["stranger", "a", "assistant"])
async def test_nobody_else_gives_a_guest_a_link(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    there = await room(http, tenant)
    await there.enter("a")
    await there.invite("another@example.com", user="assistant", scope="manage:live")
    assert_refused(await there.link(await there.invite(), user=user), "forbidden")


async def test_who_has_an_account_needs_no_link(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    [registration] = await there.enter("a")
    for user in ("host_1", "a"):
        assert_refused(await there.link(registration, user=user), "not_joinable")


async def test_who_was_removed_gets_no_link(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    await there.remove(guest)
    assert_refused(await there.link(guest), "not_joinable")


async def test_a_link_shows_that_the_guest_was_removed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    link = await linked(there, guest)
    removed = answered(await there.remove(guest), 200)
    shown = await opened(http, link["url"])
    assert (shown["registration"]["status"], shown["registration"]["cancelled_at"]) == ("cancelled", removed["cancelled_at"])
    assert (shown["session"]["is_registered"], shown["session"]["registered_count"]) == (False, 0)


@pytest.mark.parametrize("verbs", [["start"], ["start", "end"], ["cancel"]], ids=["live", "ended", "cancelled"])
async def test_a_link_shows_what_became_of_the_session(http: httpx.AsyncClient, tenant: Tenant, verbs: list[str]) -> None:
    there = await room(http, tenant)
    link = await linked(there, await there.invite())
    for verb in verbs:
        session = await there.step(verb)
    shown = await opened(http, link["url"])
    assert shown["session"] == {**session, "is_registered": True}
    assert shown["registration"]["status"] == "registered"


async def test_a_link_stays_good_when_the_session_moves_and_a_new_one_lasts_longer(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    link = await linked(there, guest)
    await there.patch(scheduled_at="2098-01-01T10:00:00Z")
    assert (await opened(http, link["url"]))["session"]["scheduled_at"] == "2098-01-01T10:00:00.000Z"
    assert (await linked(there, guest))["expires_at"] == "2098-01-02T10:00:00.000Z"


@pytest.mark.parametrize("begins", ["2001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_a_link_is_good_for_a_day_though_the_time_has_passed(
    http: httpx.AsyncClient, tenant: Tenant, begins: str
) -> None:
    there = await room(http, tenant, scheduled_at=begins)
    before = datetime.now(UTC).replace(microsecond=0)
    link = await linked(there, await there.invite())
    expires_at = datetime.fromisoformat(link["expires_at"])
    assert before + timedelta(days=1) <= expires_at <= datetime.now(UTC) + timedelta(days=1)
    await opened(http, link["url"])


async def test_a_link_to_the_last_session_of_the_calendar_is_good_to_its_end(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant, scheduled_at="9999-12-31T23:59:59.999Z")
    link = await linked(there, await there.invite())
    assert link["expires_at"] == "9999-12-31T23:59:59.000Z"
    await opened(http, link["url"])


async def test_a_link_that_has_expired_opens_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    await opened(http, PATH + TICKETS.write(ticket_for(there, guest)))
    response = await http.get(PATH + TICKETS.write(ticket_for(there, guest, good_for=timedelta(seconds=-1))))
    assert_refused(response, "invalid_token")
    assert "invalid_token" in response.headers["www-authenticate"]


async def test_a_link_that_we_did_not_write_opens_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    ticket = ticket_for(there, await there.invite())
    octets = urlsafe_b64decode(TICKETS.write(ticket).rpartition(".")[0])
    forged = [
        Tickets(["another key that nobody knows here"]).write(ticket),
        Seals([SECRET_KEY], purpose="another purpose").seal(octets),
        Seals([SECRET_KEY], purpose="greenroom guest link").seal(octets, of="something"),
    ]
    for text in forged:
        assert_refused(await http.get(PATH + text), "invalid_token")


async def test_a_link_that_was_changed_opens_nothing(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    text = TICKETS.write(ticket_for(there, await there.invite()))
    later = TICKETS.write(msgspec.structs.replace(TICKETS.read(text, now=datetime.min.replace(tzinfo=UTC)), brand=BrandId("x")))
    changed = [
        text[:20] + ("A" if text[20] != "A" else "B") + text[21:],
        text[:-5] + ("A" if text[-5] != "A" else "B") + text[-4:],
        later.rpartition(".")[0] + "." + text.rpartition(".")[2],
        text.rpartition(".")[0],
        text[1:],
        f"{text}.{text}",
    ]
    for forged in changed:
        assert_refused(await http.get(PATH + forged), "invalid_token")


@pytest.mark.parametrize("text", [
    "x", "..x", "%00", "%FF%FE", "%0A", "'%20or%201=1", "null", "a" * 1000, "%E2%82%AC.%E2%82%AC", "AAAA.AAAA",
])  # fmt: skip
async def test_what_is_no_ticket_opens_nothing(http: httpx.AsyncClient, text: str) -> None:
    assert_refused(await http.get(PATH + text), "invalid_token")


async def test_a_token_is_no_ticket(http: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_refused(await http.get(PATH + tenant.token(scope="admin:live")), "invalid_token")


async def test_a_ticket_is_no_token(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    ticket = TICKETS.write(ticket_for(there, await there.invite()))
    assert_refused(await http.get(there.path, headers={"Authorization": f"Bearer {ticket}"}), "invalid_token")


async def test_a_link_asks_for_no_token_even_where_a_bad_one_comes(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    path = PATH + TICKETS.write(ticket_for(there, await there.invite()))
    answered(await http.get(path, headers={"Authorization": "Bearer garbage", "X-Brand-Id": "another"}), 200)


async def test_a_good_ticket_for_nobody_shows_nobody(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    good = ticket_for(there, await there.invite())
    other = await room(http, tenant)
    for ticket in (
        msgspec.structs.replace(good, brand=BrandId(f"{tenant.brand}-other")),
        msgspec.structs.replace(good, session=SessionId(UUID(other.session["id"]))),
        msgspec.structs.replace(good, session=SessionId(uuid4())),
        msgspec.structs.replace(good, registration=uuid4()),
    ):
        assert_refused(await http.get(PATH + TICKETS.write(ticket)), "not_found")


@pytest.fixture
def published(database: TestDatabase, tmp_path: Path) -> Iterator[Server]:
    """A server that knows where the world finds it, and has a new key before the old one."""
    settings = {
        "GREENROOM_PUBLIC_URL": PUBLIC_URL,
        "GREENROOM_SECRET_KEYS": f"{NEW_KEY},{SECRET_KEY}",
    }
    with running_server(database, tmp_path, settings=settings) as running:
        yield running


async def test_a_link_leads_to_where_the_world_finds_us_and_outlives_its_key(
    http: httpx.AsyncClient, tenant: Tenant, published: Server
) -> None:
    there = await room(http, tenant)
    guest = await there.invite()
    of_old_key = urlsplit((await linked(there, guest))["url"]).path
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=published.url, timeout=30) as rotated:
        link = await linked(Room(rotated, tenant, there.session), guest)
        of_new_key = link["url"].removeprefix(PUBLIC_URL)
        assert of_new_key.startswith(PATH)
        for path in (of_old_key, of_new_key):
            assert (await opened(rotated, path))["registration"]["id"] == guest["id"]
    assert_refused(await http.get(of_new_key), "invalid_token")  # of a key that the first server does not know


async def test_a_link_is_not_written_down(http: httpx.AsyncClient, tenant: Tenant, server: Server) -> None:
    there = await room(http, tenant)
    link = await linked(there, await there.invite())
    response = await http.get(link["url"])
    assert response.headers["x-request-id"]
    assert urlsplit(link["url"]).path.removeprefix(PATH) not in server.log_text()


async def test_a_link_brings_an_administrators_change_of_the_session(http: httpx.AsyncClient, tenant: Tenant) -> None:
    there = await room(http, tenant)
    link = await linked(there, await there.invite())
    await administered(http, tenant, there.session, {"title": "Moved to the blue room"})
    assert (await opened(http, link["url"]))["session"]["title"] == "Moved to the blue room"
