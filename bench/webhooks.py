"""Webhooks of one call: two for each person, signed as GetStream signs them; many at a time, and one after the other."""

import hashlib
import hmac
import sys
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from bench.arrivals import arrive
from bench.contenders import Contender, Running, running
from bench.database import BenchDatabase
from bench.drop_load import FRESHEN, REST
from bench.line import Line, request
from bench.people import person
from bench.tools import BenchError
from tests.providers.fake import getstream_wire as wire
from tests.providers.fake.credentials import GETSTREAM_SECRETS
from tests.providers.fake.world import Call, Happening, Stay, World

CONNECTIONS = 64
OK = 200

LIVE = """
insert into sessions (brand_id, id, host_id, title, kind, status, scheduled_at, started_at, max_participants, created_at,
                      updated_at)
select 'acme', '{session}', 'host_1', 'Everybody comes', 'live', 'live', now_, now_, 10, now_, now_
from date_trunc('milliseconds', now()) now_
"""
# All that came is there once, and everybody has left. How many transactions that took is in their rows.
LEFT = """
select count(*) as events, count(distinct i.xmin::text) as transactions,
    (select count(*) from connections n where n.call_id = $1 and n.left_at is not null) as stays
from provider_inbox i where i.call_id = $1
"""


class Webhooks(Struct, frozen=True, kw_only=True):
    """A second, each round, over so many connections and over one; how many shared a transaction; p99 in milliseconds."""

    events: int
    connections: int
    many: list[float]
    single: list[float]
    together: list[float]
    p99: list[float]


def measure_webhooks(
    database: BenchDatabase, contender: Contender, *, rounds: int, events: int, pool: int, log: Path
) -> Webhooks:
    """Raises BenchError unless each was taken, and is there once."""
    found = Webhooks(events=events, connections=CONNECTIONS, many=[], single=[], together=[], p99=[])
    for _ in range(rounds):
        with running(contender, pool=pool, log=log) as server:
            answered, together = _told(database, server, events=events, connections=CONNECTIONS)
            found.many.append(answered[0])
            found.p99.append(answered[1])
            found.together.append(together)
            answered, _ = _told(database, server, events=events // 10, connections=1)
            found.single.append(answered[0])
        _say(f"webhooks: {found.many[-1]:,.0f} a second, one after the other {found.single[-1]:,.0f}")
    return found


def _told(database: BenchDatabase, server: Running, *, events: int, connections: int) -> tuple[tuple[float, float], float]:
    session = uuid4()
    database.execute(*FRESHEN, "truncate provider_inbox", LIVE.format(session=session), *REST)
    with closing(Line(server)) as line:  # the call is made
        body = msgspec.json.encode({"user_id": "host_1"}).decode()
        line.ask(request("POST", f"/v1/sessions/{session}/join", server.contender.token, body))
    answered = arrive(server, signed_events(session, people=events // 2), connections=connections, seconds=0)
    left = database.row(LEFT, session)
    if answered.count(OK) != events or (int(left["events"]), int(left["stays"])) != (events, events // 2):
        raise BenchError(f"of {events} webhooks {answered.count(OK)} were taken, and the database says {dict(left)}")
    return (answered.per_second, answered.at(0.99)), events / int(left["transactions"])


def signed_events(session: UUID, *, people: int) -> list[bytes]:
    """That everybody came, one after the other, and that everybody left."""
    told: list[bytes] = []

    def tell(happening: Happening, call: Call, about: object) -> None:
        if isinstance(about, Stay):
            told.append(_posted(msgspec.json.encode(wire.in_text(wire.event(happening, call, about, at_most=250)))))

    world = World(tell, prefixes=("", "", ""))
    call = Call("default", str(session), records=False)
    world.calls[call.id] = call
    stays = [world.join(call, person(number), name="Paula Participant", kind="STANDARD") for number in range(people)]
    for stay in stays:
        world.leave(stay.id)
    return told


def _posted(body: bytes) -> bytes:
    signature = hmac.new(GETSTREAM_SECRETS[0].encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/stream HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"X-Signature: {signature}\r\nX-Webhook-Id: {uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
