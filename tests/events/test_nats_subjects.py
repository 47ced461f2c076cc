"""A stream that takes no `comms.>`: what it does not take is passed over, and keeps nothing else waiting."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from greenroom.events.jetstream import _matches
from greenroom.events.sinks import SinkError
from tests.events.nats_server import NatsServer, running_nats
from tests.events.outbox import opened, tell, told
from tests.events.streams import STREAM, arrived, messages, streams_of
from tests.events.telling import jetstream, telling
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase

LIVE, COMMS = "live.session.updated.v1", "comms.message.bounced.v1"
WRITE = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
values ($1, $2, 'acme', $3, 1, now(), '{}')
"""
MAY_NOT_UPDATE = """
authorization { users: [
    { user: owner, password: right },
    { user: greenroom, password: right, permissions: { publish: { deny: "$JS.API.STREAM.UPDATE.>" } } },
] }
"""


async def written(owner: Owner, names: Sequence[str]) -> None:
    """Events of one session, in this order."""
    session = uuid4()
    for name in names:
        await owner.execute(WRITE, uuid4(), name, session)


async def told_all(scratch: TestDatabase, owner: Owner, url: str, last: int) -> list[dict[str, object]]:
    """What is logged while a sink is told everything, to the last of so many."""

    async def is_noted() -> bool:
        return bool(await owner.fetchval("select position = $1 from sinks where name = 'nats'", last))

    with capture_logs() as lines:
        async with telling(scratch, jetstream(url)):
            await eventually(is_noted, "all is told")
    return [dict(line) for line in lines]


async def test_where_another_stream_has_what_messages_are_told_by_the_rest_is_told_all_the_same(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer
) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["live.>"])
        await streams.add_stream(name="OTHER", subjects=["comms.>"])
        await written(registrar, [COMMS, LIVE, COMMS, COMMS, LIVE])
        lines = await told_all(scratch, registrar, nats_server.url, 5)
        assert (await streams.stream_info("OTHER")).state.messages == 0
    assert [one.position for one in await messages(nats_server.url)] == [2, 5]
    assert {"event": "events_stream_not_updated", "log_level": "warning", "stream": STREAM,
            "reason": "subjects overlap with an existing stream (10065)"} in lines  # fmt: skip
    passed = [line["events"] for line in lines if line["event"] == "events_passed_over"]
    assert sum(each[COMMS] for each in passed if isinstance(each, dict)) == 3
    assert {line["event"] for line in lines} == {"events_stream_not_updated", "events_passed_over"}


async def test_who_may_not_change_the_stream_tells_what_it_takes(
    scratch: TestDatabase, registrar: Owner, tmp_path: Path
) -> None:
    configuration = tmp_path / "nats.conf"
    configuration.write_text(MAY_NOT_UPDATE)
    with running_nats("-c", str(configuration)) as strict:
        owners = strict.url.replace("nats://", "nats://owner:right@")
        async with streams_of(owners) as streams:
            await streams.add_stream(name=STREAM, subjects=["live.>"])
        await written(registrar, [LIVE, COMMS, LIVE])
        lines = await told_all(scratch, registrar, strict.url.replace("nats://", "nats://greenroom:right@"), 3)
        assert [one.position for one in await messages(owners)] == [1, 3]
    (reason,) = [str(line["reason"]) for line in lines if line["event"] == "events_stream_not_updated"]
    assert "permissions violation" in reason.lower()


async def test_a_stream_of_ones_own_with_other_subjects_is_told_what_it_takes(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer
) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["live.>", "comms.message.*.v2"])
    await written(registrar, [LIVE, COMMS, COMMS.replace("v1", "v2")])
    lines = await told_all(scratch, registrar, nats_server.url, 3)
    assert [one.position for one in await messages(nats_server.url)] == [1, 3]
    assert [line["event"] for line in lines if line["event"] != "events_passed_over"] == []


async def test_what_comes_before_a_failure_counts_as_told_though_it_was_passed_over(
    scratch: TestDatabase, registrar: Owner, nats_server: NatsServer
) -> None:
    async with streams_of(nats_server.url) as streams:
        await streams.add_stream(name=STREAM, subjects=["live.session.updated.v1"])
    await written(registrar, [COMMS, LIVE, COMMS, "live.session.started.v1", COMMS])
    async with opened(scratch) as db, jetstream(nats_server.url).connected() as publisher:
        await tell(db)
        with pytest.raises(SinkError, match="no stream takes its subject") as refused:
            await publisher.publish(await told(db))
    assert refused.value.told == 3
    assert [one.position for one in await arrived(nats_server.url, 1)] == [2]


@pytest.mark.parametrize(
    ("subject", "takes"),
    [
        (COMMS, True), ("comms.>", True), ("comms.*.bounced.v1", True), ("comms.message.>", True), ("*.*.*.*", True),
        (">", True), ("comms.message.bounced.v1.>", False), ("comms.*", False), ("comms.message.bounced", False),
        ("live.>", False), ("comms.message.bounced.v2", False),
    ],
)  # fmt: skip
def test_a_subject_takes_what_nats_says(subject: str, takes: bool) -> None:
    assert _matches(COMMS, subject) is takes
