"""GET /v1/sessions/{id}/recordings: whatever became of them, and who may see that."""

from typing import Any

import httpx
import pytest

from greenroom.kit.database import Database
from tests.attendance.stage import Stage, plant_call, stage
from tests.contract.schemas import OURS, answer_schema, faults_in, operations
from tests.postgres import Owner
from tests.registrations.people import answered
from tests.tenant import Json, Tenant
from tests.wire import assert_refused, id_of

PATH = "/v1/sessions/{id}/recordings"
NOTHING_YET = {"id": None, "url": None, "started_at": None, "ended_at": None, "ready_at": None}


@pytest.fixture
async def recorded(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> Stage:
    """A session that is recorded."""
    return await stage(http, tenant, owner, db, records=True)


def told(it: Stage, id: str, state: str, *, ended: float = 60, span: str | None = "first", url: str | None = None) -> Json:
    """A recording, as a provider tells of it."""
    link = f"https://recordings.example.com/{id}" if state == "ready" else None
    return {
        "id": id, "span": span, "state": state, "url": url or link, "started_at": it.wire(0), "ended_at": it.wire(ended),
    }  # fmt: skip


async def listed(it: Stage, **asking: Any) -> list[Json]:
    found = answered(await it.ask("recordings", **asking), 200)
    assert not faults_in(found, answer_schema(OURS, operations(OURS)[PATH, "get"], "200"))
    rows: list[Json] = found["recordings"]
    return rows


async def states(it: Stage) -> list[tuple[str | None, str]]:
    return [(one["id"], one["state"]) for one in await listed(it)]


async def test_one_that_is_ready_is_told_with_its_link(recorded: Stage) -> None:
    await recorded.end()
    await recorded.tell(spans=[recorded.span("first", 0, 60)], recordings=[told(recorded, "one", "ready")])
    [one] = await listed(recorded)
    assert one == {
        "id": "one",
        "state": "ready",
        "url": "https://recordings.example.com/one",
        "started_at": recorded.wire(0),
        "ended_at": recorded.wire(60),
        "ready_at": one["ready_at"],
    }
    assert one["ready_at"] > one["ended_at"]


@pytest.mark.parametrize("state", ["processing", "failed"])
async def test_one_that_is_not_ready_has_no_link(recorded: Stage, state: str) -> None:
    await recorded.tell(recordings=[told(recorded, "one", state, url="https://recordings.example.com/half")])
    [one] = await listed(recorded)
    assert (one["state"], one["url"], one["ready_at"]) == (state, None, None)


async def test_those_that_are_ready_come_first_in_the_order_in_which_they_ended(recorded: Stage) -> None:
    await recorded.tell(
        recordings=[
            told(recorded, "a", "failed", ended=5, span="1"),
            told(recorded, "b", "ready", ended=50, span="2"),
            told(recorded, "c", "ready", ended=40, span="3"),
            told(recorded, "d", "processing", ended=1, span="4"),
        ]
    )
    assert await states(recorded) == [("c", "ready"), ("b", "ready"), ("d", "processing"), ("a", "failed")]


async def test_what_was_announced_under_another_id_is_not_told_beside_what_is_ready(recorded: Stage) -> None:
    await recorded.tell(recordings=[told(recorded, "egress", "processing")])
    assert await states(recorded) == [("egress", "processing")]
    await recorded.tell(recordings=[told(recorded, "first/file", "ready")])
    assert await states(recorded) == [("first/file", "ready")]


async def test_what_was_announced_without_a_span_gives_way_to_any_that_is_ready(recorded: Stage) -> None:
    await recorded.tell(recordings=[told(recorded, "egress", "processing", span=None), told(recorded, "file", "ready")])
    assert await states(recorded) == [("file", "ready")]


async def test_what_is_made_of_another_sitting_stands_beside_it(recorded: Stage) -> None:
    await recorded.tell(
        recordings=[told(recorded, "egress", "processing", span="2"), told(recorded, "file", "ready", span="1")]
    )
    assert await states(recorded) == [("file", "ready"), ("egress", "processing")]


async def test_one_is_expected_once_the_call_began(recorded: Stage) -> None:
    assert await listed(recorded) == []
    await recorded.begin()
    assert await listed(recorded) == []
    await recorded.tell(spans=[recorded.span("first", 0, None)])
    assert await listed(recorded) == [{**NOTHING_YET, "state": "expected"}]
    await recorded.end()
    assert await listed(recorded) == [{**NOTHING_YET, "state": "expected"}]


async def test_one_that_was_given_up_is_missing_until_it_turns_up(recorded: Stage) -> None:
    await recorded.end()
    await recorded.tell(spans=[recorded.span("first", 0, 60)])
    await recorded.owner.execute("update calls set missing_at = now() where id = $1", id_of(recorded.there.session))
    assert await listed(recorded) == [{**NOTHING_YET, "state": "missing"}]
    await recorded.tell(recordings=[told(recorded, "late", "ready")])
    assert await states(recorded) == [("late", "ready")]


async def test_where_nothing_is_recorded_nothing_is_expected(it: Stage) -> None:
    await it.hosted()
    await it.tell(spans=[it.span("first", 0, 60)])
    assert await listed(it) == []


@pytest.mark.parametrize("call", ["none", "planned"])
async def test_a_session_without_a_call_has_no_recording(
    *, http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database, call: str
) -> None:
    it = await stage(http, tenant, owner, db, call=False)
    if call == "planned":
        await plant_call(it, records=True, made=False)
    await it.end()
    assert await listed(it) == []


@pytest.mark.parametrize("id", ["first/file.mp4", "☕", "a" * 1000, '"', "<script>"], ids=ascii)
async def test_a_recordings_id_is_the_providers_whatever_it_is(recorded: Stage, id: str) -> None:
    await recorded.tell(recordings=[told(recorded, id, "failed")])
    assert await states(recorded) == [(id, "failed")]


async def test_who_has_a_seat_and_who_hosts_sees_them(recorded: Stage, http: httpx.AsyncClient) -> None:
    there = recorded.there
    await http.put(f"{there.path}/co-hosts/host_2", headers=there.tenant.bearer())
    await there.enter("anna")
    await recorded.end()
    await recorded.tell(recordings=[told(recorded, "one", "ready")])
    seen = await listed(recorded)
    for user, scope in (("anna", "read:live"), ("host_2", "read:live"), ("manager", "manage:live"), ("admin", "admin:live")):
        assert await listed(recorded, user=user, scope=scope) == seen


async def test_nobody_else_sees_them(http: httpx.AsyncClient, tenant: Tenant, owner: Owner, db: Database) -> None:
    it = await stage(http, tenant, owner, db, records=True, seats=3)
    removed, *_ = await it.there.enter("removed", "gone", "anna")
    await it.there.enter("ben", "cleo", "in_line")
    await it.there.leave("gone")
    answered(await it.there.remove(removed), 200)
    await it.there.patch(max_participants=1)
    await it.end()
    await it.tell(it.stay("passer-by", 0, 60), recordings=[told(it, "one", "ready")])
    for user in ("stranger", "gone", "removed", "in_line", "passer-by", "ANNA"):
        assert_refused(await it.ask("recordings", user=user), "forbidden", never=["recordings.example.com"])


async def test_who_was_removed_after_the_end_of_seeing_them_sees_them_no_longer(recorded: Stage) -> None:
    [anna] = await recorded.there.enter("anna")
    await recorded.begin()
    await recorded.tell(recordings=[told(recorded, "one", "ready")])
    assert len(await listed(recorded, user="anna")) == 1
    answered(await recorded.there.remove(anna), 200)
    assert_refused(await recorded.ask("recordings", user="anna"), "forbidden")


async def test_a_token_without_the_scope_sees_nothing(recorded: Stage) -> None:
    assert_refused(await recorded.ask("recordings", scope="other:live"), "insufficient_scope", names="read:live")


async def test_the_answer_is_kept_by_nobody_but_the_caller(recorded: Stage) -> None:
    assert (await recorded.ask("recordings")).headers["cache-control"] == "private, no-cache"
