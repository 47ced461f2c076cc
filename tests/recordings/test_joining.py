"""What becomes of the pieces: parts one after another, gaps, what is no film, a browser that never came back."""

import io
from collections.abc import Sequence

import pytest

from greenroom.recordings.joining import join, told
from greenroom.recordings.webm import CLUSTER_BEGINS
from tests.faults.waiting import eventually
from tests.recordings.films import film, seeks_to, seen
from tests.recordings.studio import PART, Studio, pieces_of

Parts = Sequence[Sequence[bytes | None]]


def joined(*parts: Sequence[bytes | None]) -> bytes:
    """The parts as one film, by the process that joins; None is a piece that is missing."""
    said = b"".join(
        told("part") + b"".join(told("gap") if piece is None else told("data", piece) for piece in part) for part in parts
    )
    out = io.BytesIO()
    join(io.BytesIO(said + told("end")), out)
    return out.getvalue()


def clusters_of(octets: bytes) -> list[int]:
    """Where they begin."""
    return [place for place in range(len(octets)) if octets.startswith(CLUSTER_BEGINS, place)]


def pictures_from(octets: bytes, place: int) -> int:
    """How many pictures the stream has from this cluster on: all of them from its beginning."""
    header = octets[: clusters_of(octets)[0]]
    return len(seen(joined([header + octets[max(place, len(header)) :]])).pictures)


def test_parts_follow_each_other_without_a_gap(grey: bytes, white: bytes) -> None:
    found = seen(joined([grey], [white]))
    assert found.duration == pytest.approx(7, abs=0.1)
    assert len(found.pictures) == 70
    assert found.pictures == sorted(found.pictures)
    assert found.sounds == sorted(found.sounds)
    assert max(after - before for before, after in zip(found.pictures, found.pictures[1:], strict=False)) < 0.2
    assert [found.hues[10], found.hues[60]] == [pytest.approx(90, abs=3), pytest.approx(210, abs=3)]
    assert found.loudness > 0.2


def test_one_can_seek_in_it(grey: bytes, white: bytes) -> None:
    whole = joined([grey], [white])
    assert [round(seeks_to(whole, second)) for second in (0, 2.5, 5.5)] == [0, 2, 5]


def test_a_piece_that_is_missing_is_cut_out_up_to_the_next_key_frame(grey: bytes) -> None:
    pieces = pieces_of(grey)
    third = len(pieces) // 3
    found = seen(joined([*pieces[:third], None, *pieces[2 * third :]]))
    assert 10 <= len(found.pictures) < 35
    assert found.duration == pytest.approx(len(found.pictures) / 10, abs=0.3)
    assert max(after - before for before, after in zip(found.pictures, found.pictures[1:], strict=False)) < 0.5


@pytest.mark.parametrize(
    "garbage",
    [b"", b"no film", b"\x1a\x45\xdf\xa3", bytes(range(256)) * 400, b"\x1a\x45\xdf\xa3\x08" + b"\xff" * 90_000, b"\0" * 5000],
)
def test_a_part_that_is_no_film_is_left_out(grey: bytes, white: bytes, garbage: bytes) -> None:
    found = seen(joined([garbage], [grey], [garbage], [white], [garbage]))
    assert len(found.pictures) == 70


def test_a_part_that_is_damaged_is_good_before_and_after(grey: bytes) -> None:
    half = len(grey) // 2
    found = seen(joined([grey[:half] + b"\xff" * 3000 + grey[half + 100 :]]))
    assert 20 <= len(found.pictures) <= 40
    assert found.duration < 4.2


def test_two_gaps_with_no_cluster_between_them_cost_what_is_missing(grey: bytes) -> None:
    first, second, third = clusters_of(grey)[1:4]
    found = seen(joined([grey[: first + 50], None, grey[first + 400 : second - 50], None, grey[third:]]))
    assert pictures_from(grey, third) > 0
    assert len(found.pictures) >= pictures_from(grey, 0) - pictures_from(grey, first) + pictures_from(grey, third)
    assert found.pictures == sorted(found.pictures)


def test_damage_before_a_gap_costs_what_is_missing(grey: bytes) -> None:
    first, second, third = clusters_of(grey)[1:4]
    damaged = grey[: first + 50] + b"\0" * 300
    found = seen(joined([damaged, None, grey[second + 50 : second + 100], None, grey[third:]]))
    assert len(found.pictures) >= pictures_from(grey, 0) - pictures_from(grey, first) + pictures_from(grey, third)


def test_what_only_looks_like_a_cluster_is_passed_over(grey: bytes) -> None:
    first, second = clusters_of(grey)[1:3]
    damaged = grey[: first + 50] + b"\0" * 300 + b"\x1f\x43\xb6\x75\0" * 3 + b"\x1f\x43\xb6\x75"
    whole = pictures_from(grey, 0) - pictures_from(grey, first) + pictures_from(grey, second)
    assert len(seen(joined([damaged + b"\0" * 10 + grey[second:]])).pictures) >= whole
    assert len(seen(joined([damaged, None, grey[second:]])).pictures) >= whole


def test_a_part_of_another_kind_is_left_out(grey: bytes) -> None:
    assert len(seen(joined([grey], [film(seconds=1, codec="libvpx-vp9")])).pictures) == 40


def test_a_part_of_another_size_follows(grey: bytes) -> None:
    assert len(seen(joined([grey], [film(seconds=1, size=(320, 180))])).pictures) == 50


def test_a_clock_that_jumps_makes_it_no_longer(grey: bytes, white: bytes) -> None:
    stamps = [place for place in range(len(grey)) if grey.startswith(b"\x1f\x43\xb6\x75", place)]
    at = grey.index(b"\xe7", stamps[2])
    width = grey[at + 1] & 0x0F
    jumped = grey[: at + 2] + b"\x7f" * width + grey[at + 2 + width :]
    assert seen(joined([jumped], [white])).duration < 7.5


def test_nothing_that_can_be_used_is_nothing() -> None:
    assert joined([b"no film"], []) == b""


def test_whatever_comes_it_ends(grey: bytes) -> None:
    for place in range(0, len(grey), 97):
        for octet in (0x00, 0xFF, 0x1F):
            joined([grey[:place] + bytes([octet]) + grey[place + 1 : place + 3000]])


async def test_what_is_no_film_has_failed(studio: Studio) -> None:
    session = await studio.session()
    await (await studio.recorder(session)).record(b"no film at all" * 1000)
    (failed,) = await studio.until(session, "failed")
    assert failed["url"] is None
    assert (await studio.seen(session))["recording_url"] is None


async def test_a_browser_that_came_back_goes_on_with_another_part(studio: Studio, grey: bytes, white: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    first = await recorder.bring_all(grey)
    again = await studio.recorder(session)
    again.id = recorder.id
    second = await again.bring_all(white, part=PART + 60_000)
    await again.finish({PART: first, PART + 60_000: second})
    (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) == 70


async def test_a_browser_that_never_came_back_leaves_what_it_had_brought(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    pieces = pieces_of(grey)
    for number, piece in enumerate(pieces[: len(pieces) // 2]):
        await recorder.bring(piece, number)
    assert [one["state"] for one in await studio.recordings(session)] == ["processing"]
    await studio.step(session, "end")
    (ready,) = await studio.until(session, "ready")
    assert 5 <= len(seen((await studio.watched(ready["url"])).content).pictures) <= 30


async def test_what_is_missing_is_not_awaited_for_ever(studio: Studio, grey: bytes) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    pieces = pieces_of(grey)
    for number, piece in enumerate(pieces[:-1]):
        await recorder.bring(piece, number)
    await recorder.finish({PART: len(pieces)})
    (ready,) = await studio.until(session, "ready")
    assert len(seen((await studio.watched(ready["url"])).content).pictures) > 20


async def test_a_recording_without_a_piece_is_nowhere_shown(studio: Studio) -> None:
    session = await studio.session()
    recorder = await studio.recorder(session)
    await recorder.begin()
    await recorder.finish({PART: 0})

    async def is_settled() -> bool:
        return bool(await studio.owner.fetchval("select state = 'failed' from room_recordings where id = $1", recorder.id))

    await eventually(is_settled, "nothing is awaited of it")
    assert await studio.recordings(session) == []
