"""The way to the schema of questions and back, under a running process that knows none of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from pogo_core.util.migrate import rollback

from greenroom.kit import migrate
from greenroom.kit.queries import SCHEMA
from tests.compatibility.releases import broken_promises, greenroom
from tests.compatibility.shape import shape_of
from tests.faults.voting import path_of, question, vote
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.registrations.people import room
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant

QUESTIONS = "0013_questions"


@pytest.fixture
async def earlier(cluster: Cluster, tree_before_questions: Path) -> TestDatabase:
    """A database that the release before questions has made."""
    database = await fresh_database(cluster, migrated=False)
    done = greenroom(tree_before_questions, "migrate", database)
    assert done.returncode == 0, done
    return database


@pytest.fixture
async def old(earlier: TestDatabase, tree_before_questions: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A process of that release on it."""
    with running_server(earlier, tmp_path, source=tree_before_questions) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as client:
            yield client


async def roll_back(database: TestDatabase) -> None:
    """Undo what came after that release, the last first."""
    later = [name for name in migrate.shipped() if name >= QUESTIONS]
    connection = await asyncpg.connect(database.owner_url)
    try:
        await rollback(connection, migrate.DIRECTORY, schema_name=SCHEMA, count=len(later))
    finally:
        await connection.close()


async def test_who_has_a_seat_from_before_asks_and_votes_after_the_upgrade(
    earlier: TestDatabase, old: httpx.AsyncClient, tenant: Tenant, tmp_path: Path
) -> None:
    before = await room(old, tenant)
    await before.enter("anna")
    await migrate.migrate(earlier.owner_url, service_role="greenroom")
    await before.enter("ben")
    with running_server(earlier, tmp_path) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as new:
            for user in ("anna", "ben"):
                path = f"{before.path}/questions"
                asked = await new.post(path, json={"body": "Why?"}, headers=tenant.bearer(user))
                assert asked.status_code == 201, asked.text
    assert broken_promises(None, earlier) == set()


async def test_the_way_back_leaves_the_schema_as_it_was_and_the_older_process_at_work(
    earlier: TestDatabase, old: httpx.AsyncClient, tenant: Tenant, tree_before_questions: Path, tmp_path: Path
) -> None:
    before = await shape_of(earlier)
    await migrate.migrate(earlier.owner_url, service_role="greenroom")
    with running_server(earlier, tmp_path) as running:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=running.url, timeout=30) as new:
            asked = await question(new, tenant)
            assert (await vote(new, tenant, asked)).status_code == 200
            assert (await new.post(f"{path_of(asked)}/pin", headers=tenant.bearer())).status_code == 200
    await roll_back(earlier)
    assert await shape_of(earlier) == before
    there = await room(old, tenant)
    await there.enter("anna")
    assert (await there.patch(title="Knees")).status_code == 200
    assert broken_promises(tree_before_questions, earlier) == set()


async def test_after_the_way_back_the_upgrade_can_be_made_again(earlier: TestDatabase) -> None:
    await migrate.migrate(earlier.owner_url, service_role="greenroom")
    first = await shape_of(earlier)
    await roll_back(earlier)
    assert await migrate.pending(earlier.owner_url)
    await migrate.migrate(earlier.owner_url, service_role="greenroom")
    assert await shape_of(earlier) == first
