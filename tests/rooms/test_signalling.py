"""The signalling: who knows of whom, and what they say to each other."""

import pytest

from tests.faults.waiting import eventually
from tests.postgres import Owner
from tests.rooms.stage import HOST, RoomStage
from tests.server import Server


async def test_in_office_hours_everybody_knows_of_everybody(stage: RoomStage) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)
    anna = await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    await anna.knows(host, ben)
    await ben.knows(host, anna)
    assert {one["user"]: one["role"] for one in ben.peers.values()} == {HOST: "host", "anna": "speaker"}


async def test_in_a_broadcast_viewers_do_not_know_of_each_other(stage: RoomStage) -> None:
    session = await stage.session(kind="live")
    host = await stage.enters(session, HOST)
    anna = await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    await anna.knows(host)
    await ben.knows(host)
    await anna.say("signal", to=ben.me, data="psst")
    await anna.say("signal", to=host.me, data="hello")
    await host.signalled(by=anna, data="hello")
    await host.say("signal", to=ben.me, data="done")
    await ben.signalled(by=host, data="done")
    assert [one for one in ben.heard if one.get("data") == "psst"] == []


async def test_a_signal_reaches_whom_it_is_for_untouched_and_nobody_else(stage: RoomStage) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)
    anna = await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    data = {"description": {"type": "offer", "sdp": "v=0\r\n" + "a=x\r\n" * 9_000}, "deep": [1, 1.5, None, {"ü": "\u2028"}]}
    await host.say("signal", to=anna.me, data=data)
    await anna.signalled(by=host, data=data)
    await host.say("signal", to=ben.me, data="other")
    await ben.signalled(by=host, data="other")
    assert [one["data"] for one in ben.heard if one["type"] == "signal"] == ["other"]


async def test_the_lobby_opens_when_the_host_comes(stage: RoomStage) -> None:
    session = await stage.session()
    anna = await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    assert (anna.room["is_open"], ben.room["is_open"]) == (False, False)
    assert (anna.peers, ben.peers) == ({}, {})
    host = await stage.enters(session, HOST)
    await anna.knows(host, ben)
    await ben.knows(host, anna)
    assert (anna.room["is_open"], ben.room["is_open"]) == (True, True)
    assert not [one for one in anna.heard if one["type"] == "peer" and not anna.room["is_open"]]


async def test_who_stays_stays_together_when_the_host_leaves_and_returns(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await anna.knows(host, ben)
    await host.say("leave")
    assert await host.closed() == 1000
    await anna.knows(ben)
    assert anna.room["is_open"]
    again = await stage.enters(session, HOST)
    await anna.knows(ben, again)


async def test_what_somebody_sends_and_whose_hand_is_up_is_known_to_all_and_to_who_comes_later(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await anna.say("state", camera=True, microphone=False, screen=True)
    await anna.say("hand", raised=True)
    await host.until(lambda it: it.peers[anna.me]["hand_raised_at"] is not None and it.peers[anna.me]["camera"])
    ben = await stage.enters(session, "ben")
    seen = ben.peers[anna.me]
    assert (seen["camera"], seen["microphone"], seen["screen"]) == (True, False, True)
    first = seen["hand_raised_at"]
    await ben.say("hand", raised=True)
    await host.until(lambda it: it.peers[ben.me]["hand_raised_at"] is not None)
    assert first < host.peers[ben.me]["hand_raised_at"]
    await anna.say("hand", raised=True)  # twice is once
    await anna.say("state", camera=False, microphone=False, screen=False)
    await host.until(lambda it: not it.peers[anna.me]["camera"])
    assert host.peers[anna.me]["hand_raised_at"] == first
    await host.say("lower", peer=anna.me)
    await ben.until(lambda it: it.peers[anna.me]["hand_raised_at"] is None)
    await anna.until(lambda it: {"type": "lowered"} in it.heard)
    assert {"type": "lowered"} not in ben.heard


async def test_a_host_mutes_and_records_and_nobody_else_does(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    await host.knows(anna, ben)
    await ben.knows(host, anna)
    assert ben.room["is_recorded"]
    await ben.say("hand", raised=True)
    await host.until(lambda it: it.peers[ben.me]["hand_raised_at"] is not None)
    for act in ({"type": "mute", "peer": ben.me}, {"type": "lower", "peer": ben.me}, {"type": "record", "on": True}):
        await anna.say(**act)
    await anna.say("signal", to=ben.me, data="said after")
    await ben.signalled(by=anna, data="said after")
    assert not [one for one in ben.heard if one["type"] == "muted"]
    assert host.peers[ben.me]["hand_raised_at"] is not None
    assert not host.room["is_recording"]
    await host.say("mute", peer=ben.me)
    await ben.until(lambda it: {"type": "muted"} in it.heard)
    await host.say("record", on=True)
    await ben.until(lambda it: bool(it.room["is_recording"]))
    carl = await stage.enters(session, "carl")
    assert carl.room["is_recording"]
    await host.say("record", on=False)
    await ben.until(lambda it: not it.room["is_recording"])


async def test_a_recording_is_over_with_who_records_and_any_host_may_end_it(stage: RoomStage) -> None:
    session = await stage.session()
    first, other = await stage.enters(session, HOST), await stage.enters(session, HOST)
    anna = await stage.enters(session, "anna")
    await first.say("record", on=True)
    await anna.until(lambda it: bool(it.room["is_recording"]))
    anew = await stage.enters(session, HOST, f"replace.{first.secret}")  # a page that is loaded anew goes on
    assert anew.room["is_recording"]
    await anew.say("leave")
    await anna.until(lambda it: not it.room["is_recording"])
    await other.say("record", on=True)
    await anna.until(lambda it: bool(it.room["is_recording"]))
    last = await stage.enters(session, HOST)
    await last.say("record", on=False)
    await anna.until(lambda it: not it.room["is_recording"])


async def test_nobody_is_recorded_who_cannot_be_told(stage: RoomStage, owner: Owner) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    ben = await stage.enters(session, "ben")
    ben.cut()

    async def is_lost() -> bool:
        return bool(await owner.fetchval("select lost_at is not null from room_peers where id::text = $1", ben.me))

    await eventually(is_lost, "the connection is known to be lost")
    await host.say("record", on=True)
    for camera in (True, False):  # the second is kept after what was said before the first
        await host.say("state", camera=camera, microphone=False, screen=False)
        await anna.until(lambda it, camera=camera: it.peers[host.me]["camera"] is camera)  # type: ignore[misc]
    assert not host.room["is_recording"]
    await stage.enters(session, "ben", f"resume.{ben.secret}")
    await host.say("record", on=True)
    await anna.until(lambda it: bool(it.room["is_recording"]))


async def test_who_is_a_co_host_no_longer_is_no_host_in_the_room(stage: RoomStage) -> None:
    session = await stage.session()
    path = f"/v1/sessions/{session['id']}/co-hosts/cora"
    assert (await stage.http.put(path, headers=stage.tenant.bearer())).is_success
    host, cora = await stage.enters(session, HOST), await stage.enters(session, "cora")
    anna = await stage.enters(session, "anna")
    assert anna.peers[cora.me]["role"] == "host"
    await cora.say("record", on=True)
    await anna.until(lambda it: bool(it.room["is_recording"]))
    assert (await stage.http.delete(path, headers=stage.tenant.bearer())).is_success
    await anna.until(lambda it: it.peers[cora.me]["role"] == "speaker" and not it.room["is_recording"])
    await cora.until(lambda it: not it.room["is_recording"])
    for act in ({"type": "record", "on": True}, {"type": "mute", "peer": anna.me}):
        await cora.say(**act)
    await cora.say("signal", to=anna.me, data="said after")
    await anna.signalled(by=cora, data="said after")
    assert {"type": "muted"} not in anna.heard
    await host.say("mute", peer=cora.me)
    await cora.until(lambda it: {"type": "muted"} in it.heard)
    assert not anna.room["is_recording"]


async def test_a_recording_is_over_with_the_last_host(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.say("record", on=True)
    await anna.until(lambda it: bool(it.room["is_recording"]))
    await host.say("leave")
    await anna.until(lambda it: not it.room["is_recording"])


async def test_who_comes_is_told_where_browsers_learn_their_addresses(stage: RoomStage) -> None:
    host = await stage.enters(await stage.session(), HOST)
    assert host.heard[0]["ice_servers"] == [{"urls": ["stun:stun.example.com"]}]


@pytest.mark.parametrize(("kind", "holds"), [("office_hours", 3), ("live", 3)])
async def test_a_full_room_says_so_and_takes_hosts_all_the_same(stage: RoomStage, kind: str, holds: int) -> None:
    session = await stage.session(kind=kind)
    for number in range(holds):
        await stage.enters(session, f"user_{number}")
    late = await stage.comes(session, "late")
    assert await late.put_out() == "full"
    assert late.code == 4413
    host = await stage.enters(session, HOST)
    assert len(host.peers) == holds
    await host.until(lambda it: bool(it.peers))
    await stage.browsers[0].say("leave")
    await host.until(lambda it: len(it.peers) == holds - 1)
    await stage.enters(session, "late")


async def test_a_lost_connection_goes_on_and_nobody_was_told(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.knows(anna)
    told = len(host.heard)
    anna.cut()
    again = await stage.enters(session, "anna", f"resume.{anna.secret}")
    assert (again.me, again.secret) == (anna.me, anna.secret)
    await again.knows(host)
    await host.say("signal", to=anna.me, data="still there?")
    await again.signalled(by=host, data="still there?")
    assert [one for one in host.heard[told:] if one["type"] in {"gone", "peer"}] == []


async def test_who_does_not_come_back_has_left(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.knows(anna)
    anna.cut()
    await host.knows()
    again = await stage.enters(session, "anna", f"resume.{anna.secret}")
    assert again.me != anna.me


async def test_a_page_that_is_loaded_anew_takes_the_place_of_the_one_before(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.knows(anna)
    again = await stage.enters(session, "anna", f"replace.{anna.secret}")
    await host.knows(again)
    assert again.me != anna.me
    assert await anna.put_out() == "replaced"


async def test_somebody_elses_secret_is_of_no_use(stage: RoomStage) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await anna.knows(host)
    mallory = await stage.enters(session, "mallory", f"resume.{anna.secret}")
    assert mallory.me != anna.me
    await anna.knows(host, mallory)


async def test_one_person_may_come_with_two_devices(stage: RoomStage) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)
    first, second = await stage.enters(session, "anna"), await stage.enters(session, "anna")
    await host.knows(first, second)


async def test_one_more_device_takes_the_place_of_a_persons_first(stage: RoomStage, second: Server) -> None:
    session = await stage.session()
    host = await stage.enters(session, HOST)
    those = [await stage.enters(session, "anna", url=url) for url in (second.url, stage.url, stage.url)]
    await host.knows(*those)
    one_more = await stage.enters(session, "anna")
    assert await those[0].put_out() == "replaced"
    await host.knows(those[1], those[2], one_more)


async def test_two_processes_serve_one_room(stage: RoomStage, second: Server) -> None:
    session = await stage.session()
    anna = await stage.enters(session, "anna", url=second.url)
    assert not anna.room["is_open"]
    host = await stage.enters(session, HOST)
    await anna.knows(host)
    await host.knows(anna)
    await host.say("signal", to=anna.me, data={"n": 1})
    await host.say("signal", to=anna.me, data={"n": 2})
    await anna.signalled(by=host, data={"n": 2})
    assert [one["data"]["n"] for one in anna.heard if one["type"] == "signal"] == [1, 2]
    await anna.say("signal", to=host.me, data="yes")
    await host.signalled(by=anna, data="yes")
    await host.say("mute", peer=anna.me)
    await anna.until(lambda it: {"type": "muted"} in it.heard)
    await anna.say("hand", raised=True)
    await host.until(lambda it: it.peers[anna.me]["hand_raised_at"] is not None)
    await anna.say("leave")
    await host.knows()


async def test_a_connection_goes_on_in_another_process(stage: RoomStage, second: Server) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.knows(anna)
    anna.cut()
    again = await stage.enters(session, "anna", f"resume.{anna.secret}", url=second.url)
    assert again.me == anna.me
    await host.say("signal", to=anna.me, data="there")
    await again.signalled(by=host, data="there")
    await again.say("signal", to=host.me, data="here")
    await host.signalled(by=again, data="here")


async def test_of_one_stay_at_two_processes_the_later_connection_holds(stage: RoomStage, second: Server) -> None:
    session = await stage.session()
    host, anna = await stage.enters(session, HOST), await stage.enters(session, "anna")
    await host.knows(anna)
    again = await stage.enters(session, "anna", f"resume.{anna.secret}", url=second.url)
    assert await anna.put_out() == "replaced"
    await host.say("signal", to=again.me, data="there")
    await again.signalled(by=host, data="there")
    back = await stage.enters(session, "anna", f"resume.{anna.secret}")
    assert await again.put_out() == "replaced"
    await back.knows(host)
    assert back.me == anna.me
