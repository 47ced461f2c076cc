"""What must hold after a fault, whatever it was."""

import asyncio
import sys
from uuid import UUID

import asyncpg
import httpx

from tests.postgres import TestDatabase
from tests.server import environment_of
from tests.tenant import Json

TRACES = """
select s.version,
    (select array_agg(a.request_id order by a.entity_version) from audit_log a where a.entity_id = s.id) as requests,
    (select array_agg(e.session_version order by e.session_version) from all_events_any_brand_v1() e
     where e.session_id = s.id) as told
from sessions s where s.id = $1
"""


async def requests_of_changes(database: TestDatabase, session: Json) -> list[str]:
    """The request ids of the session's changes after its creation; the row, its audit and its events agree on them."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        row = await connection.fetchrow(TRACES, UUID(session["id"]))
    finally:
        await connection.close()
    assert row is not None
    versions = list(range(1, row["version"] + 1))
    assert (len(row["requests"]), row["told"]) == (len(versions), versions)
    return list(row["requests"][1:])


async def assert_promises_kept(database: TestDatabase) -> None:
    """`greenroom check` finds nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "greenroom.cli", "check",
        env=environment_of(database), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def assert_unavailable(response: httpx.Response) -> None:
    """A 503 in the contract's form that says when to come again."""
    assert response.status_code == 503, response.text
    assert response.json()["error"] == "unavailable"
    assert response.json().keys() == {"error", "message"}
    assert int(response.headers["retry-after"]) >= 1
