"""A list that is given whole: in bounded pages, each in a transaction of its own, and no further than it is read."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from greenroom.identity.caller import Caller
from greenroom.identity.scopes import MANAGE_LIVE
from greenroom.kit.database import Database
from greenroom.kit.http.answer import StreamedAnswer
from greenroom.kit.ids import ClientId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.registrations import listing
from greenroom.registrations.links import Tickets
from greenroom.registrations.schemas import RegistrationFilters
from greenroom.registrations.service import Registrations
from tests.postgres import Owner, TestDatabase
from tests.registrations.crowds import crowd
from tests.registrations.people import Room, room
from tests.server import AUTHORITIES, SECRET_KEY
from tests.tenant import Tenant

PEOPLE = 2300  # of which a list reads a thousand at a time
PAGES = 3

OPEN = "select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"

Message = dict[str, Any]


class Reader:
    """A client of the application, who may hang up after so many octets of a body."""

    def __init__(self, *, hangs_up_after: int | None = None) -> None:
        self.messages: list[Message] = []
        self._patience = hangs_up_after
        self._sent_request = False
        self._gone = asyncio.Event()

    async def receive(self) -> Message:
        if not self._sent_request:
            self._sent_request = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if self._patience is not None and len(self.body) >= self._patience:
            self._gone.set()
            await asyncio.sleep(0)  # as a server, which yields to its socket

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def has_it_all(self) -> bool:
        """Whether the end of the body came."""
        return self.messages[-1].get("more_body") is False


@pytest.fixture
async def full(http: httpx.AsyncClient, tenant: Tenant, db: Database) -> Room:
    there = await room(http, tenant, seats=2000)
    await crowd(db, there, PEOPLE)
    return there


async def whole(db: Database, there: Room) -> listing.Whole:
    """The list, of which the first thousand rows have been read."""
    keys = [SECRET_KEY]
    registrations = Registrations(db, Cursors(keys), Tickets(keys), public_url=None)
    scopes = frozenset({MANAGE_LIVE})
    caller = Caller(user=UserId("manager"), client=ClientId("test"), brand=there.tenant.brand, scopes=scopes)
    return await listing.whole(registrations, caller, there.session["id"], RegistrationFilters())


def rows_in(*chunks: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode(), newline=""), strict=True))


async def counted(chunks: AsyncIterator[bytes], seen: list[int]) -> AsyncIterator[bytes]:
    """The chunks; how long each of them was is written down when it is made."""
    async for chunk in chunks:
        seen.append(len(chunk))
        yield chunk


async def test_rows_that_change_meanwhile_are_listed_once_and_who_comes_is_last(full: Room, db: Database) -> None:
    chunks = listing.as_csv(await whole(db, full))
    begun = [await anext(chunks), await anext(chunks)]
    for user in ("patient_1", "patient_1500"):  # one who was listed already, one who was not
        await full.leave(user)
    await full.enter("patient_1", "a newcomer")
    rows = rows_in(*begun, *[chunk async for chunk in chunks])
    assert [int(row["position"]) for row in rows] == list(range(1, PEOPLE + 3))
    by_position = {int(row["position"]): (row["user_id"], row["status"]) for row in rows}
    assert by_position[1] == ("patient_1", "registered")
    assert by_position[1500] == ("patient_1500", "cancelled")
    assert [by_position[PEOPLE + 1][0], by_position[PEOPLE + 2][0]] == ["patient_1", "a newcomer"]


async def test_no_transaction_is_open_between_pages(full: Room, db: Database, owner: Owner) -> None:
    chunks = listing.as_csv(await whole(db, full))
    await anext(chunks)
    await anext(chunks)
    await anext(chunks)
    assert await owner.fetch(OPEN) == []


async def test_an_administrators_list_is_whole_json_though_rows_change_meanwhile(full: Room, db: Database) -> None:
    chunks = listing.as_json(await whole(db, full))
    begun = await anext(chunks)
    await full.leave("patient_1500")
    await full.enter("a newcomer")
    read = msgspec.json.decode(begun + b"".join([chunk async for chunk in chunks]))
    assert read["total"] == len(read["registrations"]) == PEOPLE + 1
    assert len({one["id"] for one in read["registrations"]}) == PEOPLE + 1


async def test_whoever_reads_to_the_end_gets_the_end(full: Room, db: Database) -> None:
    reader, seen = Reader(), list[int]()
    answer = StreamedAnswer(counted(listing.as_csv(await whole(db, full)), seen), headers=[])
    await answer({"request_id": "r"}, reader.receive, reader.send)
    assert (len(rows_in(reader.body)), len(seen), reader.has_it_all) == (PEOPLE, 1 + PAGES, True)


async def test_nothing_more_is_read_for_a_client_that_has_hung_up(full: Room, db: Database) -> None:
    reader, seen = Reader(hangs_up_after=1), list[int]()
    answer = StreamedAnswer(counted(listing.as_csv(await whole(db, full)), seen), headers=[])
    await answer({"request_id": "r"}, reader.receive, reader.send)
    assert len(seen) < 1 + PAGES
    assert not reader.has_it_all


async def test_a_list_that_breaks_off_has_no_end(full: Room, database: TestDatabase) -> None:
    """Else what is missing would look like all there is."""
    reader = Reader()
    async with Database(database.service_url, size=1, wait_seconds=0.2, statement_seconds=10) as lost:
        everybody = await whole(lost, full)
    answer = StreamedAnswer(listing.as_csv(everybody), headers=[])
    await answer({"request_id": "r"}, reader.receive, reader.send)
    assert (len(rows_in(reader.body)), reader.has_it_all) == (1000, False)


async def test_a_client_that_hangs_up_leaves_the_server_at_rest(full: Room, http: httpx.AsyncClient) -> None:
    headers = {**full.tenant.bearer(), "Accept": "text/csv"}
    for _ in range(3):
        async with (
            httpx.AsyncClient(verify=AUTHORITIES, base_url=http.base_url) as hasty,
            hasty.stream("GET", f"{full.path}/registrations", headers=headers) as response,
        ):
            await anext(response.aiter_raw(100))
    response = await http.get(f"{full.path}/registrations", headers=headers)
    assert len(rows_in(response.content)) == PEOPLE
