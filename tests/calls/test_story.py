"""From the first who joins to the recording, at each provider, with the background at work."""

from typing import Any

import pytest

from tests.calls.stage import Stage
from tests.faults.waiting import eventually


@pytest.mark.parametrize("rules", [{}, {"duplicate": 1.0, "gzip": True}, {"delay": 0.5, "seed": 1}], ids=str)
async def test_a_session_from_the_doors_to_the_recording(house: Stage, rules: dict[str, Any]) -> None:
    house.fake.rule_webhooks(**rules)
    session = await house.session(minutes=5)
    await house.register(session, "anna")
    host = await house.comes(session, "host_1")
    live = await house.until(session, "live")
    assert live["stream_call_id"] == session["id"]
    anna = await house.comes(session, "anna")
    ben = await house.comes(session, "ben")  # walks in
    assert (await house.seen(session))["registered_count"] == 2
    recording = house.people.record(session["id"])
    house.people.leave(ben)
    house.fake.settle()
    ended = await house.tenant.step(house.http, session, "end")
    assert ended.status_code == 200

    async def everybody_is_out() -> bool:
        return not house.people.calls().get(session["id"], {}).get("inside", [])

    await eventually(everybody_is_out, "the provider has sent everybody out")
    house.people.finish(recording)
    house.fake.settle()
    recordings = (await house.get(f"/v1/sessions/{session['id']}/recordings"))["recordings"]
    assert [one["state"] for one in recordings] == ["ready"]
    assert (await house.seen(session))["recording_url"] == recordings[0]["url"]
    attendance = await house.get(f"/v1/sessions/{session['id']}/attendance")
    assert {one["user_id"]: one["outcome"] for one in attendance["attendance"]} == {
        "host_1": "attended",
        "anna": "attended",
        "ben": "attended",
    }, (host, anna)
    assert house.creations == 1
    assert "error" not in house.server.log_text()


@pytest.mark.parametrize("order", ["given", "reverse", "random"])
async def test_webhooks_that_come_when_all_is_over_say_the_same_in_any_order(house: Stage, order: Any) -> None:
    house.fake.rule_webhooks(hold=True, duplicate=0.5, seed=7)
    session = await house.session(minutes=5)
    await house.register(session, "anna")
    host, anna = await house.comes(session, "host_1"), await house.comes(session, "anna")
    recording = house.people.record(session["id"])
    house.people.leave(anna)
    house.people.leave(host)
    house.people.finish(recording)
    assert house.fake.flush(order) > 0
    house.fake.settle()
    live = await house.seen(session)
    assert (live["status"], live["recording_url"] is None) == ("live", False)
    attendance = await house.get(f"/v1/sessions/{session['id']}/attendance")
    found = {one["user_id"]: (one["is_inside"], one["is_estimated"]) for one in attendance["attendance"]}
    assert found == {"host_1": (False, False), "anna": (False, False)}
