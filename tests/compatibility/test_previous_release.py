"""The previous release alone on today's schema: all that it could do, it still can."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from greenroom.kit import migrate
from tests.compatibility.releases import MISSED_BY_THE_PREVIOUS, Both, broken_promises, greenroom, run
from tests.compatibility.shape import shape_of
from tests.compatibility.today import leave_traces_of_everything
from tests.contract.schemas import OURS
from tests.server import AUTHORITIES
from tests.tenant import Tenant

MERGE_PATCH = "application/merge-patch+json"


@pytest.fixture
async def old(both: Both) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=both.old.url, timeout=30) as client:
        yield client


async def test_it_is_the_previous_releases_code_that_runs(both: Both, old: httpx.AsyncClient) -> None:
    """Else everything here would hold, and mean nothing."""
    where = run(both.tree, ["-c", "import greenroom; print(greenroom.__file__)"], both.database)
    assert where.stdout.startswith(str(both.tree)), where
    served = (await old.get("/openapi.json")).json()
    assert served == json.loads((both.tree / "docs" / "openapi.json").read_text())
    assert served != OURS


def test_the_schema_is_ahead_of_it(both: Both) -> None:
    released = {path.stem for path in (both.tree / "greenroom" / "migrations").glob("*.sql")}
    assert released < set(migrate.shipped())


async def test_it_is_ready(old: httpx.AsyncClient) -> None:
    assert (await old.get("/readyz")).json() == {"status": "ready"}


async def test_it_creates_and_reads(old: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await tenant.session(old, metadata={"room": "blue"}, kind="office_hours")
    response = await old.get(f"/v1/sessions/{created['id']}", headers=tenant.bearer())
    assert response.json() == created
    again = await old.get(f"/v1/sessions/{created['id']}", headers=tenant.bearer(If_None_Match=response.headers["etag"]))
    assert again.status_code == 304


async def test_it_changes_by_either_media_type(old: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(old, metadata={"room": "blue", "floor": 1})
    replaced = await tenant.patch(old, session, {"title": "Knees", "max_participants": 7, "metadata": {"room": "red"}})
    assert replaced.json().items() >= {"title": "Knees", "max_participants": 7, "metadata": {"room": "red"}}.items()
    merged = await tenant.patch(old, session, {"metadata": {"floor": 2, "room": None}}, Content_Type=MERGE_PATCH)
    assert merged.json()["metadata"] == {"floor": 2}
    moved = await tenant.patch(old, session, {"scheduled_at": "2027-05-01T09:00:00Z", "kind": "office_hours"})
    assert moved.json().items() >= {"scheduled_at": "2027-05-01T09:00:00.000Z", "kind": "office_hours"}.items()


async def test_it_starts_ends_and_cancels(old: httpx.AsyncClient, tenant: Tenant) -> None:
    held = await tenant.ended(old)
    assert (held["status"], held["started_at"] is None, held["ended_at"] is None) == ("ended", False, False)
    called_off = await tenant.step(old, await tenant.session(old), "cancel")
    assert called_off.json()["status"] == "cancelled"
    assert (await tenant.step(old, held, "start")).status_code == 412


async def test_it_repeats_an_answer_to_the_same_key(old: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = tenant.bearer(Idempotency_Key="k")
    first, second = [await old.post("/v1/sessions", json=tenant.wanted(), headers=headers) for _ in range(2)]
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json() == first.json()
    other = await old.post("/v1/sessions", json=tenant.wanted(title="Other"), headers=headers)
    assert other.json()["error"] == "idempotency_key_payload_mismatch"


async def test_it_refuses_what_it_refused(old: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(old)
    assert (await tenant.patch(old, session, {"title": "x"}, user="another")).status_code == 403
    assert (await tenant.patch(old, session, {"title": "x"}, If_Match='"7.0.0.0"')).status_code == 412
    assert (await tenant.patch(old, session, {"title": ""})).status_code == 400


async def test_its_migrate_finds_nothing_to_do_and_changes_nothing(both: Both) -> None:
    before = await shape_of(both.database)
    done = greenroom(both.tree, "migrate", both.database)
    assert done.returncode == 0, done
    assert await shape_of(both.database) == before
    assert greenroom(None, "check", both.database).returncode == 0


async def test_its_check_finds_todays_rows_consistent(both: Both, tenant: Tenant) -> None:
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=both.new.url, timeout=30) as new:
        await leave_traces_of_everything(new, tenant)
    assert broken_promises(both.tree, both.database) <= MISSED_BY_THE_PREVIOUS


async def test_todays_check_finds_its_rows_consistent(both: Both, old: httpx.AsyncClient, tenant: Tenant) -> None:
    session = await tenant.session(old)
    await tenant.patch(old, session, {"title": "x", "metadata": {"a": 1}})
    await tenant.step(old, session, "cancel")
    await tenant.ended(old)
    assert broken_promises(None, both.database) == set()
