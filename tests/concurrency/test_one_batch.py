"""Two changes of one process that must not share a transaction: what becomes of them, and what would if they did."""

import asyncio

import pytest

from greenroom.identity.caller import Caller
from greenroom.kit.errors import IdempotencyKeyPayloadMismatch
from greenroom.kit.idempotency import idempotency_key
from greenroom.kit.ids import ClientId, RequestId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.kit.wire import EmailAddress
from greenroom.registrations import service
from greenroom.registrations.links import Tickets
from greenroom.registrations.schemas import RegisterRequest
from greenroom.registrations.service import Answered, Registrations
from tests.concurrency.hall import Hall
from tests.concurrency.seats_arena import ONE_PER_PERSON, without_index
from tests.server import SECRET_KEY
from tests.tenant import Json

NOW = RequestId("a test's")


@pytest.fixture
async def process(hall: Hall) -> Registrations:
    """What a process keeps for all its requests: here this one is the process."""
    return Registrations(hall.db, Cursors([SECRET_KEY]), Tickets([SECRET_KEY]), public_url=None)


@pytest.fixture
async def claimless(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> Registrations:
    """The negative control: whatever comes while a batch is on its way goes together in the next."""
    monkeypatch.setattr(service, "claims_of", lambda _: ())
    return Registrations(hall.db, Cursors([SECRET_KEY]), Tickets([SECRET_KEY]), public_url=None)


def caller(hall: Hall, user: str) -> Caller:
    return Caller(user=UserId(user), client=ClientId("test"), brand=hall.tenant.brand, scopes=frozenset({"write:live"}))


async def comes(hall: Hall, process: Registrations, session: Json, user: str) -> Answered:
    return await service.register_caller(process, caller(hall, user), session["id"], request_id=NOW, key=None)


async def brings(hall: Hall, process: Registrations, session: Json, email: str) -> Answered:
    """The host registers a guest, always with the same key."""
    host = caller(hall, "host_1")
    key = idempotency_key(
        "the same", brand=hall.tenant.brand, client="test", subject=host.user, method="POST", path="/", body=email.encode()
    )
    wanted = RegisterRequest(guest_email=EmailAddress(email))
    return await service.register(process, host, session["id"], wanted, request_id=NOW, key=key)


async def came_twice(hall: Hall, process: Registrations) -> list[str]:
    """Who sits when the first is on the way, and two who are one stand behind."""
    async with without_index(hall.database, ONE_PER_PERSON):
        session = await hall.filled(capacity=5)
        await asyncio.gather(*(comes(hall, process, session, user) for user in ("first", "ann", "ann")))
        return await hall.there(session, "registered")


async def guests_of_one_key(hall: Hall, process: Registrations) -> list[Answered | BaseException]:
    """What becomes of two guests when the first is on the way."""
    session = await hall.filled(capacity=5)
    _, *guests = await asyncio.gather(
        comes(hall, process, session, "first"),
        *(brings(hall, process, session, email) for email in ("ann@example.com", "bob@example.com")),
        return_exceptions=True,
    )
    return guests


async def test_who_comes_twice_to_one_process_has_one_seat(hall: Hall, process: Registrations) -> None:
    assert await came_twice(hall, process) == ["first", "ann"]


async def test_in_one_batch_who_comes_twice_would_have_two_seats(hall: Hall, claimless: Registrations) -> None:
    assert await came_twice(hall, claimless) == ["first", "ann", "ann"]


async def test_one_key_registers_one_guest_in_one_process(hall: Hall, process: Registrations) -> None:
    assert [type(end) for end in await guests_of_one_key(hall, process)] == [Answered, IdempotencyKeyPayloadMismatch]


async def test_in_one_batch_one_key_would_register_two_guests(hall: Hall, claimless: Registrations) -> None:
    assert [type(end) for end in await guests_of_one_key(hall, claimless)] == [Answered, Answered]
