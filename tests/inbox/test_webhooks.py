"""A webhook counts when its provider has signed it, and once."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from tests.faults.waiting import held_row
from tests.inbox.sender import Sender, joined, livekit_token, signed
from tests.postgres import Owner, TestDatabase
from tests.providers.fake.credentials import GETSTREAM_SECRETS, LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json

ROOM_STARTED = json.dumps(
    {"event": "room_started", "id": "EV_1", "createdAt": "1764320000", "room": {"name": "x", "sid": "RM_1"}}
).encode()
MIB = 1024 * 1024


async def kept(owner: Owner, session: Json) -> int:
    """How many connections are known."""
    return int(await owner.fetchval("select count(*) from connections where call_id = $1", UUID(session["id"])))


async def told(owner: Owner, session: Json) -> list[Json]:
    """What the world was told of webhooks."""
    rows = await owner.fetch(
        "select payload from all_events_any_brand_v1() where name = 'live.stream.event.v1' and session_id = $1",
        UUID(session["id"]),
    )
    return [json.loads(row["payload"]) for row in rows]


def refused(response: httpx.Response) -> bool:
    """401, in the contract's form."""
    return response.status_code == 401 and set(response.json()) == {"error", "message"}


async def test_what_the_provider_signed_is_taken(sender: Sender, session: Json, owner: Owner) -> None:
    response = await sender.stream(joined(session["id"]))
    assert (response.status_code, response.json()) == (200, {"received": True})
    assert await kept(owner, session) == 1


async def test_a_compressed_body_is_verified_as_it_is_inside(sender: Sender, session: Json, owner: Owner) -> None:
    assert (await sender.stream(joined(session["id"]), squeezed=True)).status_code == 200
    assert await kept(owner, session) == 1


async def test_an_old_secret_counts_while_it_is_rotated(sender: Sender, session: Json, owner: Owner) -> None:
    assert (await sender.stream(joined(session["id"]), secret=GETSTREAM_SECRETS[1])).status_code == 200
    assert await kept(owner, session) == 1


@pytest.mark.parametrize("signature", ["", "0" * 64, "é" * 3, "zz", signed(b"another body")])
async def test_no_other_signature_is_taken(sender: Sender, session: Json, owner: Owner, signature: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-signature", signature.encode("latin-1"))]
    response = await sender.post("/webhooks/stream", joined(session["id"]), headers)  # type: ignore[arg-type]  # octets
    assert refused(response)
    assert await kept(owner, session) == 0


async def test_a_secret_of_nobodys_signs_nothing(sender: Sender, session: Json) -> None:
    assert refused(await sender.stream(joined(session["id"]), secret="somebody else's secret"))  # noqa: S106


async def test_no_signature_is_none(sender: Sender, session: Json) -> None:
    assert refused(await sender.post("/webhooks/stream", joined(session["id"]), {"Content-Type": "application/json"}))


async def test_what_was_sent_again_counts_once(sender: Sender, session: Json, owner: Owner) -> None:
    body = joined(session["id"])
    answers = await asyncio.gather(*(sender.stream(body, event_id="the same") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await told(owner, session)) == 1


async def test_what_is_replayed_under_another_id_counts_once(sender: Sender, session: Json, owner: Owner) -> None:
    body = joined(session["id"])
    assert [(await sender.stream(body)).status_code for _ in range(3)] == [200, 200, 200]
    assert len(await told(owner, session)) == 1


async def test_many_at_once_are_all_kept(sender: Sender, session: Json, owner: Owner) -> None:
    answers = await asyncio.gather(*(sender.stream(joined(session["id"], user=f"person-{n}")) for n in range(300)))
    assert {answer.status_code for answer in answers} == {200}
    assert await kept(owner, session) == 300
    assert len(await told(owner, session)) == 300


async def test_no_person_is_named_to_the_world(sender: Sender, session: Json, owner: Owner) -> None:
    await sender.stream(joined(session["id"], user="anna-with-a-name"))
    (payload,) = await told(owner, session)
    assert set(payload) == {"event_type", "session_id", "brand_id", "stream_call_id", "occurred_at", "payload"}
    assert not any(word in json.dumps(payload) for word in ("anna", "Anna", "people.example"))


@pytest.mark.parametrize("call", ["0199c8a0-0000-7000-8000-000000000000", "no-uuid", "x" * 300])
async def test_a_call_that_is_nobodys_is_kept_and_answered(sender: Sender, owner: Owner, call: str) -> None:
    assert (await sender.stream(joined(call), event_id=f"nobodys-{call[:50]}")).status_code == 200
    row = await owner.fetchrow("select brand_id, call_id from provider_inbox where event_id = $1", f"nobodys-{call[:50]}")
    assert row is not None
    assert tuple(row) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"type": 5}',
        b'{"type": "call.session_participant_joined"}',
        b'{"type": "call.session_participant_joined", "call_cid": "default:x", "participant": "nobody"}',
        b'{"type": "call.recording_ready", "call_cid": "default:x", "call_recording": {"url": 1e999}}',
        b'{"type": "' + b"t" * 100_000 + b'"}',
        b'{"type": "a\\u0000b", "call_cid": "default:\\u0000"}',
        b'{"type": "\\ud800", "call_cid": "default:\\udfff"}',
        b"[" * 10_000,
    ],
)
async def test_nonsense_that_is_signed_never_breaks_anything(sender: Sender, body: bytes) -> None:
    response = await sender.stream(body)
    assert response.status_code in {200, 400, 401}, response.text
    if response.status_code != 200:
        assert set(response.json()) == {"error", "message"}


async def test_hostile_people_and_connections_break_nothing(sender: Sender, session: Json, owner: Owner) -> None:
    for user in ("a\0b", "\ud800", "x" * 100_000, "", "💥"):
        response = await sender.stream(joined(session["id"], user=user, connection=f"c-{user}"))
        assert response.status_code in {200, 400, 401}, (user[:10], response.text)
    assert (await sender.stream(joined(session["id"], user="ben"))).status_code == 200
    assert (
        await owner.fetchval("select count(*) from connections where call_id = $1 and user_id = 'ben'", UUID(session["id"]))
        == 1
    )


@pytest.mark.parametrize("size", [MIB + 1, 10 * MIB])
async def test_a_body_larger_than_a_mebibyte_is_refused(sender: Sender, size: int) -> None:
    assert (await sender.stream(b"x" * size)).status_code == 413


async def test_a_body_of_a_mebibyte_is_read(sender: Sender, session: Json) -> None:
    body = joined(session["id"], padding="x" * (MIB - 1000))
    assert (await sender.stream(body)).status_code == 200


async def test_a_bomb_is_not_blown_up(sender: Sender) -> None:
    assert (await sender.stream(b"\0" * (200 * MIB), squeezed=True)).status_code == 413


@pytest.mark.parametrize("body", [b"\x1f\x8b", b"\x1f\x8bgarbage", bytes.fromhex("1f8b0800000000000003")])
async def test_what_is_no_gzip_is_refused(sender: Sender, body: bytes) -> None:
    response = await sender.post("/webhooks/stream", body, {"Content-Type": "application/json", "X-Signature": signed(body)})
    assert response.status_code == 400


async def test_a_session_that_is_being_changed_makes_a_webhook_wait_and_loses_none(
    sender: Sender, session: Json, database: TestDatabase, owner: Owner
) -> None:
    async with held_row(database, session) as row:
        sending = asyncio.create_task(sender.stream(joined(session["id"])))
        await row.awaited()
    assert (await sending).status_code == 200
    assert await kept(owner, session) == 1


async def test_livekit_signs_otherwise(sender: Sender) -> None:
    assert (await sender.livekit(ROOM_STARTED)).status_code == 200
    older = livekit_token(ROOM_STARTED, key=LIVEKIT_KEYS[1], secret=LIVEKIT_SECRETS[1])
    assert (await sender.livekit(ROOM_STARTED, token=older)).status_code == 200


async def test_no_other_token_of_livekits_is_taken(sender: Sender) -> None:
    expired = livekit_token(ROOM_STARTED, lifetime=timedelta(minutes=-5))
    mixed = livekit_token(ROOM_STARTED, key=LIVEKIT_KEYS[0], secret=LIVEKIT_SECRETS[1])
    for token in ("", "garbage", "a.b.c", livekit_token(b"another"), expired, mixed, f"Bearer {'x' * 5000}"):
        assert refused(await sender.livekit(ROOM_STARTED, token=token))
    assert refused(await sender.livekit(ROOM_STARTED, headers={"Content-Type": "application/webhook+json"}))


async def test_where_no_secret_is_set_nothing_is_believed(http: httpx.AsyncClient, session: Json) -> None:
    assert refused(await Sender(http).stream(joined(session["id"])))
    assert refused(await Sender(http).livekit(ROOM_STARTED))


async def test_webhooks_have_a_limit_of_their_own(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"GREENROOM_RATE_LIMIT_WEBHOOKS": "3", "GREENROOM_RATE_LIMIT_ADDRESS": "5"}
    with running_server(database, tmp_path_factory.mktemp("limited"), settings=settings) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url) as http:
            hooks = [(await http.post("/webhooks/stream")).status_code for _ in range(4)]
            others = [(await http.get("/healthz")).status_code for _ in range(3)]
    assert hooks == [401, 401, 401, 429]
    assert others == [200, 200, 200]


async def test_what_is_older_than_a_week_is_forgotten(sender: Sender, session: Json, owner: Owner, receiving: Server) -> None:
    await sender.stream(joined(session["id"]), event_id="old")
    await sender.stream(joined(session["id"]), event_id="young")
    await owner.execute("update provider_inbox set received_at = now() - interval '8 days' where event_id = 'old'")
    assert await owner.fetchval("select forget_inbox_any_brand_v1(10, interval '7 days')") == 1
    assert await owner.fetchval("select count(*) from provider_inbox where event_id = 'young'") == 1
    assert "Anna" not in receiving.log_text()
