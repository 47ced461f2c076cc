"""A session and the people who come and go, over HTTP; and the rows that say what became of them."""

import json
from typing import Any
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from greenroom.events.catalogue import EVENTS
from tests.postgres import Owner
from tests.tenant import Json, Tenant

USUAL_SCOPE = "read:live write:live"
PAYLOADS = {event.name: event.payload for event in EVENTS}


class Room(Struct, frozen=True):
    """A session, as those see it who register for it."""

    http: httpx.AsyncClient
    tenant: Tenant
    session: Json

    @property
    def path(self) -> str:
        """The session's own."""
        return f"/v1/sessions/{self.session['id']}"

    async def register(self, user: str = "patient_1", **headers: str) -> httpx.Response:
        """POST registrations: a seat, else a place in line."""
        return await self.http.post(f"{self.path}/registrations", headers=self.tenant.bearer(user, **headers))

    async def enter(self, *users: str) -> list[Json]:
        """They register one after the other, and each has a seat or a place in line."""
        answers = [await self.register(user) for user in users]
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        return [answer.json() for answer in answers]

    async def take_seat(
        self, body: Any = None, *, user: str = "patient_1", scope: str = USUAL_SCOPE, **headers: str
    ) -> httpx.Response:
        """POST register: a seat for the caller, a patient or a guest, now or not at all."""
        named = self.tenant.bearer(user, scope=scope, **headers)
        return await self.http.post(f"{self.path}/register", json={} if body is None else body, headers=named)

    async def seat(self, body: Any = None, *, user: str = "patient_1", scope: str = USUAL_SCOPE) -> Json:
        """The seat that was taken so."""
        return answered(await self.take_seat(body, user=user, scope=scope), 201)

    async def invite(self, email: str = "guest@example.com", *, user: str = "host_1", scope: str = USUAL_SCOPE) -> Json:
        """A guest's seat."""
        return await self.seat({"guest_email": email}, user=user, scope=scope)

    async def own(self, user: str = "patient_1", **headers: str) -> httpx.Response:
        """GET registrations/me."""
        return await self.http.get(f"{self.path}/registrations/me", headers=self.tenant.bearer(user, **headers))

    async def leave(self, user: str = "patient_1", **headers: str) -> httpx.Response:
        """DELETE registrations/me."""
        return await self.http.delete(f"{self.path}/registrations/me", headers=self.tenant.bearer(user, **headers))

    async def standing(self, *users: str) -> list[tuple[str, int | None]]:
        """Of each: the status, and the place in line."""
        found = [answered(await self.own(user), 200) for user in users]
        return [(own["status"], own["waitlist_position"]) for own in found]

    async def remove(
        self, registration: Json, *, user: str = "host_1", scope: str = USUAL_SCOPE, **headers: str
    ) -> httpx.Response:
        """DELETE registrations/{registration_id}."""
        path = f"{self.path}/registrations/{registration['id']}"
        return await self.http.delete(path, headers=self.tenant.bearer(user, scope=scope, **headers))

    async def allow(
        self, registration: Json, *, user: str = "host_1", scope: str = USUAL_SCOPE, **headers: str
    ) -> httpx.Response:
        """POST registrations/{registration_id}/allow."""
        path = f"{self.path}/registrations/{registration['id']}/allow"
        return await self.http.post(path, headers=self.tenant.bearer(user, scope=scope, **headers))

    async def link(
        self, registration: Json, *, user: str = "host_1", scope: str = USUAL_SCOPE, **headers: str
    ) -> httpx.Response:
        """POST registrations/{registration_id}/link."""
        path = f"{self.path}/registrations/{registration['id']}/link"
        return await self.http.post(path, headers=self.tenant.bearer(user, scope=scope, **headers))

    async def read(self, user: str = "host_1", **headers: str) -> httpx.Response:
        """GET the session."""
        return await self.http.get(self.path, headers=self.tenant.bearer(user, **headers))

    async def patch(self, user: str = "host_1", **fields: Any) -> httpx.Response:
        """PATCH the session."""
        return await self.tenant.patch(self.http, self.session, fields, user=user)

    async def step(self, verb: str) -> Json:
        """The session after its host started, ended or cancelled it."""
        return answered(await self.tenant.step(self.http, self.session, verb), 200)


async def room(http: httpx.AsyncClient, tenant: Tenant, *, seats: int = 100, **fields: Any) -> Room:
    """A session that was created over HTTP, of so many seats."""
    return Room(http, tenant, await tenant.session(http, max_participants=seats, **fields))


def answered(response: httpx.Response, status: int) -> Json:
    """The body of an answer of this status."""
    assert response.status_code == status, response.text
    said: Json = response.json()
    return said


class Trace(Struct, frozen=True):
    """An audit row of a registration."""

    version: int
    action: str
    by: str
    client: str
    request_id: str


async def audit_of(owner: Owner, registration: Json) -> list[Trace]:
    """The registration's audit, by version."""
    rows = await owner.fetch(
        "select entity_version, action, actor_user_id, actor_client_id, request_id from audit_log"
        " where entity = 'registration' and entity_id = $1 order by entity_version", UUID(registration["id"]),
    )  # fmt: skip
    return [Trace(*row) for row in rows]


async def events_of(owner: Owner, registration: Json) -> list[tuple[str, Json]]:
    """The registration's events in the order in which they were told; each has the payload that the catalogue says."""
    rows = await owner.fetch(
        "select name, payload::text from all_events_any_brand_v1() where payload->>'registration_id' = $1 order by sequence",
        registration["id"],
    )
    for name, payload in rows:
        msgspec.json.decode(payload, type=PAYLOADS[name])
    return [(name, json.loads(payload)) for name, payload in rows]


async def seats_of(owner: Owner, room: Room) -> tuple[int, int]:
    """How many have a seat, and how many wait: as the session counts them, which must be as many as there are rows."""
    row = await owner.fetchrow(
        "select s.registered_count, s.waitlist_count,"
        " (select count(*) from registrations r where r.session_id = s.id and r.status = 'registered') as registered,"
        " (select count(*) from registrations r where r.session_id = s.id and r.status = 'waitlist') as waiting"
        " from sessions s where s.id = $1", UUID(room.session["id"]),
    )  # fmt: skip
    assert row is not None
    assert (row["registered_count"], row["waitlist_count"]) == (row["registered"], row["waiting"])
    return row["registered_count"], row["waitlist_count"]
