"""The upgrade itself: today's migrations under the previous release's running process, and its rows."""

from pathlib import Path

import httpx
import pytest

from greenroom.kit import migrate
from tests.compatibility.releases import greenroom
from tests.postgres import Cluster, TestDatabase, fresh_database
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant


@pytest.fixture
async def released(cluster: Cluster, previous_tree: Path) -> TestDatabase:
    """A database that the previous release has made."""
    database = await fresh_database(cluster, migrated=False)
    done = greenroom(previous_tree, "migrate", database)
    assert done.returncode == 0, done
    return database


async def test_the_previous_release_runs_on_while_its_database_is_migrated(
    released: TestDatabase, previous_tree: Path, tenant: Tenant, tmp_path: Path
) -> None:
    with running_server(released, tmp_path, source=previous_tree) as old:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=old.url, timeout=30) as http:
            before = await tenant.session(http, metadata={"room": "blue"})
            assert await migrate.pending(released.owner_url)
            await migrate.migrate(released.owner_url, service_role="greenroom")
            assert (await http.get("/readyz")).status_code == 200
            changed = await tenant.patch(http, before, {"title": "Knees"}, If_Match='"1.0.0.0"')
            assert changed.status_code == 200, changed.text
            over = await tenant.ended(http)
    assert greenroom(None, "check", released).returncode == 0
    with running_server(released, tmp_path) as new:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=new.url, timeout=30) as http:
            for session in (changed.json(), over):
                read = await http.get(f"/v1/sessions/{session['id']}", headers=tenant.bearer())
                assert read.json() == session


async def test_todays_process_is_not_ready_on_the_previous_releases_schema(released: TestDatabase, tmp_path: Path) -> None:
    """So that no load balancer sends it requests before the migrations ran."""
    with pytest.raises(AssertionError, match="did not start"), running_server(released, tmp_path):
        pass
