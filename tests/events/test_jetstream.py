"""What JetStream is told, where, and what is said of a NATS that cannot be told anything."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator
from nats.js.api import RetentionPolicy
from structlog.testing import capture_logs

from greenroom.events import jetstream as jetstream_module
from greenroom.events import service
from greenroom.events.catalogue import EVENTS
from greenroom.events.sinks import SinkError
from greenroom.kit.ids import BrandId
from tests.events.nats_server import NatsServer, running_nats
from tests.events.outbox import opened, tell, told
from tests.events.streams import STREAM, Message, arrived, messages, stored, streams_of
from tests.events.telling import jetstream, telling, write_many
from tests.events.wiretap import Wiretap, wiretapped
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.registrations.people import room
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant

SCHEMAS = {event.name: msgspec.json.schema(event.payload) for event in EVENTS}
NOBODY_LISTENS = "nats://127.0.0.1:1"
PASSWORD = "a password that nobody may read"  # noqa: S105
QUOTED = PASSWORD.replace(" ", "-")
EVENTS_AT_ONCE = 200
OF_A_DAY = 9  # events that told_of_a_day causes
TOLD_EVENT = """
select e.position, e.id::text as id, e.name, wire_time_v1(e.occurred_at) as occurred_at, e.brand_id, e.payload::text as payload
from events e where e.name like 'live.%' order by e.position
"""


@pytest.fixture
async def tap(nats_server: NatsServer) -> AsyncIterator[Wiretap]:
    async with wiretapped(nats_server.url) as listening:
        yield listening


async def refusal(url: str, *, credentials: Path | None = None) -> str:
    """Why it is not connected."""
    with pytest.raises(SinkError) as refused:
        async with jetstream(url, credentials=credentials).connected():
            pass
    return str(refused.value)


async def told_of_a_day(database: TestDatabase, nats_server: NatsServer, tmp_path: Path) -> list[Message]:
    """A `serve` that tells NATS; a session that is made, filled, changed, held and ended. What people are told is left out."""

    async def of_the_session() -> list[Message]:
        return [one for one in await arrived(nats_server.url, 1) if one.subject.startswith("live.")]

    async def all_is_there() -> bool:
        return len(await of_the_session()) >= OF_A_DAY

    tenant = Tenant(BrandId("acme"))
    with running_server(database, tmp_path, settings={"GREENROOM_NATS_URL": nats_server.url}) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            there = await room(http, tenant, seats=1)
            await there.enter("a", "b")
            await there.leave("a")
            session = there.session
            await tenant.patch(http, session, {"title": "Another", "scheduled_at": "2027-03-02T17:00:00Z"})
            for verb in ("start", "end"):
                await tenant.step(http, session, verb)
            await eventually(all_is_there, "all is told")
            return await of_the_session()


async def test_each_event_of_a_session_is_told_as_its_envelope_under_its_name(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer, tmp_path: Path
) -> None:
    heard = await told_of_a_day(scratch, nats_server, tmp_path)
    rows = await registrar.fetch(TOLD_EVENT)
    assert [(one.subject, one.id, one.position) for one in heard] == [(row["name"], row["id"], row["position"]) for row in rows]
    fields = ("id", "name", "occurred_at", "brand_id")
    wanted = [
        {**{field: row[field] for field in fields}, "payload": msgspec.json.decode(row["payload"])} for row in rows
    ]  # fmt: skip
    assert [one.body for one in heard] == wanted


async def test_each_payload_is_what_the_catalogue_says(scratch: TestDatabase, nats_server: NatsServer, tmp_path: Path) -> None:
    heard = await told_of_a_day(scratch, nats_server, tmp_path)
    assert {one.subject.removeprefix("live.").removesuffix(".v1") for one in heard} >= {
        "session.created", "session.updated", "session.rescheduled", "session.started", "session.ended",
        "registration.created", "registration.waitlisted", "registration.promoted", "registration.cancelled",
    }  # fmt: skip
    for one in heard:
        Draft202012Validator(SCHEMAS[one.subject]).validate(one.body["payload"])


async def test_the_stream_is_made_when_it_is_missing(nats_server: NatsServer) -> None:
    async with jetstream(nats_server.url).connected():
        pass
    async with streams_of(nats_server.url) as streams:
        made = (await streams.stream_info(STREAM)).config
    assert (made.subjects, made.max_age, made.duplicate_window) == (["live.>", "comms.>"], 7 * 24 * 3600, 600)


async def test_a_stream_of_an_earlier_release_takes_what_is_told_since(nats_server: NatsServer) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["live.>"], max_msgs=1000)
        async with jetstream(nats_server.url).connected():
            pass
        changed = (await streams.stream_info(STREAM)).config
    assert (changed.subjects, changed.max_msgs) == (["live.>", "comms.>"], 1000)


async def test_a_stream_that_is_there_is_left_as_it_is(scratch: TestDatabase, nats_server: NatsServer) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["live.>", "more.>"], max_msgs=1000, retention=RetentionPolicy.LIMITS)
        before = (await streams.stream_info(STREAM)).config
        await write_many(scratch, 3)
        async with telling(scratch, jetstream(nats_server.url)):
            await arrived(nats_server.url, 3)
        assert (await streams.stream_info(STREAM)).config == before


async def test_two_that_make_the_stream_at_once_both_have_it(nats_server: NatsServer) -> None:
    async def connect() -> None:
        async with jetstream(nats_server.url).connected():
            pass

    await asyncio.gather(*(connect() for _ in range(5)))
    assert await stored(nats_server.url) == 0


async def test_a_stream_that_is_deleted_is_made_again(scratch: TestDatabase, nats_server: NatsServer) -> None:
    await write_many(scratch, 3)
    async with telling(scratch, jetstream(nats_server.url)):
        await arrived(nats_server.url, 3)
        async with streams_of(nats_server.url) as streams:
            await streams.delete_stream(STREAM)
        await write_many(scratch, 2)
        assert [one.position for one in await arrived(nats_server.url, 2)] == [4, 5]


async def test_publishes_do_not_wait_for_each_other(scratch: TestDatabase, registrar: Owner, tap: Wiretap) -> None:
    async def the_first_is_noted() -> bool:
        return bool(await registrar.fetchval("select position = 1 from sinks where name = 'nats'"))

    async def all_are_sent() -> bool:
        return len(tap.published_on(1)) == 1 + EVENTS_AT_ONCE

    await write_many(scratch, 1)
    async with telling(scratch, jetstream(tap.url)):
        await eventually(the_first_is_noted, "the first is told")
        tap.answers.clear()
        await write_many(scratch, EVENTS_AT_ONCE)
        await eventually(all_are_sent, "all are sent, though none is acknowledged")


async def test_a_publish_that_is_lost_is_not_overtaken(scratch: TestDatabase, nats_server: NatsServer, tap: Wiretap) -> None:
    tap.lost = {20}
    await write_many(scratch, 50)
    with capture_logs() as lines:
        async with telling(scratch, jetstream(tap.url)):
            heard = await arrived(nats_server.url, 50)
    assert [one.position for one in heard] == list(range(1, 51))
    assert [line["reason"] for line in lines] == [f"NATS did not take an event: wrong last msg ID: {heard[18].id} (10070)"]


async def test_without_its_chain_of_ids_the_later_ones_would_overtake_it(
    scratch: TestDatabase, nats_server: NatsServer, tap: Wiretap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "ACK_SECONDS", 1.0)
    monkeypatch.setattr(jetstream_module, "EXPECTED_BEFORE", "Greenroom-Unchecked")
    tap.lost = {20}
    await write_many(scratch, 50)
    async with telling(scratch, jetstream(tap.url)):
        heard = await arrived(nats_server.url, 50)
    assert [one.position for one in heard] == [*range(1, 20), *range(21, 51), 20]


async def test_after_a_failure_it_begins_on_a_new_connection_with_the_first_that_was_not_acknowledged(
    scratch: TestDatabase, nats_server: NatsServer, tap: Wiretap
) -> None:
    tap.lost = {20}
    await write_many(scratch, 50)
    async with telling(scratch, jetstream(tap.url)):
        await arrived(nats_server.url, 50)
    assert tap.published_on(1) == list(range(1, 51))
    assert tap.published_on(2) == list(range(20, 51))
    acts = [(one.connection, one.act) for one in tap.overheard]
    assert acts.index((1, "closed")) < acts.index((2, "published"))


async def test_a_connection_that_is_lost_leaves_nothing_unsaid_and_nothing_in_asyncios_log(
    scratch: TestDatabase, nats_server: NatsServer, tap: Wiretap, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, logger="asyncio")
    await write_many(scratch, 20)
    async with telling(scratch, jetstream(tap.url)):
        await arrived(nats_server.url, 20)
        tap.answers.clear()
        await write_many(scratch, 20)
        await arrived(nats_server.url, 40)
        await tap.cut()
        tap.answers.set()
        await write_many(scratch, 20)
        heard = await arrived(nats_server.url, 60)
    assert [one.position for one in heard] == list(range(1, 61))
    gc.collect()  # asyncio speaks of an error that nobody has looked at when its future goes
    assert caplog.messages == []


async def test_a_replay_is_dropped_by_jetstream_while_it_knows_the_ids(scratch: TestDatabase, nats_server: NatsServer) -> None:
    await write_many(scratch, 10)
    async with telling(scratch, jetstream(nats_server.url)) as db:
        await arrived(nats_server.url, 10)
        await service.replay(db, sink="nats", first=4)
        await write_many(scratch, 1)
        heard = await arrived(nats_server.url, 11)
    assert [one.position for one in heard] == list(range(1, 12))


async def test_a_replay_of_what_jetstream_has_forgotten_is_in_the_stream_again_with_the_same_ids(
    scratch: TestDatabase, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "DUPLICATES_SECONDS", 0.1)  # the least that NATS takes
    await write_many(scratch, 10)
    async with telling(scratch, jetstream(nats_server.url)) as db:
        await arrived(nats_server.url, 10)
        await asyncio.sleep(1)
        await service.replay(db, sink="nats", first=4)
        heard = await arrived(nats_server.url, 17)
    assert [one.position for one in heard] == [*range(1, 11), *range(4, 11)]
    assert [one.id for one in heard[10:]] == [one.id for one in heard[3:10]]


async def test_a_replay_of_which_jetstream_has_forgotten_a_part_leaves_nothing_out(
    scratch: TestDatabase, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_module, "DUPLICATES_SECONDS", 2.0)
    await write_many(scratch, 10)
    async with telling(scratch, jetstream(nats_server.url)) as db:
        await arrived(nats_server.url, 10)
        await asyncio.sleep(3)
        await write_many(scratch, 5)
        await arrived(nats_server.url, 15)
        await service.replay(db, sink="nats", first=4)
        await arrived(nats_server.url, 22)
        await write_many(scratch, 1)

        async def is_told() -> bool:
            return 16 in [one.position for one in await messages(nats_server.url)]

        await eventually(is_told, "the next one is told, though the one before it in the stream is not the one before it")


async def test_a_stream_that_has_other_subjects_is_said(scratch: TestDatabase, nats_server: NatsServer) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["something.else"])
    assert await first_failure(scratch, nats_server) == "NATS did not take an event: no stream takes its subject"


async def test_another_stream_that_takes_the_subjects_is_not_mistaken_for_ours(
    scratch: TestDatabase, nats_server: NatsServer
) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["something.else"])
        await streams.add_stream(name="OTHER", subjects=["live.>"])
        assert "expected stream does not match" in await first_failure(scratch, nats_server)
        assert (await streams.stream_info("OTHER")).state.messages == 0


async def first_failure(scratch: TestDatabase, nats_server: NatsServer) -> str:
    """Why the first event is not taken."""
    await write_many(scratch, 1)
    async with opened(scratch) as db, jetstream(nats_server.url).connected() as publisher:
        await tell(db)
        with pytest.raises(SinkError) as refused:
            await publisher.publish(await told(db))
    return str(refused.value)


async def test_subjects_that_another_stream_has_are_said(nats_server: NatsServer) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name="OTHER", subjects=["live.session.*.v1"])
    assert (
        await refusal(nats_server.url) == "The stream GREENROOM cannot be had: subjects overlap with an existing stream (10065)"
    )


async def test_a_nats_without_jetstream_is_said() -> None:
    with running_nats(keeps_streams=False) as plain:
        assert await refusal(plain.url) == "The stream GREENROOM cannot be had: JetStream is not enabled there"


@pytest.mark.parametrize("user", ["", f"greenroom:{QUOTED}@", "greenroom:wrong@"])
async def test_a_wrong_password_is_said_without_it(user: str) -> None:
    with running_nats("--user", "somebody", "--pass", QUOTED) as locked:
        url = locked.url.replace("nats://", f"nats://{user}")
        assert await refusal(url) == "NATS cannot be reached: Authorization Violation"


async def test_a_password_that_is_right_opens() -> None:
    with running_nats("--user", "somebody", "--pass", QUOTED) as locked:
        async with jetstream(locked.url.replace("nats://", f"nats://somebody:{QUOTED}@")).connected():
            pass


@pytest.mark.parametrize("url", ["nats://127.0.0.1:no", "nats://[half", "nats://"])
async def test_a_url_that_is_none_is_said(url: str) -> None:
    assert "invalid" in await refusal(url)


async def test_where_nobody_listens_is_said_at_once() -> None:
    async with asyncio.timeout(10):
        assert await refusal(NOBODY_LISTENS) == "NATS cannot be reached: ConnectionRefusedError"


@pytest.mark.parametrize("held", [None, "nothing of the kind"], ids=["none", "other"])
async def test_a_file_without_credentials_is_said(nats_server: NatsServer, tmp_path: Path, held: str | None) -> None:
    file = tmp_path / "nats.creds"
    if held is not None:
        file.write_text(held)
    async with asyncio.timeout(10):
        assert "credentials" in await refusal(nats_server.url, credentials=file)
