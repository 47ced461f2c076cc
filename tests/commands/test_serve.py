"""greenroom serve on an external database: it starts, or says in one line why not and what to do."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands.command import Environment, greenroom, serving
from tests.postgres import Cluster, TestDatabase, own_database
from tests.server import environment_of


@pytest.fixture
async def empty(cluster: Cluster) -> AsyncIterator[TestDatabase]:
    """A database that no migration has seen."""
    async with own_database(cluster, migrated=False) as made:
        yield made


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def refused(env: Environment, *arguments: str) -> str:
    """Why `serve` does not start."""
    return greenroom("serve", *(arguments or ("--port", "0")), env=env).only_line()


def test_its_first_line_says_where_it_is_and_where_its_documentation_is(env: Environment, tmp_path: Path) -> None:
    with serving(env=env, log=tmp_path / "log") as running:
        assert httpx.get(f"{running.url}/docs", timeout=30).status_code == 200


def test_it_ends_with_status_0_when_it_is_asked_to_stop(env: Environment, tmp_path: Path) -> None:
    with serving(env=env, log=tmp_path / "log") as running:
        assert running.stop() == 0


def test_it_ends_without_a_traceback(env: Environment, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(env=env, log=log) as running:
        running.stop()
    assert "Traceback" not in log.read_text()


def test_a_port_in_use_is_told_with_what_to_do(env: Environment, taken_port: int) -> None:
    line = refused(env, "--port", str(taken_port))
    assert str(taken_port) in line
    assert "--port" in line


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_told(env: Environment, host: str) -> None:
    assert host in refused(env, "--host", host, "--port", "0")


@pytest.mark.parametrize("port", ["65536", "-1"])
def test_a_port_that_is_none_is_told(env: Environment, port: str) -> None:
    assert "port" in refused(env, f"--port={port}").lower()


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_fewer_than_one_worker_is_refused(env: Environment, workers: str) -> None:
    assert "--workers" in refused(env, f"--workers={workers}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://greenroom@127.0.0.1:1/greenroom",
        "postgresql://greenroom@nowhere.invalid/greenroom",
        "postgresql://greenroom@/greenroom?host=/nowhere",
    ],
)
def test_a_database_that_cannot_be_reached_is_told(env: Environment, url: str) -> None:
    assert "The database cannot be reached" in refused({**env, "GREENROOM_DATABASE_URL": url})


def test_a_database_that_does_not_exist_is_told(env: Environment, cluster: Cluster) -> None:
    line = refused({**env, "GREENROOM_DATABASE_URL": cluster.url("greenroom", "not_there")})
    assert '"not_there" does not exist' in line


def test_a_role_that_does_not_exist_is_told(env: Environment, database: TestDatabase) -> None:
    url = database.service_url.replace("greenroom@", "somebody_else@")
    assert '"somebody_else" does not exist' in refused({**env, "GREENROOM_DATABASE_URL": url})


def test_pending_migrations_are_refused_with_the_commands_that_apply_them(empty: TestDatabase) -> None:
    line = refused(environment_of(empty))
    assert "greenroom migrate" in line
    assert "greenroom serve --migrate" in line


def test_with_migrate_pending_migrations_are_applied(empty: TestDatabase, tmp_path: Path) -> None:
    with serving("--migrate", env=environment_of(empty), log=tmp_path / "log") as running:
        assert httpx.get(f"{running.url}/readyz").status_code == 200


def test_a_role_that_owns_the_tables_is_refused(env: Environment, database: TestDatabase) -> None:
    line = refused({**env, "GREENROOM_DATABASE_URL": database.owner_url})
    assert "greenroom_owner" in line
    assert "GREENROOM_DATABASE_OWNER_URL" in line


def test_a_superuser_is_refused(env: Environment, database: TestDatabase) -> None:
    assert "postgres" in refused({**env, "GREENROOM_DATABASE_URL": database.superuser_url})


def test_a_role_with_no_more_rights_than_it_needs_is_enough(empty: TestDatabase, tmp_path: Path) -> None:
    with serving("--migrate", env=environment_of(empty), log=tmp_path / "log") as running:
        token = greenroom("token", "--user", "host_1", "--brand", "acme", env=environment_of(empty)).out.strip()
        body = {"host_id": "host_1", "brand_id": "acme", "title": "First", "scheduled_at": "2027-03-01T17:00:00Z",
                "max_participants": 5}  # fmt: skip
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "first"}
        created = httpx.post(f"{running.url}/v1/sessions", json=body, headers=headers)
        edited = httpx.patch(
            f"{running.url}{created.headers['location']}", json={"title": "Second"}, headers=headers
        )  # fmt: skip
    assert (created.status_code, edited.status_code) == (201, 200)
