"""A host's browser begins a recording and brings its pieces: whose, which, how often, in what order."""

import asyncio
import random
from pathlib import Path

import pytest

from greenroom.kit.errors import Unavailable
from greenroom.recordings.service import MOST_PIECES, PIECE_OCTETS
from greenroom.recordings.store import Store
from tests.faults.waiting import eventually
from tests.recordings.films import seen
from tests.recordings.studio import PART, Studio, pieces_of
from tests.wire import assert_refused, exchange, request_of


async def test_what_was_brought_in_pieces_is_one_film(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    recording = await recorder.record(grey)
    (ready,) = await studio.until(session, "ready")
    assert ready["id"] == recording
    found = seen((await studio.watched(ready["url"])).content)
    assert len(found.pictures) == 40
    assert found.duration == pytest.approx(4, abs=0.05)


async def test_pieces_come_in_any_order_and_any_number_of_times(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    pieces = pieces_of(grey)
    order = [number for number in range(len(pieces)) for _ in range(2)]
    random.shuffle(order)
    answers = await asyncio.gather(*(recorder.bring(pieces[number], number) for number in order))
    assert {one.status_code for one in answers} == {204}
    assert (await recorder.finish({PART: len(pieces)})).status_code == 204
    (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) == 40


async def test_a_recording_that_is_brought_is_being_made(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    assert (await recorder.bring(grey[:100], 0)).status_code == 204
    (found,) = await studio.recordings(session)
    assert (found["id"], found["state"], found["url"]) == (recorder.id, "processing", None)


async def test_another_piece_under_the_same_number_is_refused_and_changes_nothing(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    pieces = pieces_of(grey)
    for number, piece in enumerate(pieces):
        await recorder.bring(piece, number)
    assert_refused(await recorder.bring(b"something else", 3), "validation_error", names="number")
    await recorder.finish({PART: len(pieces)})
    (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) == 40


async def test_of_many_pieces_under_one_number_the_others_are_not_stored(studio: Studio, recording_home: Path) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    answers = await asyncio.gather(*(recorder.bring(b"%d" % place * 1000, 0) for place in range(24)))
    assert sorted(one.status_code for one in answers) == [204] + [400] * 23
    assert len([one for one in recording_home.rglob(f"{recorder.id}/*/*") if one.is_file()]) == 1


async def test_what_a_killed_process_has_left_goes_with_the_pieces(studio: Studio, recording_home: Path, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    pieces = await recorder.bring_all(grey)
    (stored,) = recording_home.rglob(f"{recorder.id}/{PART}")
    files = stored.parents[2] / "files"
    files.mkdir(exist_ok=True)
    for half in (stored / "0-of-no-row", stored / "1-half#1", files / f"{recorder.id}.webm#1"):
        half.write_bytes(b"left over")
    assert (await recorder.finish({PART: pieces})).status_code == 204
    await studio.until(session, "ready")

    async def left() -> bool:
        return [one.name for one in recording_home.rglob(f"*{recorder.id}*")] == [f"{recorder.id}.webm"]

    await eventually(left, "only the film is left")


async def test_who_does_not_host_records_nothing(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session, "somebody")
    assert_refused(await recorder.begin(), "forbidden")


async def test_a_co_host_records_too(studio: Studio, grey: bytes, white: bytes) -> None:
    session = await studio.session()
    path = f"/v1/sessions/{session['id']}/co-hosts/co_host_1"
    added = await studio.http.put(path, headers=studio.tenant.bearer())
    assert added.is_success, added.text
    hosts = [await studio.recorder(session, user) for user in ("host_1", "co_host_1")]
    names = {await hosts[0].record(grey), await hosts[1].record(white)}
    found = await studio.until(session, "ready", "ready")
    assert {one["id"] for one in found} == names
    last = max(found, key=lambda one: str(one["ended_at"]))
    assert (await studio.seen(session))["recording_url"].split("?")[0] == last["url"].split("?")[0]


async def test_who_is_a_co_host_no_longer_goes_on_with_no_recording(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    path = f"/v1/sessions/{session['id']}/co-hosts/co_host_1"
    await studio.http.put(path, headers=studio.tenant.bearer())
    recorder = await studio.recorder(session, "co_host_1")
    await recorder.begin()
    assert (await recorder.bring(grey, 0)).status_code == 204
    assert (await studio.http.delete(path, headers=studio.tenant.bearer())).is_success
    assert_refused(await recorder.bring(b"anything", 1), "forbidden")
    assert_refused(await recorder.finish({PART: 1}), "forbidden")


@pytest.mark.parametrize("user", ["co_host_1", "somebody"])
async def test_a_piece_of_anothers_recording_is_refused(studio: Studio, user: str) -> None:
    session = await studio.session()
    await studio.http.put(f"/v1/sessions/{session['id']}/co-hosts/co_host_1", headers=studio.tenant.bearer())
    recorder = await studio.recorder(session)
    await recorder.begin()
    other = await studio.recorder(session, user)
    other.id = recorder.id
    assert_refused(await other.bring(b"mine", 0), "forbidden")
    assert_refused(await other.finish({PART: 1}), "forbidden")
    assert await studio.recordings(session) == []


async def test_another_brand_and_another_session_have_no_such_recording(studio: Studio) -> None:
    session, other_session = await studio.session(), await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    stranger = await studio.recorder(session, brand="another brand")
    stranger.id = recorder.id
    assert_refused(await stranger.bring(b"mine", 0), "not_found")
    elsewhere = await studio.recorder(other_session)
    elsewhere.id = recorder.id
    assert_refused(await elsewhere.bring(b"mine", 0), "not_found")
    assert_refused(await elsewhere.finish({PART: 1}), "not_found")


async def test_a_piece_that_was_changed_on_its_way_is_refused(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    for digest in ("", "sha-256=:AAAA:", "sha-256=:!:", "md5=:AAAA:"):
        refused = await recorder.bring(b"octets", 0, headers={"content-digest": digest})
        assert_refused(refused, "validation_error", names="Content-Digest")


@pytest.mark.parametrize(
    ("name", "error"), [(None, "forbidden"), ("01a226a0-f046-709b-aee0-92ae5e300ff3", "not_found"), ("x", "not_found")]
)
async def test_a_piece_that_nobody_wants_is_refused_before_it_has_come(studio: Studio, name: str | None, error: str) -> None:
    session = await studio.session()
    await studio.http.put(f"/v1/sessions/{session['id']}/co-hosts/co_host_1", headers=studio.tenant.bearer())
    recorder, other = await studio.recorder(session), await studio.recorder(session, "co_host_1")
    await other.begin()
    target = f"{recorder.path}/{name or other.id}/parts/{PART}/pieces/0".encode()
    cookies = "; ".join(f"{one}={value}" for one, value in recorder.visitor.http.cookies.items())
    headers = {**recorder.headers_of(b"x" * 1000), "cookie": cookies, "content-length": "1000"}
    head = request_of("PUT", target, [(one, value.encode()) for one, value in headers.items()])
    assert_refused(await exchange(studio.server, head), error)


async def test_a_piece_that_is_too_large_is_refused(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    assert_refused(await recorder.bring(b"x" * (PIECE_OCTETS + 1), 0), "payload_too_large")
    assert (await recorder.bring(b"x" * PIECE_OCTETS, 0)).status_code == 204


async def test_a_recording_has_no_more_pieces_than_the_rows_are_meant_for(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    assert (await recorder.bring(b"x", 0)).status_code == 204
    await studio.owner.execute("update room_recordings set pieces = pieces + $2 where id = $1", recorder.id, MOST_PIECES - 2)
    assert (await recorder.bring(b"x", 0, part=PART + 1)).status_code == 204
    assert_refused(await recorder.bring(b"x", 0, part=PART + 2), "payload_too_large", names="pieces")
    assert (await recorder.bring(b"x", 0)).status_code == 204  # it is there


async def test_a_session_has_no_more_recordings_than_its_hosts_can_mean(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    for _ in range(12):
        assert (await recorder.begin()).status_code == 200
    assert_refused(await recorder.begin(), "validation_error", names="12 recordings")


async def test_a_disk_that_is_nearly_full_takes_no_piece(tmp_path: Path) -> None:
    await Store(tmp_path).refuse_when_full()
    with pytest.raises(Unavailable) as refused:
        await Store(tmp_path, spare=2**62).refuse_when_full()
    assert refused.value.headers["Retry-After"]


@pytest.mark.parametrize(
    ("part", "number"), [("x", 0), (PART, "x"), (PART, "-1"), (2**70, 0), (PART, 100_000), ("\N{ARABIC-INDIC DIGIT ONE}", 0)]
)
async def test_a_place_that_is_none_is_refused(studio: Studio, part: int | str, number: int | str) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    assert_refused(await recorder.bring(b"octets", number, part=part), "validation_error")


async def test_a_page_of_another_site_brings_nothing(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    assert_refused(await recorder.bring(b"octets", 0, headers={"sec-fetch-site": "cross-site"}), "forbidden")
    assert_refused(await recorder.bring(b"octets", 0, headers={"x-form-proof": "another"}), "forbidden")


async def test_what_comes_after_the_pieces_were_joined_is_refused(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.record(grey)
    await studio.settled(recorder.id)
    assert_refused(await recorder.bring(b"late", 99), "invalid_status")
    assert_refused(await recorder.finish({PART: 99}), "invalid_status")


async def test_a_session_that_is_over_or_not_recorded_begins_none(studio: Studio) -> None:
    unrecorded = await studio.session(records=False)
    assert_refused(await (await studio.recorder(unrecorded)).begin(), "invalid_status")
    over = await studio.session()
    recorder = await studio.recorder(over)
    await studio.step(over, "end")
    assert_refused(await recorder.begin(), "invalid_status")


@pytest.mark.parametrize("parts", ["", "x:1", "1:x", "1", f"{2**60}:1"])
async def test_parts_that_are_none_are_refused(studio: Studio, parts: str) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    answer = await recorder.visitor.ask(f"{recorder.path}/{recorder.id}/finish", {"csrf": recorder.proof, "parts": parts})
    assert_refused(answer, "validation_error")
