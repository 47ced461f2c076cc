"""Where people are reached: what managers say, what tokens say, and that it can be erased."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.notifications.post import refusal_in
from tests.postgres import Owner
from tests.registrations.people import answered, room
from tests.server import SECRET_KEY
from tests.tenant import Json, Tenant

MANAGE = "manage:live"
AUDIT = """
select a.action, a.changed, a.entity_version from audit_log a where a.brand_id = $1 and a.entity = 'contact'
order by a.occurred_at, a.entity_version
"""
KNOWN = "select email, time_zone from contacts where brand_id = $1 and user_id = $2"


def path(user: str) -> str:
    return f"/v1/contacts/{user}"


async def put(http: httpx.AsyncClient, tenant: Tenant, user: str, body: object) -> httpx.Response:
    return await http.put(path(user), json=body, headers=tenant.bearer("boss", scope=MANAGE))


def token(tenant: Tenant, user: str, *, email: str | None, zone: str | None = None) -> dict[str, str]:
    """The headers of somebody whose token says where they are reached."""
    grant = new_grant(
        user=UserId(user), brand=BrandId(tenant.brand), scope="read:live write:live", client=ClientId("test"),
        lifetime=timedelta(hours=1), email=email, time_zone=zone,
    )  # fmt: skip
    return {"Authorization": f"Bearer {Signer([SECRET_KEY]).sign(grant)}"}


async def known(owner: Owner, tenant: Tenant, user: str) -> tuple[str, str | None] | None:
    row = await owner.fetchrow(KNOWN, tenant.brand, user)
    return None if row is None else (row["email"], row["time_zone"])


async def test_what_was_said_is_there(http: httpx.AsyncClient, tenant: Tenant) -> None:
    said = answered(await put(http, tenant, "ada", {"email": "ada@example.com", "time_zone": "Europe/Berlin"}), 200)
    assert said == {
        "user_id": "ada",
        "email": "ada@example.com",
        "time_zone": "Europe/Berlin",
        "stopped": None,
        "updated_at": said["updated_at"],
    }
    assert answered(await http.get(path("ada"), headers=tenant.bearer("boss", scope=MANAGE)), 200) == said


async def test_a_user_may_have_a_slash(http: httpx.AsyncClient, tenant: Tenant) -> None:
    answered(await put(http, tenant, "auth0%7C/ada", {"email": "ada@example.com"}), 200)
    said = answered(await http.get(path("auth0%7C/ada"), headers=tenant.bearer("boss", scope=MANAGE)), 200)
    assert said["user_id"] == "auth0|/ada"


async def test_a_zone_that_is_not_sent_is_none(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await put(http, tenant, "ada", {"email": "ada@example.com", "time_zone": "Europe/Berlin"})
    assert answered(await put(http, tenant, "ada", {"email": "ada@example.com"}), 200)["time_zone"] is None


async def test_what_is_erased_is_not_there_and_twice_is_once(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await put(http, tenant, "ada", {"email": "ada@example.com"})
    for _ in range(2):
        response = await http.delete(path("ada"), headers=tenant.bearer("boss", scope=MANAGE))
        assert (response.status_code, response.content) == (204, b"")
    gone = await http.get(path("ada"), headers=tenant.bearer("boss", scope=MANAGE))
    assert refusal_in(gone) == (404, "not_found")
    assert await known(owner, tenant, "ada") is None


async def test_each_change_has_its_audit_row_and_no_change_has_none(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    for zone in ("Europe/Berlin", "Europe/Berlin", "Europe/Paris"):
        await put(http, tenant, "ada", {"email": "ada@example.com", "time_zone": zone})
    await http.delete(path("ada"), headers=tenant.bearer("boss", scope=MANAGE))
    rows = [tuple(row) for row in await owner.fetch(AUDIT, tenant.brand)]
    assert rows == [
        ("contact.kept", ["email", "time_zone"], 1),
        ("contact.kept", ["time_zone"], 2),
        ("contact.erased", ["email", "time_zone"], 3),
    ]


async def test_another_brand_knows_nothing_of_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    await put(http, tenant, "ada", {"email": "ada@example.com"})
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    assert refusal_in(await http.get(path("ada"), headers=other.bearer("boss", scope=MANAGE))) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": None},
        {"email": 5},
        {"email": ""},
        {"email": "ada"},
        {"email": "ada@example.com, bob@example.com"},
        {"email": "ada@example.com\r\nBcc: bob@example.com"},
        {"email": "ada@example.com\n"},
        {"email": "ada\0@example.com"},
        {"email": "Ada <ada@example.com>"},
        {"email": "ada@exämple.com"},
        {"email": f"{'a' * 64}@{'b' * 62}.{'c' * 62}.{'d' * 62}.ee"},
        {"email": ["ada@example.com"]},
        {"email": "ada@example.com", "time_zone": ""},
        {"email": "ada@example.com", "time_zone": "Nowhere/Land"},
        {"email": "ada@example.com", "time_zone": "../../etc/passwd"},
        {"email": "ada@example.com", "time_zone": "/etc/localtime"},
        {"email": "ada@example.com", "time_zone": "Europe/Berlin\0"},
        {"email": "ada@example.com", "time_zone": "x" * 100},
        {"email": "ada@example.com", "time_zone": 1},
        ["ada@example.com"],
    ],
    ids=ascii,
)
async def test_what_is_no_contact_is_refused_and_not_repeated(http: httpx.AsyncClient, tenant: Tenant, body: object) -> None:
    response = await put(http, tenant, "ada", body)
    assert refusal_in(response) == (400, "validation_error")
    assert "Bcc" not in response.text
    assert "passwd" not in response.text


@pytest.mark.parametrize("raw", [b"", b"{", b'{"email":"\\ud800@example.com"}', b'{"email":1e999}', b"\xff"])
async def test_a_body_that_is_none_is_refused(http: httpx.AsyncClient, tenant: Tenant, raw: bytes) -> None:
    headers = tenant.bearer("boss", scope=MANAGE, Content_Type="application/json")
    assert refusal_in(await http.put(path("ada"), content=raw, headers=headers)) == (400, "validation_error")


async def test_of_two_addresses_in_a_body_the_last_one_counts(http: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = tenant.bearer("boss", scope=MANAGE, Content_Type="application/json")
    raw = b'{"email":"first@example.com","email":"last@example.com"}'
    assert answered(await http.put(path("ada"), content=raw, headers=headers), 200)["email"] == "last@example.com"


@pytest.mark.parametrize("user", ["x" * 201, "a%00b"])
async def test_a_user_whom_nobody_can_be_has_no_contact(http: httpx.AsyncClient, tenant: Tenant, user: str) -> None:
    assert refusal_in(await put(http, tenant, user, {"email": "ada@example.com"})) == (404, "not_found")
    assert refusal_in(await http.get(path(user), headers=tenant.bearer("boss", scope=MANAGE))) == (404, "not_found")


async def test_two_at_the_same_moment_are_both_answered(http: httpx.AsyncClient, tenant: Tenant) -> None:
    bodies: list[Json] = [{"email": f"ada+{number}@example.com"} for number in range(8)]
    answers = await asyncio.gather(*(put(http, tenant, "ada", body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}


async def test_who_registers_is_reached_where_the_token_says(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    headers = token(tenant, "ada", email="ada@example.com", zone="Europe/Berlin")
    answered(await http.post(f"{there.path}/registrations", headers=headers), 201)
    assert await known(owner, tenant, "ada") == ("ada@example.com", "Europe/Berlin")


async def test_who_takes_a_seat_or_joins_is_reached_there_too(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    answered(await http.post(f"{there.path}/register", json={}, headers=token(tenant, "ada", email="ada@example.com")), 201)
    await there.step("start")
    await http.post(f"{there.path}/join", json={"user_id": "bob"}, headers=token(tenant, "bob", email="bob@example.com"))
    assert await known(owner, tenant, "ada") == ("ada@example.com", None)
    assert await known(owner, tenant, "bob") == ("bob@example.com", None)


async def test_a_token_without_a_zone_leaves_the_one_that_is_known(
    http: httpx.AsyncClient, tenant: Tenant, owner: Owner
) -> None:
    await put(http, tenant, "ada", {"email": "old@example.com", "time_zone": "Europe/Berlin"})
    there = await room(http, tenant)
    await http.post(f"{there.path}/registrations", headers=token(tenant, "ada", email="ada@example.com"))
    assert await known(owner, tenant, "ada") == ("ada@example.com", "Europe/Berlin")


async def test_a_zone_that_nobody_knows_keeps_nobody_out(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    there = await room(http, tenant)
    headers = token(tenant, "ada", email="ada@example.com", zone="Nowhere/Land")
    answered(await http.post(f"{there.path}/registrations", headers=headers), 201)
    assert await known(owner, tenant, "ada") == ("ada@example.com", None)


async def test_a_token_that_says_nothing_takes_nothing_away(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    await put(http, tenant, "ada", {"email": "ada@example.com"})
    there = await room(http, tenant)
    await there.enter("ada")
    assert await known(owner, tenant, "ada") == ("ada@example.com", None)


async def test_who_is_seen_again_is_not_written_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    headers = token(tenant, "ada", email="ada@example.com")
    for _ in range(3):
        there = await room(http, tenant)
        answered(await http.post(f"{there.path}/registrations", headers=headers), 201)
    assert len(await owner.fetch(AUDIT, tenant.brand)) == 1


async def test_who_was_erased_and_registers_again_is_known_again(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    headers = token(tenant, "ada", email="ada@example.com")
    there = await room(http, tenant)
    await http.post(f"{there.path}/registrations", headers=headers)
    await http.delete(path("ada"), headers=tenant.bearer("boss", scope=MANAGE))
    another = await room(http, tenant)
    await http.post(f"{another.path}/registrations", headers=headers)
    assert await known(owner, tenant, "ada") == ("ada@example.com", None)


async def test_a_hash_alone_is_kept_of_a_stopped_address(http: httpx.AsyncClient, tenant: Tenant, owner: Owner) -> None:
    address = f"{uuid4()}@example.com"
    await put(http, tenant, "ada", {"email": address})
    await owner.execute("select stop_mail_v1($1, $2)", tenant.brand, address)
    answer = answered(await http.get(path("ada"), headers=tenant.bearer("boss", scope=MANAGE)), 200)
    assert answer["stopped"] == "unsubscribed"
    await http.delete(path("ada"), headers=tenant.bearer("boss", scope=MANAGE))
    assert address not in str(await owner.fetch("select * from mail_stops"))
