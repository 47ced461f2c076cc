"""The plans of attendance, on a database large enough for the planner to choose as in production."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import asyncpg
import pytest

from greenroom.attendance import queries
from greenroom.identity.caller import Caller
from greenroom.kit.ids import ClientId, SessionId, UserId, new_id
from tests.plans import MODES, Statement, plan_of, sent_by
from tests.postgres import Cluster, Owner, TestDatabase, big_database
from tests.registrations.big import BRAND, HUGE, SMALL, fill

BIG = {"sessions", "registrations", "connections", "recordings", "calls"}
OF_SMALL = 5

CALLS = """
insert into calls (brand_id, id, session_id, provider, call_type, records, made_at, started_at, created_at, updated_at)
select brand_id, id, id, 'getstream', 'default', true, now(), now(), now(), now() from sessions;
insert into connections (brand_id, call_id, id, user_id, joined_at, left_at)
select brand_id, session_id, id::text, user_id, now() - interval '1 hour', now() from registrations where status = 'registered';
insert into recordings (brand_id, call_id, id, state) select brand_id, id, 'one', 'processing' from calls;
"""
REMOVE = "select (remove_participant_v1($1, $2, $3, 'host_1', true, 'test', 'test', $4)).outcome"
SCANNED = "select seq_scan from pg_stat_xact_user_tables where relname = 'registrations'"


async def statements(session: SessionId, *, user: str = "host_1") -> dict[str, Statement]:
    by = Caller(user=UserId(user), client=ClientId("test"), brand=BRAND, scopes=frozenset())
    return {
        "a page": await sent_by(partial(queries.page, brand=BRAND, session=session, by=by, after="", rows=101)),
        "a crowd": await sent_by(partial(queries.crowd, brand=BRAND, session=session, by=by, most=500)),
        "recordings": await sent_by(partial(queries.recordings, brand=BRAND, session=session, user=by.user)),
    }


async def filled(database: TestDatabase) -> None:
    await fill(database)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(CALLS)
    for table in ("calls", "connections", "recordings"):
        await owner.execute(f"vacuum (analyze) {table}")
    await owner.close()


@pytest.fixture(scope="module")
def big(cluster: Cluster) -> Iterator[TestDatabase]:
    with big_database(cluster, filled) as database:
        yield database


@pytest.fixture
async def planner(big: TestDatabase) -> AsyncIterator[Owner]:
    """A connection that keeps no statements of its own."""
    connection = await asyncpg.connect(big.owner_url, statement_cache_size=0, server_settings={"jit": "off"})
    yield connection
    await connection.close()


per_mode = pytest.mark.parametrize("mode", MODES)


@per_mode
@pytest.mark.parametrize("session", [HUGE, SMALL], ids=["huge", "small"])
async def test_no_big_table_is_read_from_one_end_to_the_other(planner: Owner, mode: str, session: SessionId) -> None:
    plans = {name: await plan_of(planner, sent, mode=mode) for name, sent in (await statements(session)).items()}
    others = BIG - {"connections"} if session == HUGE else BIG  # of which a third is of this very session
    assert {name: plan.read_whole & others for name, plan in plans.items() if plan.read_whole & others} == {}
    assert plans["a page"].rows_read("registrations") > 0


@per_mode
async def test_a_small_session_reads_its_own_rows_alone(planner: Owner, mode: str) -> None:
    plans = {name: await plan_of(planner, sent, mode=mode) for name, sent in (await statements(SMALL)).items()}
    read = {(name, table): plan.rows_read(table) for name, plan in plans.items() for table in BIG}
    assert {one: rows for one, rows in read.items() if rows > OF_SMALL} == {}


@per_mode
async def test_who_may_not_see_it_makes_the_database_read_none_of_it(planner: Owner, mode: str) -> None:
    sent = await statements(HUGE, user="somebody")
    for name in ("a page", "a crowd"):
        plan = await plan_of(planner, sent[name], mode=mode)
        assert (name, plan.rows_read("registrations"), plan.rows_read("connections")) == (name, 0, 0)


@pytest.mark.parametrize("target", ["patient_100", "patient_20001", "patient_90000", "nobody"])
async def test_a_person_is_removed_by_key(planner: Owner, target: str) -> None:
    transaction = planner.transaction()
    await transaction.start()
    await planner.fetchval(REMOVE, BRAND, HUGE, target, new_id())
    scanned = await planner.fetchval(SCANNED)
    await transaction.rollback()
    assert scanned == 0
