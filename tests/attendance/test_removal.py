"""DELETE /v1/sessions/{id}/participants/{user_id}: out of the call, the seat taken away, and no way back until allowed."""

from urllib.parse import quote

import httpx
import pytest

from greenroom.invariants import service as invariants
from greenroom.kit.database import Database
from tests.attendance.stage import Stage, stage
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.postgres import Owner
from tests.registrations.people import Trace, answered, audit_of, events_of, seats_of
from tests.server import Server
from tests.sessions.lists import another_brand, operator
from tests.sessions.test_co_hosts import BAD, ODD, UNDECODABLE
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, authorized, exchange, id_of, request_of

PATH = "/v1/sessions/{id}/participants/{user_id}"
HOSTS = pytest.mark.parametrize(("user", "scope"), [
    ("host_1", "write:live"), ("host_2", "write:live"), ("manager", "manage:live"), ("manager", "admin:live"),
], ids=["host", "co-host", "manager", "administrator"])  # fmt: skip


async def put_out(
    it: Stage, target: str, *, user: str = "host_1", scope: str = "read:live write:live", **headers: str
) -> httpx.Response:
    path = f"{it.there.path}/participants/{quote(target, safe='')}"
    return await it.there.http.delete(path, headers=it.there.tenant.bearer(user, scope=scope, **headers))


async def raw(server: Server, it: Stage, encoded: str) -> httpx.Response:
    """The user's id as it stands in the path, which no client tidies up."""
    target = f"{it.there.path}/participants/{encoded}".encode()
    return await exchange(server, request_of("DELETE", target, authorized(it.there.tenant)))


async def traces(it: Stage) -> tuple[int, int]:
    """How many audit rows and events of registrations there are; timers tell what they do of the session itself."""
    audited = await it.owner.fetchval("select count(*) from audit_log where brand_id = $1", it.there.tenant.brand)
    told = await it.owner.fetchval(
        "select count(*) from all_events_any_brand_v1() where brand_id = $1 and name like 'live.registration.%'",
        it.there.tenant.brand,
    )
    return audited, told


async def assert_sound(it: Stage) -> None:
    """`greenroom check` finds nothing of this session."""
    ids = {it.there.session["id"]} | {
        str(row["id"])
        for row in await it.owner.fetch("select id from registrations where session_id = $1", id_of(it.there.session))
    }
    found = [example for finding in await invariants.check(it.db) for example in finding.examples]
    assert [example for example in found if any(one in example for one in ids)] == []


@HOSTS
async def test_who_hosts_puts_somebody_out(it: Stage, http: httpx.AsyncClient, user: str, scope: str) -> None:
    await http.put(f"{it.there.path}/co-hosts/host_2", headers=it.there.tenant.bearer())
    await it.there.enter("anna")
    answered(await put_out(it, "anna", user=user, scope=scope), 200)
    assert await seats_of(it.owner, it.there) == (0, 0)
    await assert_sound(it)


async def test_who_crosses_brands_may(it: Stage, http: httpx.AsyncClient) -> None:
    await it.there.enter("anna")
    answered(await http.delete(f"{it.there.path}/participants/anna", headers=operator()), 200)
    assert await seats_of(it.owner, it.there) == (0, 0)


async def test_the_answer_is_the_registration_as_hosts_see_it(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    response = await put_out(it, "anna")
    removed = answered(response, 200)
    assert removed == {
        "id": registration["id"],
        "session_id": it.there.session["id"],
        "user_id": "anna",
        "guest_email": None,
        "role": "participant",
        "status": "cancelled",
        "position": 1,
        "registered_at": registration["registered_at"],
        "promoted_at": None,
        "cancelled_at": removed["cancelled_at"],
        "is_removed": True,
    }
    assert response.headers["cache-control"] == "private, no-cache"
    assert not faults_in(removed, answer_schema(OURS, operations(OURS)[PATH, "delete"], "200"))


async def test_the_first_in_line_moves_up_while_the_session_is_scheduled(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database
) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben", "cleo")
    answered(await put_out(it, "anna"), 200)
    assert await it.there.standing("anna", "ben", "cleo") == [("cancelled", None), ("registered", None), ("waitlist", 1)]
    await assert_sound(it)


async def test_nobody_moves_up_once_it_is_live(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben")
    await it.begin()
    answered(await put_out(it, "anna"), 200)
    assert await it.there.standing("anna", "ben") == [("cancelled", None), ("waitlist", 1)]
    await assert_sound(it)


async def test_who_stands_in_line_is_put_out_of_it(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> None:
    it = await stage(http, tenant, owner, db, seats=1)
    await it.there.enter("anna", "ben", "cleo")
    answered(await put_out(it, "ben"), 200)
    assert await it.there.standing("anna", "ben", "cleo") == [("registered", None), ("cancelled", None), ("waitlist", 1)]


@pytest.mark.parametrize("begun", [False, True])
async def test_there_is_no_way_back_until_allowed(it: Stage, begun: bool) -> None:
    await it.there.enter("anna")
    if begun:
        await it.begin()
    removed = answered(await put_out(it, "anna"), 200)
    assert_refused(await it.there.register("anna"), "forbidden")
    assert_refused(await it.there.take_seat(user="anna"), "forbidden")
    assert_refused(await it.there.take_seat({"patient_id": "anna"}, user="manager", scope="manage:live"), "forbidden")
    answered(await it.there.allow(removed), 200)
    assert [one["status"] for one in await it.there.enter("anna")] == ["registered"]
    await assert_sound(it)


async def test_who_gave_up_the_seat_is_barred_all_the_same(it: Stage) -> None:
    await it.there.enter("anna")
    await it.there.leave("anna")
    assert answered(await put_out(it, "anna"), 200)["is_removed"]
    assert_refused(await it.there.register("anna"), "forbidden")


async def test_it_is_the_latest_registration_that_is_removed(it: Stage) -> None:
    await it.there.enter("anna")
    await it.there.leave("anna")
    [latest] = await it.there.enter("anna")
    assert answered(await put_out(it, "anna"), 200)["id"] == latest["id"]
    assert await seats_of(it.owner, it.there) == (0, 0)


async def test_a_guest_is_put_out_by_the_id_that_tokens_carry(it: Stage) -> None:
    guest = await it.there.invite("guest@example.com")
    removed = answered(await put_out(it, f"guest:{guest['id']}"), 200)
    assert (removed["id"], removed["guest_email"], removed["is_removed"]) == (guest["id"], "guest@example.com", True)
    refused = await it.there.take_seat({"guest_email": "GUEST@example.com"}, user="host_1")
    assert_refused(refused, "forbidden")


async def test_who_is_inside_without_ever_having_registered_is_barred(it: Stage) -> None:
    await it.begin()
    await it.tell(it.stay("passer-by", 1, None))
    before = await seats_of(it.owner, it.there)
    removed = answered(await put_out(it, "passer-by", X_Request_Id="request-7"), 200)
    assert (removed["user_id"], removed["role"], removed["status"]) == ("passer-by", "participant", "cancelled")
    assert removed["is_removed"]
    assert await audit_of(it.owner, removed) == [Trace(1, "registration.removed", "host_1", "test", "request-7")]
    [(name, payload)] = await events_of(it.owner, removed)
    assert (name, payload["was"], payload["user_id"]) == ("live.registration.removed.v1", "cancelled", "passer-by")
    assert_refused(await it.there.register("passer-by"), "forbidden")
    assert answered(await put_out(it, "passer-by"), 200) == removed
    assert await seats_of(it.owner, it.there) == before
    [registration] = answered(await it.ask("registrations"), 200)["registrations"]
    assert registration == removed
    assert (await it.of("passer-by"))["outcome"] == "removed"
    answered(await it.there.allow(removed), 200)
    assert [one["status"] for one in await it.there.enter("passer-by")] == ["registered"]
    await assert_sound(it)


async def test_a_removal_is_one_audit_row_and_one_event(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    removed = answered(await put_out(it, "anna", X_Request_Id="request-7"), 200)
    assert (await audit_of(it.owner, registration))[1:] == [Trace(2, "registration.removed", "host_1", "test", "request-7")]
    assert (await events_of(it.owner, registration))[1:] == [
        (
            "live.registration.removed.v1",
            {
                "session_id": it.there.session["id"],
                "registration_id": registration["id"],
                "version": 2,
                "user_id": "anna",
                "was": "registered",
                "removed_at": removed["cancelled_at"],
            },
        )
    ]
    await assert_sound(it)


async def test_twice_is_once(it: Stage) -> None:
    await it.there.enter("anna")
    first = await put_out(it, "anna")
    before = await traces(it)
    second = await put_out(it, "anna")
    assert (second.status_code, second.content) == (200, first.content)
    assert await traces(it) == before


async def test_twice_is_once_though_it_ended_meanwhile(it: Stage) -> None:
    await it.there.enter("anna")
    first = await put_out(it, "anna")
    await it.end()
    second = await put_out(it, "anna")
    assert (second.status_code, second.content) == (200, first.content)


async def test_removing_the_registration_and_the_participant_is_once(it: Stage) -> None:
    [registration] = await it.there.enter("anna")
    first = answered(await it.there.remove(registration), 200)
    before = await traces(it)
    assert answered(await put_out(it, "anna"), 200) == first
    assert await traces(it) == before


@pytest.mark.parametrize("target", ["host_1", "host_2"])
async def test_no_host_is_put_out(it: Stage, http: httpx.AsyncClient, target: str) -> None:
    await http.put(f"{it.there.path}/co-hosts/host_2", headers=it.there.tenant.bearer())
    await it.begin()
    await it.tell(it.stay(target, 0, None))
    before = await traces(it)
    for user, scope in (("host_1", "write:live"), ("host_2", "write:live"), ("manager", "manage:live")):
        refused = await put_out(it, target, user=user, scope=scope)
        assert_refused(refused, "validation_error", names="user_id: expected somebody other than a host.", never=[target])
    assert await traces(it) == before


@pytest.mark.parametrize("begun", [False, True])
async def test_who_was_never_there_is_a_404(it: Stage, begun: bool) -> None:
    if begun:
        await it.end()
    assert_refused(await put_out(it, "nobody"), "not_found", names="participant", never=["nobody"])


@pytest.mark.parametrize("registered", [True, False])
async def test_nobody_is_put_out_of_a_session_that_ended(it: Stage, registered: bool) -> None:
    if registered:
        await it.there.enter("anna")
    await it.hosted(it.stay("anna", 0, 60))
    before = await traces(it)
    assert_refused(await put_out(it, "anna"), "invalid_status")
    assert await traces(it) == before


@pytest.mark.parametrize("user", ["anna", "ben", "stranger"])
async def test_nobody_else_puts_anybody_out(it: Stage, user: str) -> None:
    await it.there.enter("anna", "ben")
    for target in ("anna", "host_1", "nobody"):
        assert_refused(await put_out(it, target, user=user), "forbidden")
    assert await seats_of(it.owner, it.there) == (2, 0)


async def test_reading_is_not_enough(it: Stage) -> None:
    assert_refused(await put_out(it, "anna", scope="read:live"), "insufficient_scope", names="write:live")


async def test_nobody_of_another_brand_puts_anybody_out(it: Stage) -> None:
    await it.there.enter("anna")
    for scope in ("read:live write:live", "admin:live"):
        headers = another_brand().bearer("host_1", scope=scope)
        refused = await it.there.http.delete(f"{it.there.path}/participants/anna", headers=headers)
        assert_refused(refused, "not_found", names="session")
    assert await seats_of(it.owner, it.there) == (1, 0)


@pytest.mark.parametrize("session", ["0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11", "x"])
async def test_a_session_that_is_not_there_is_a_404(http: httpx.AsyncClient, tenant: Tenant, session: str) -> None:
    refused = await http.delete(f"/v1/sessions/{session}/participants/anna", headers=tenant.bearer())
    assert_refused(refused, "not_found", names="session")


@pytest.mark.parametrize("user", ODD, ids=ascii)
async def test_an_odd_id_is_that_persons(server: Server, it: Stage, user: str) -> None:
    await it.begin()
    await it.tell(it.stay(user, 0, None), it.stay("anna", 0, None))
    removed: Json = answered(await raw(server, it, quote(user, safe="")), 200)
    assert (removed["user_id"], removed["is_removed"]) == (user, True)
    assert await it.owner.fetchval("select count(*) from registrations where session_id = $1", id_of(it.there.session)) == 1
    assert_refused(await it.there.register(user), "forbidden")


@pytest.mark.parametrize("encoded", [*BAD, *UNDECODABLE, "a" * 1000], ids=lambda text: text[:20])
async def test_an_id_that_no_token_can_carry_is_refused(server: Server, it: Stage, encoded: str) -> None:
    await it.there.enter("a")
    before = await traces(it)
    refused = await raw(server, it, encoded)
    assert_refused(refused, "validation_error", names="user_id: expected", never=[encoded] if len(encoded) > 5 else [])
    assert await traces(it) == before


async def test_an_id_beyond_any_length_is_nobodys(server: Server, it: Stage) -> None:
    before = await traces(it)
    assert_refused(await raw(server, it, "a" * 10_000), "not_found")
    assert await traces(it) == before
