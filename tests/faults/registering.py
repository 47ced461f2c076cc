"""People who register, and what their session holds afterwards."""

from uuid import UUID

import asyncpg
import httpx
from msgspec import Struct

from tests.postgres import TestDatabase
from tests.tenant import Json, Tenant

ROWS = """
select id, user_id, status, version, position from registrations where session_id = $1 order by position
"""


class Kept(Struct, frozen=True):
    """A registration as its row says."""

    id: str
    user: str
    status: str
    version: int
    position: int


async def register(
    http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str = "ann", *, path: str = "registrations", **headers: str
) -> httpx.Response:
    """POST, as this person."""
    body: Json | None = {} if path == "register" else None
    return await http.post(f"/v1/sessions/{session['id']}/{path}", json=body, headers=tenant.bearer(user, **headers))


async def cancel(http: httpx.AsyncClient, tenant: Tenant, session: Json, user: str = "ann") -> httpx.Response:
    """DELETE one's own."""
    return await http.delete(f"/v1/sessions/{session['id']}/registrations/me", headers=tenant.bearer(user))


async def kept_of(database: TestDatabase, session: Json) -> list[Kept]:
    """Every registration of the session, in the order in which people came."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        rows = await connection.fetch(ROWS, UUID(session["id"]))
    finally:
        await connection.close()
    return [Kept(str(row[0]), *row[1:]) for row in rows]
