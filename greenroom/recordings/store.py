"""Where recordings are kept: a directory, or a bucket of any store that speaks S3. By one library, which knows both.

Every operation raises Unavailable when the store does not do it within a bounded time, its own repetitions included.
"""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, Final

import obstore
from msgspec import Struct
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from greenroom.kit.errors import Unavailable
from greenroom.kit.telemetry import logger, recording_store_failures
from greenroom.recordings.address import BUCKET

CHUNK_OCTETS: Final = 256 * 1024
PART_OCTETS: Final = 8 * 1024 * 1024  # of a file that is sent to a bucket in parts
SILENCE: Final = timedelta(seconds=20)  # of a store, before it is asked again
PATIENCE: Final = timedelta(seconds=20)  # with its failures
REPETITIONS: Final = 3
SPARE_OCTETS: Final = 2 * 1024**3  # that a directory's disk keeps free
LONGEST: Final = timedelta(hours=12)  # that a file may take to be read or written


class Bucket(Struct, frozen=True, kw_only=True):
    """A bucket, and who we are there. Without keys: what the machine's own environment says of itself."""

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None

    def __repr__(self) -> str:
        """Without the keys."""
        return f"Bucket({self.url!r})"


class Stored(Struct, frozen=True):
    """A file that is there."""

    octets: int
    tag: str


class Store:
    """The directory, made when the first file comes, or the bucket. `spare`: what the directory's disk is to keep free."""

    def __init__(self, place: Path | Bucket, *, spare: int = SPARE_OCTETS) -> None:
        self._place = place
        self._spare = spare

    @cached_property
    def _opened(self) -> ObjectStore:
        if isinstance(self._place, Path):
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(self._place, automatic_cleanup=True)
        return _bucket(self._place)

    async def refuse_when_full(self) -> None:
        """Raises Unavailable where a directory's disk is nearly full: others write there too, and the joining needs room."""
        if isinstance(self._place, Path) and self._place.is_dir():
            with _answering("look"):
                free = (await asyncio.to_thread(shutil.disk_usage, self._place)).free
            if free < self._spare:
                logger().warning("recording_store_full", free_octets=free)
                raise Unavailable("There is no room for recordings just now; try again later.", retry_after_seconds=60)

    async def has_room(self, octets: int, *, through: Path) -> bool:
        """Whether a file of so many octets can grow in that directory and be kept here, and no disk be full then."""
        places = [through, self._place] if isinstance(self._place, Path) and self._place.is_dir() else [through]
        with _answering("look"):
            return await asyncio.to_thread(_has_room, places, octets, self._spare)

    async def put(self, name: str, octets: bytes) -> None:
        """Keep it; what was there under the name is replaced, at once and whole."""
        with _answering("put"):
            await obstore.put_async(self._opened, name, octets)
            await self._sync(name)

    async def put_file(self, name: str, file: IO[bytes]) -> None:
        """Keep a file of any size, from its beginning; nobody sees half of it."""
        with _answering("put_file"):
            file.seek(0)
            await obstore.put_async(self._opened, name, file, chunk_size=PART_OCTETS, max_concurrency=2)
            await self._sync(name)

    async def _sync(self, name: str) -> None:
        """Through a loss of power, too, which the library does not see to in a directory; a bucket answers for itself."""
        if isinstance(self._place, Path):
            await asyncio.to_thread(_sync, self._place, self._place / name)

    async def read(self, name: str) -> bytes | None:
        """All of it; None where it is not there."""
        with _answering("read"):
            try:
                found = await obstore.get_async(self._opened, name)
                return bytes(await found.bytes_async())
            except (NotFoundError, FileNotFoundError):
                return None

    async def look(self, name: str) -> Stored | None:
        """What is there; None for nothing."""
        with _answering("look"):
            try:
                found = await obstore.head_async(self._opened, name)
            except (NotFoundError, FileNotFoundError):
                return None
            return Stored(found["size"], found["e_tag"] or f'"{found["size"]}-{int(found["last_modified"].timestamp())}"')

    async def octets_of(self, name: str, begin: int, end: int) -> AsyncIterator[bytes]:
        """The octets from `begin` until before `end`, as fast as they are taken."""
        with _answering("stream"):
            found = await obstore.get_async(self._opened, name, options={"range": (begin, end)})
            async for chunk in found.stream(min_chunk_size=CHUNK_OCTETS):
                yield bytes(chunk)

    async def delete(self, name: str) -> None:
        """Nothing is there afterwards."""
        with _answering("delete"):
            try:
                await obstore.delete_async(self._opened, name)
            except (NotFoundError, FileNotFoundError):
                return

    async def clear(self, name: str) -> None:
        """Delete what was not written whole under the name, and all that is below it; a bucket shows no halves.

        What is written there just now fails.
        """
        if isinstance(self._place, Path):
            with _answering("clear"):
                await asyncio.to_thread(_clear, self._place / name)

    async def delete_below(self, name: str) -> None:
        """Delete all that is below it in a bucket, also what a process put there and did not live to write down."""
        if isinstance(self._place, Bucket):
            with _answering("list"):
                async for found in obstore.list(self._opened, prefix=name):
                    await obstore.delete_async(self._opened, [one["path"] for one in found])


def _has_room(places: Sequence[Path], octets: int, spare: int) -> bool:
    needed = Counter[int]()
    for one in places:
        needed[one.stat().st_dev] += octets
        disk = shutil.disk_usage(one)
        if disk.free < needed[one.stat().st_dev] + min(spare, disk.total // 10):
            return False
    return True


def _sync(place: Path, path: Path) -> None:
    """The file, and its name: each directory on the way may be new."""
    for one in (path, *(parent for parent in path.parents if parent.is_relative_to(place))):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _clear(path: Path) -> None:
    for left in path.parent.glob(f"{path.name}#*"):  # as the library names it while it writes
        left.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _answering(operation: str) -> Iterator[None]:
    """The store's own errors name addresses and files: the kind alone is written down."""
    try:
        yield
    except (BaseError, OSError) as error:
        recording_store_failures.labels(operation).inc()
        logger().warning("recording_store_failed", operation=operation, reason=type(error).__name__)
        raise Unavailable("Recordings cannot be reached just now; try again.", retry_after_seconds=5) from error


def _bucket(place: Bucket) -> S3Store:
    known = BUCKET.fullmatch(place.url)
    if known is None:
        raise AssertionError("settings are checked before")
    named = {"endpoint": place.endpoint, "region": place.region, "access_key_id": place.access_key}
    named |= {"secret_access_key": place.secret_key}
    return S3Store(
        known["bucket"],
        prefix=known["prefix"] or None,
        config={name: value for name, value in named.items() if value is not None},  # type: ignore[arg-type]  # of a TypedDict
        client_options={
            "allow_http": (place.endpoint or "").startswith("http:"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": LONGEST,  # a long recording takes as long as its viewer; silence does not
            "read_timeout": SILENCE,
        },
        retry_config={"max_retries": REPETITIONS, "retry_timeout": PATIENCE},
    )
