"""The migration goes back without a trace, with rows in its tables, and forth again."""

import asyncpg
from pogo_core.util.migrate import rollback

from greenroom.kit import migrate
from greenroom.kit.queries import SCHEMA
from tests.compatibility.shape import shape_of
from tests.postgres import TestDatabase
from tests.webhooks.receiver import Receiver
from tests.webhooks.stage import Stage

MIGRATION = "0015_webhooks"


async def test_it_goes_back_and_forth(stage: Stage, receiver: Receiver, scratch: TestDatabase) -> None:
    await stage.endpoint(receiver.url)
    await stage.tell(3)
    async with stage.sending():
        await receiver.has_received(3)
    shape = await shape_of(scratch)
    later = [name for name in migrate.shipped() if name >= MIGRATION]
    connection = await asyncpg.connect(scratch.owner_url)
    try:
        await rollback(connection, migrate.DIRECTORY, schema_name=SCHEMA, count=len(later))
    finally:
        await connection.close()
    without = await shape_of(scratch)
    assert "webhook_" not in " ".join(line for line in without if not line.startswith("migration"))
    assert await stage.owner.fetchval("select count(*) from events") == 3
    await migrate.migrate(scratch.owner_url, service_role="greenroom")
    assert await shape_of(scratch) == shape
