"""The operations of the live stream: who may open it, with what, and how somebody who came in is looked at again."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from greenroom.identity.caller import Caller
from greenroom.identity.gate import Gate
from greenroom.identity.scopes import READ_LIVE
from greenroom.identity.tickets import COOKIE, PARAMETER, StreamTicket, StreamTickets
from greenroom.kit.clock import wire_time
from greenroom.kit.database import Database
from greenroom.kit.errors import InvalidToken, NotFound
from greenroom.kit.ids import BrandId, UserId
from greenroom.sessions.service import brand_of, known_id_in
from greenroom.stream import queries, schemas
from greenroom.stream.engine import Engine
from greenroom.stream.queries import Person
from greenroom.stream.watchers import Pass, Watcher

MOST_DIGITS = 18


class Streams:
    """What the operations need of a process: its engine, its tickets."""

    def __init__(self, db: Database, engine: Engine, tickets: StreamTickets, *, seconds: int, public_url: str | None) -> None:
        self.db = db
        self.engine = engine
        self.tickets = tickets
        self.seconds = seconds
        self.public_url = public_url


class Given(Struct, frozen=True):
    """A ticket, and the cookie that holds it."""

    ticket: schemas.StreamTicket
    cookie: str


async def watch(there: Streams, caller: Caller, session_id: str, *, token: str | None, ticket: StreamTicket | None) -> Watcher:
    """Somebody who may watch. Raises NotFound, Unavailable."""
    known_id = known_id_in(session_id)
    person = Person(await brand_of(there.db, caller, known_id), known_id, caller.user)
    way_in = Pass(token, None if ticket is None else ticket.token_id, caller.manages)
    left = None if ticket is None else ticket.expires - datetime.now(UTC).timestamp()
    return await there.engine.watcher(person, way_in, seconds=left)


async def ticket(there: Streams, caller: Caller, session_id: str, *, address: str) -> Given:
    """A ticket for the caller; `address` is where we were asked. Raises NotFound."""
    known_id = known_id_in(session_id)
    brand = await brand_of(there.db, caller, known_id)
    (standing,) = await queries.of_people(there.db, [Person(brand, known_id, caller.user)])
    if standing is None:
        raise NotFound("There is no such session.")
    text, expires_at = there.tickets.write(caller, brand, known_id, lifetime=timedelta(seconds=there.seconds))
    path = f"/v1/sessions/{known_id}/stream"
    base = there.public_url or address
    secure = "; Secure" if base.startswith("https:") else ""
    return Given(
        schemas.StreamTicket(ticket=text, url=f"{base}{path}?{PARAMETER}={text}", expires_at=wire_time(expires_at)),
        f"{COOKIE}={text}; Path={path}; Max-Age={there.seconds}; HttpOnly; SameSite=Strict{secure}",
    )


def resumed_from(last_event_id: str | None) -> int | None:
    """The position that a client names; None for what no stream of ours has sent."""
    if (
        last_event_id is None
        or not last_event_id.isascii()
        or not last_event_id.isdecimal()
        or len(last_event_id) > MOST_DIGITS
    ):
        return None
    return int(last_event_id)


class Rechecks:
    """Whether somebody who watches would be let in again."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, way_in: Pass, brand: BrandId, user: UserId) -> Pass | None:
        """With what they are let in now; None: not at all. Raises Unavailable."""
        if way_in.token is None:
            revoked = way_in.token_id is not None and self._gate.is_revoked(way_in.token_id)
            return None if revoked else way_in
        try:
            caller = await self._gate.holder_of(way_in.token)
        except InvalidToken:
            return None
        if caller.user != user or READ_LIVE not in caller.scopes or caller.brand not in {None, brand}:
            return None
        return way_in if caller.manages == way_in.manages else Pass(way_in.token, None, caller.manages)
