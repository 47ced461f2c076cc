"""greenroom migrate, greenroom check, and what the database itself refuses afterwards."""

import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from greenroom.kit.migrate import shipped
from tests.commands.command import Environment, greenroom, started, url_of
from tests.postgres import Cluster, Owner, TestDatabase, own_database
from tests.server import environment_of

REPLICAS = 10
LOCK_TIMEOUT_SECONDS = 5.0
CHANGES = ["update audit_log set action = 'x'", "delete from audit_log", "truncate audit_log"]
TABLES_OF = "select count(*) from pg_tables where tableowner = $1 and schemaname = 'public'"


@pytest.fixture
async def empty(cluster: Cluster) -> AsyncIterator[TestDatabase]:
    """A database that no migration has seen."""
    async with own_database(cluster, migrated=False) as made:
        yield made


@pytest.fixture
async def service(database: TestDatabase) -> AsyncIterator[Owner]:
    """A connection as the service has it."""
    connection = await asyncpg.connect(database.service_url)
    yield connection
    await connection.close()


async def applied(database: TestDatabase) -> list[str]:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        return [row[0] for row in await connection.fetch("select migration_id from _pogo_migration order by 1")]
    finally:
        await connection.close()


def test_it_names_what_it_applied(empty: TestDatabase) -> None:
    said = greenroom("migrate", env=environment_of(empty))
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines() == [f"applied {name}" for name in shipped()]


def test_run_again_it_says_that_there_is_nothing_to_do(env: Environment) -> None:
    said = greenroom("migrate", env=env)
    assert (said.status, said.out) == (0, "Nothing to apply: the database is up to date.\n")


async def test_ten_replicas_at_once_all_start_on_an_empty_database(empty: TestDatabase, tmp_path: Path) -> None:
    env = environment_of(empty)
    with ExitStack() as stack:
        serve = [
            stack.enter_context(started("serve", "--port", "0", "--migrate", env=env, log=tmp_path / f"serve-{n}"))
            for n in range(REPLICAS // 2)
        ]
        migrate = [
            stack.enter_context(started("migrate", env=env, log=tmp_path / f"migrate-{n}"))
            for n in range(REPLICAS - len(serve))
        ]
        for number, process in enumerate(serve):
            assert url_of(process, tmp_path / f"serve-{number}").startswith("http")
        assert [process.wait(30) for process in migrate] == [0] * len(migrate)
    assert await applied(empty) == list(shipped())


async def test_a_migration_that_must_wait_for_a_lock_gives_up_in_one_line(empty: TestDatabase) -> None:
    owner = await asyncpg.connect(empty.owner_url)
    try:
        await owner.execute("begin")
        await owner.execute("create table sessions (held text)")  # until this ends nobody knows whether the name is free
        began = time.monotonic()
        line = greenroom("migrate", env=environment_of(empty)).only_line()
    finally:
        await owner.close()
    assert "lock timeout" in line
    assert time.monotonic() - began < LOCK_TIMEOUT_SECONDS + 10


async def test_a_migration_that_gave_up_is_applied_by_the_next_run(empty: TestDatabase) -> None:
    owner = await asyncpg.connect(empty.owner_url)
    try:
        await owner.execute("create table outbox (in_the_way text)")
        assert greenroom("migrate", env=environment_of(empty)).status == 1
        await owner.execute("drop table outbox")
    finally:
        await owner.close()
    assert greenroom("migrate", env=environment_of(empty)).status == 0


def test_without_the_owners_url_the_role_is_told_that_it_may_not(empty: TestDatabase) -> None:
    env = environment_of(empty)
    greenroom("migrate", env={**env, "GREENROOM_DATABASE_OWNER_URL": ""}).only_line()


def test_a_missing_service_role_is_told_by_its_name(env: Environment, database: TestDatabase) -> None:
    url = database.service_url.replace("greenroom@", "not_made_yet@")
    assert '"not_made_yet" does not exist' in greenroom("migrate", env={**env, "GREENROOM_DATABASE_URL": url}).only_line()


@pytest.mark.parametrize("statement", CHANGES)
async def test_the_service_may_not_change_the_audit(service: Owner, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await service.execute(statement)


@pytest.mark.parametrize("statement", CHANGES)
async def test_the_owner_itself_is_refused_to_change_the_audit(owner: Owner, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(statement)


async def test_the_service_owns_no_table(owner: Owner) -> None:
    assert await owner.fetchval(TABLES_OF, "greenroom") == 0
    assert await owner.fetchval(TABLES_OF, "greenroom_owner") > 0


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (a text)",
        "drop table outbox",
        "alter table audit_log disable trigger all",
        "drop trigger audit_log_is_append_only on audit_log",
        "delete from sessions",
        "delete from registrations",
        "set session_replication_role = replica",
        "update _pogo_migration set migration_id = 'x'",
    ],
)
async def test_the_service_may_do_no_more_than_it_needs(service: Owner, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)


async def test_check_says_ok_of_every_promise(empty: TestDatabase) -> None:
    env = environment_of(empty)
    greenroom("migrate", env=env)
    said = greenroom("check", env=env)
    assert (said.status, {line.split()[0] for line in said.out.splitlines()}) == (0, {"ok"})


async def test_check_names_what_is_broken_and_exits_1(empty: TestDatabase) -> None:
    greenroom("migrate", env=environment_of(empty))
    owner = await asyncpg.connect(empty.owner_url)
    await owner.execute(
        "insert into sessions (brand_id, id, host_id, title, kind, scheduled_at, max_participants, created_at, updated_at)"
        " values ('acme', gen_random_uuid(), 'host_1', 'Unaudited', 'live', now(), 5, now(), now())"
    )
    await owner.close()
    said = greenroom("check", env=environment_of(empty))
    assert said.status == 1
    assert "BROKEN  a change has exactly one audit row" in said.out


def test_check_tells_of_pending_migrations(empty: TestDatabase) -> None:
    assert "greenroom migrate" in greenroom("check", env=environment_of(empty)).only_line()


async def test_a_replica_that_is_killed_while_it_waits_for_the_migration_keeps_nobody_waiting(
    empty: TestDatabase, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(empty.owner_url)
    try:
        await owner.execute("select pg_advisory_lock(hashtextextended('greenroom migrations', 0))")
        with started("migrate", env=environment_of(empty), log=tmp_path / "killed") as killed:
            with pytest.raises(subprocess.TimeoutExpired):
                killed.wait(2)
            killed.kill()
    finally:
        await owner.close()
    assert greenroom("migrate", env=environment_of(empty)).status == 0
