"""A session of an hour with a call, whose times a test sets; and what the provider told of the call."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from msgspec import Struct

from greenroom.kit.database import Database
from greenroom.kit.ids import new_id
from tests.postgres import Owner
from tests.registrations.people import Room, answered, room
from tests.tenant import Json, Tenant
from tests.wire import id_of

PROVIDER = "getstream"
HOUR = 60  # minutes, at which a session ends that begins at 0
BEGAN = timedelta(hours=2)  # ago: long over, and not so long that a timer would have called it off

TELL = "select * from receive_events_any_brand_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'test')"
ASKED = "select merge_facts_v1($1, $2, '{}', $3, $4, $5)"
SETTLE = "select settle_call_v1($1, $2, clock_timestamp(), 'test')"

_numbers = count(1)


class Stage(Struct, frozen=True, kw_only=True):
    """The session; minutes are counted from its scheduled_at."""

    there: Room
    owner: Owner
    db: Database
    begins_at: datetime

    def at(self, minute: float) -> datetime:
        """That minute."""
        return self.begins_at + timedelta(minutes=minute)

    def wire(self, minute: float) -> str:
        """That minute, as the wire writes it."""
        return self.at(minute).isoformat(timespec="milliseconds")[:-6] + "Z"

    def stay(
        self, user: str, joined: float | None, left: float | None, *, id: str | None = None, span: str | None = None
    ) -> Json:
        """Somebody's stay by one device, as a provider tells of it."""
        return {
            "id": id or f"device-{next(_numbers)}",
            "user": user,
            "span": span,
            "joined_at": None if joined is None else self.wire(joined),
            "left_at": None if left is None else self.wire(left),
        }

    def span(self, id: str, started: float | None, ended: float | None) -> Json:
        """A sitting of the call."""
        return {
            "id": id,
            "started_at": None if started is None else self.wire(started),
            "ended_at": None if ended is None else self.wire(ended),
        }

    async def tell(self, *stays: Json, spans: list[Json] | None = None, recordings: list[Json] | None = None) -> list[str]:
        """The provider tells of these, in a webhook of its own."""
        facts = msgspec.json.encode({"spans": spans or [], "connections": stays, "recordings": recordings or []}).decode()
        name = uuid4().hex
        rows = await self.db.rows(
            TELL, PROVIDER, id_of(self.there.session), [name], [sha256(name.encode()).digest()], ["test.told"],
            [str(datetime.now(UTC))], [facts.encode()], [facts], ["{}"], [new_id()],
        )  # fmt: skip
        return [row["outcome"] for row in rows]

    async def asked(self, minute: float, *, inside: tuple[str, ...] = (), span: str | None = None) -> None:
        """The provider was asked, and showed these devices."""
        brand, session = self.there.tenant.brand, id_of(self.there.session)
        await self.db.row(ASKED, brand, session, str(self.at(minute)), span, list(inside))
        await self.db.row(SETTLE, brand, session)

    async def begin(self) -> None:
        """The host starts it, at 0."""
        await self.there.step("start")
        await self.owner.execute(
            "update sessions set started_at = scheduled_at where id = $1 and status = 'live'", id_of(self.there.session)
        )

    async def end(self, minute: float = HOUR) -> None:
        """The host starts it at 0 unless that was done, and ends it then."""
        if answered(await self.there.read(), 200)["status"] == "scheduled":
            await self.begin()
        await self.there.step("end")
        await self.owner.execute("update sessions set ended_at = $2 where id = $1", id_of(self.there.session), self.at(minute))

    async def hosted(self, *stays: Json, until: float = HOUR) -> None:
        """A session that its host was in from beginning to end, with these stays."""
        await self.end(until)
        await self.tell(self.stay("host_1", 0, until), *stays)

    async def leave(self, user: str, minute: float) -> None:
        """Somebody gives up the seat, at this minute."""
        answered(await self.there.leave(user), 200)
        await self.owner.execute(
            "update registrations set cancelled_at = $3 where session_id = $1 and user_id = $2",
            id_of(self.there.session), user, self.at(minute),
        )  # fmt: skip

    async def ask(
        self, what: str = "attendance", *, user: str = "host_1", scope: str = "read:live write:live", **parameters: Any
    ) -> httpx.Response:
        """GET attendance or recordings."""
        headers = self.there.tenant.bearer(user, scope=scope)
        return await self.there.http.get(f"{self.there.path}/{what}", params=parameters, headers=headers)

    async def read(self, **parameters: Any) -> Json:
        """A page of the attendance, by default a large one."""
        return answered(await self.ask(**{"limit": 100, **parameters}), 200)

    async def of(self, user: str) -> Json:
        """Somebody's attendance."""
        listed: dict[str, Json] = {one["user_id"]: one for one in (await self.read())["attendance"]}
        return listed[user]

    async def outcomes(self) -> dict[str, str | None]:
        """What became of everybody."""
        return {one["user_id"]: one["outcome"] for one in (await self.read())["attendance"]}


async def stage(
    http: httpx.AsyncClient,
    tenant: Tenant,
    owner: Owner,
    db: Database,
    *,
    call: bool = True,
    records: bool = False,
    seats: int = 100,
) -> Stage:
    """A session that should begin two hours ago, and its call, which the provider has."""
    begins_at = datetime.now(UTC).replace(microsecond=0) - BEGAN
    there = await room(http, tenant, seats=seats, scheduled_at=begins_at.isoformat())
    made = Stage(there=there, owner=owner, db=db, begins_at=begins_at)
    if call:
        await plant_call(made, records=records)
    return made


async def plant_call(it: Stage, *, records: bool = False, made: bool = True) -> None:
    """The session's call, as the worker makes it; nobody looks after it."""
    brand, session = it.there.tenant.brand, id_of(it.there.session)
    await it.owner.execute(
        "insert into calls (brand_id, id, session_id, provider, call_type, records, created_at, updated_at, due_at)"
        " values ($1, $2, $2, $3, 'default', $4, now(), now(), 'infinity')", brand, session, PROVIDER, records,
    )  # fmt: skip
    if made:
        await it.db.row("select call_made_v1($1, $2, true, 'Ask the physiotherapist', null)", brand, session)
