"""docs/how-to/external-postgresql.md: its roles are those that the service asks for."""

import re
from uuid import uuid4

import asyncpg

from greenroom.kit import migrate
from tests.docs.pages import ROOT, blocks
from tests.postgres import Cluster

PAGE = ROOT / "docs/how-to/external-postgresql.md"


async def test_the_roles_of_the_page_can_migrate_and_serve(cluster: Cluster) -> None:
    suffix = uuid4().hex[:8]
    sql = next(block.text for block in blocks(PAGE) if block.kind == "sql")
    renamed = re.sub(r"\b(greenroom(?:_owner)?)\b", rf"\1_{suffix}", sql)
    connection = await asyncpg.connect(cluster.url("postgres"))
    for statement in filter(None, map(str.strip, renamed.split(";"))):
        await connection.execute(statement)
    await connection.close()
    owner, service = (cluster.url(f"{role}_{suffix}", f"greenroom_{suffix}") for role in ("greenroom_owner", "greenroom"))
    assert await migrate.migrate(owner, service_role=f"greenroom_{suffix}") == migrate.shipped()
    assert await migrate.pending(service) == []
    assert await migrate.could_change_tables(owner)
    assert not await migrate.could_change_tables(service)
