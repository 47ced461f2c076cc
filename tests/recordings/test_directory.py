"""Recordings in a directory: what was taken is there after a loss of power, and its disk is never filled."""

import io
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from greenroom.recordings.store import Store

NAME = "pieces/0190/1/0"


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """What was written through to the disk, by inode."""
    inodes: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda descriptor: inodes.add(os.fstat(descriptor).st_ino))
    return inodes


@pytest.mark.parametrize("is_film", [False, True])
async def test_what_was_taken_and_its_name_are_on_the_disk(tmp_path: Path, synced: set[int], is_film: bool) -> None:
    store = Store(tmp_path)
    await (store.put_file(NAME, io.BytesIO(b"octets")) if is_film else store.put(NAME, b"octets"))
    kept = tmp_path / NAME
    assert kept.read_bytes() == b"octets"
    assert {one.stat().st_ino for one in (kept, *kept.parents[: NAME.count("/") + 1])} <= synced


@pytest.mark.parametrize(("octets", "has_room"), [(40, True), (41, False)])
async def test_a_film_needs_its_room_twice_where_it_grows_on_the_same_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: int, has_room: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1000, free=100))
    store = Store(tmp_path / "store", spare=20)
    assert await store.has_room(2 * octets, through=tmp_path) is has_room  # nothing is kept there yet
    (tmp_path / "store").mkdir()
    assert await store.has_room(octets, through=tmp_path) is has_room
