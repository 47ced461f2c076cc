"""greenroom events: what happens as it happens, a JSON object a line; and telling a sink again."""

import asyncio
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.commands.command import GREENROOM, Environment, embedded_environment, greenroom, serving, started
from tests.commands.test_embedded import await_gone
from tests.events.outbox import opened, tell, write
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.server import environment_of

STOP_SECONDS = 20.0
SINK = "insert into sinks (name, position) values ('nats', (select position from relay))"
FORGET = "update relay set forgotten_position = 2"
GONE_DATABASE = "postgresql://greenroom@127.0.0.1:1/greenroom"


@pytest.fixture
def env(scratch: TestDatabase) -> Environment:
    return environment_of(scratch)


@pytest.fixture
def owner(registrar: Owner) -> Owner:
    return registrar


@pytest.fixture
def tail(env: Environment, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A tail that begins with the first event."""
    with started("events", "tail", "--from", "1", env=env, log=tmp_path / "log") as process:
        yield process


def next_line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What it prints next."""
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


async def told(scratch: TestDatabase, owner: Owner, count: int) -> None:
    """So many events that have their positions."""
    for _ in range(count):
        await write(owner)
    async with opened(scratch) as db:
        await tell(db)


async def test_tail_prints_each_event_as_it_comes_though_nothing_else_runs(owner: Owner, tail: "subprocess.Popen[str]") -> None:
    for position in (1, 2, 3):
        await write(owner)
        assert next_line(tail)["position"] == position


async def test_a_line_is_the_event_as_it_is_told_with_its_position(
    scratch: TestDatabase, owner: Owner, tail: "subprocess.Popen[str]"
) -> None:
    await told(scratch, owner, 1)
    line = next_line(tail)
    row = await owner.fetchrow("select id::text as id, wire_time_v1(occurred_at) as occurred_at from events")
    assert row is not None
    fixed = {"position": 1, "name": "live.session.updated.v1", "brand_id": "acme", "payload": {}}
    assert line == {**fixed, "id": row["id"], "occurred_at": row["occurred_at"]}


async def test_tail_begins_where_it_is_told_to(scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path) -> None:
    await told(scratch, owner, 5)
    with started("events", "tail", "--from", "4", env=env, log=tmp_path / "log") as process:
        assert [next_line(process)["position"] for _ in range(2)] == [4, 5]


async def test_tail_begins_with_what_is_kept_where_the_first_is_not(
    scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path
) -> None:
    await told(scratch, owner, 5)
    await owner.execute("delete from events where position <= 2")
    with started("events", "tail", "--from", "1", env=env, log=tmp_path / "log") as process:
        assert [next_line(process)["position"] for _ in range(3)] == [3, 4, 5]


async def test_tail_begins_with_the_next_event_when_it_is_told_nothing(
    scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path
) -> None:
    await told(scratch, owner, 5)
    with started("events", "tail", env=env, log=tmp_path / "log") as process:
        first = asyncio.create_task(asyncio.to_thread(next_line, process))

        async def is_seen() -> bool:
            await write(owner)
            return first.done()

        await eventually(is_seen, "a line")
    assert (await first)["position"] > 5


@pytest.mark.parametrize("spelled", [str, lambda session: str(session).upper()], ids=["lower", "upper"])
async def test_tail_of_a_session_leaves_the_others_out(owner: Owner, env: Environment, tmp_path: Path, spelled: Any) -> None:
    sessions = [uuid4(), uuid4()]
    for session in (*sessions, *sessions):
        await write(owner, session)
    arguments = ("events", "tail", "--from", "1", "--session", spelled(sessions[1]))
    with started(*arguments, env=env, log=tmp_path / "log") as process:
        assert [next_line(process)["position"] for _ in range(2)] == [2, 4]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_tail_ends_well_on_a_signal(
    owner: Owner, tail: "subprocess.Popen[str]", tmp_path: Path, sign: signal.Signals
) -> None:
    await write(owner)
    next_line(tail)
    tail.send_signal(sign)
    assert (tail.wait(STOP_SECONDS), (tmp_path / "log").read_text()) == (0, "")


async def test_tail_ends_with_who_reads_it_though_nothing_more_happens(
    owner: Owner, tail: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    await write(owner)
    next_line(tail)
    assert tail.stdout is not None
    tail.stdout.close()
    assert (tail.wait(STOP_SECONDS), (tmp_path / "log").read_text()) == (0, "")


async def test_tail_of_many_events_ends_with_head(scratch: TestDatabase, owner: Owner, env: Environment) -> None:
    await told(scratch, owner, 50)
    command = f"{' '.join(GREENROOM)} events tail --from 1 | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=env, capture_output=True, text=True, timeout=STOP_SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, json.loads(done.stdout)["position"], done.stderr) == (0, 1, "")


async def test_tail_into_a_file_is_whole_lines(scratch: TestDatabase, owner: Owner, env: Environment, tmp_path: Path) -> None:
    await told(scratch, owner, 20)
    file = tmp_path / "events"
    with file.open("w") as out:
        process = subprocess.Popen([*GREENROOM, "events", "tail", "--from", "1"], env=env, stdout=out)

        async def all_are_there() -> bool:
            return len(file.read_text().splitlines()) == 20

        try:
            await eventually(all_are_there, "20 lines")
        finally:
            process.terminate()
            status = process.wait(STOP_SECONDS)
    assert status == 0
    assert [json.loads(line)["position"] for line in file.read_text().splitlines()] == list(range(1, 21))


async def test_what_goes_wrong_meanwhile_is_not_among_the_events(
    owner: Owner, tail: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    await write(owner)
    assert next_line(tail)["position"] == 1
    await owner.execute("alter table outbox rename to away")

    async def is_said() -> bool:
        return "relay_failed" in (tmp_path / "log").read_text()

    await eventually(is_said, "the log says it")
    await owner.execute("alter table away rename to outbox")
    await write(owner)
    assert next_line(tail)["position"] == 2


@pytest.mark.parametrize("session", ["", "session-7", "0199c8a0-4b7e-7c31-9d52", "0199c8a0-4b7e-7c31-9d52-3f1b6c0a7e11 "])
def test_a_session_that_is_none_is_told_in_a_line(env: Environment, session: str) -> None:
    assert greenroom("events", "tail", "--session", session, env=env).only_line().startswith("greenroom: --session: expected")


@pytest.mark.parametrize("act", ["tail", "replay"])
@pytest.mark.parametrize("position", ["0", "-1", "9223372036854775808", "99999999999999999999999"])
def test_a_position_that_is_none_is_told_in_a_line(env: Environment, act: str, position: str) -> None:
    assert greenroom("events", act, f"--from={position}", env=env).only_line().startswith("greenroom: --from: expected")


@pytest.mark.parametrize("act", ["tail", "replay"])
def test_a_position_that_is_no_number_is_wrong_usage(env: Environment, act: str) -> None:
    said = greenroom("events", act, "--from", "yesterday", env=env)
    assert (said.status, said.out) == (2, "")
    assert "--from" in said.err.splitlines()[-1]


@pytest.mark.parametrize("act", ["tail", "replay"])
def test_a_database_that_cannot_be_reached_is_told_in_a_line(env: Environment, act: str) -> None:
    line = greenroom("events", act, "--from", "1", env={**env, "GREENROOM_DATABASE_URL": GONE_DATABASE}).only_line()
    assert "The database cannot be reached" in line


def test_replay_of_nothing_says_that_nothing_is_kept(env: Environment) -> None:
    assert greenroom("events", "replay", "--from", "1", env=env).only_line() == (
        "greenroom: No event is kept that could be told again."
    )


@pytest.mark.parametrize("position", ["2", "6", "9223372036854775807"])
async def test_replay_from_what_is_not_kept_says_what_is(
    scratch: TestDatabase, owner: Owner, env: Environment, position: str
) -> None:
    await told(scratch, owner, 5)
    await owner.execute(SINK)
    await owner.execute(FORGET)
    line = greenroom("events", "replay", "--from", position, env=env).only_line()
    assert line == "greenroom: --from: expected a position from 3 to 5; no other event is kept."


@pytest.mark.parametrize("sink", ["nats", "pigeons"])
async def test_replay_to_a_sink_that_is_not_there_says_so(
    scratch: TestDatabase, owner: Owner, env: Environment, sink: str
) -> None:
    await told(scratch, owner, 3)
    line = greenroom("events", "replay", "--from", "1", "--sink", sink, env=env).only_line()
    assert line == f'greenroom: There is no sink "{sink}" that has told anything yet.'


async def test_replay_sets_the_sink_back_and_says_so(scratch: TestDatabase, owner: Owner, env: Environment) -> None:
    await told(scratch, owner, 5)
    await owner.execute(SINK)
    said = greenroom("events", "replay", "--from", "4", env=env)
    assert (said.status, said.out, said.err) == (0, "nats tells again from position 4; the last is 5.\n", "")
    assert await owner.fetchval("select position from sinks where name = 'nats'") == 3


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that the user `nobody` reaches, as whom PostgreSQL runs when these tests run as root."""
    parent = Path(tempfile.mkdtemp(prefix="greenroom-data-"))
    parent.chmod(0o755)
    try:
        yield parent / "data"
    finally:
        await_gone(parent)
        shutil.rmtree(parent)


def test_tail_of_the_embedded_database_needs_no_serve(data_dir: Path, tmp_path: Path) -> None:
    env = embedded_environment(data_dir)
    token = greenroom("token", "--user", "host_1", "--brand", "acme", env=env).out.strip()
    body = {"host_id": "host_1", "brand_id": "acme", "title": "First", "scheduled_at": "2027-03-01T17:00:00Z",
            "max_participants": 5}  # fmt: skip
    with serving(env=env, log=tmp_path / "serve") as running:
        made = httpx.post(f"{running.url}/v1/sessions", json=body, headers={"Authorization": f"Bearer {token}"})
    with started("events", "tail", "--from", "1", env=env, log=tmp_path / "log") as process:
        line = next_line(process)
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0
    assert (line["name"], UUID(line["payload"]["session_id"])) == ("live.session.created.v1", UUID(made.json()["id"]))
