"""The plans of calendars, on a database large enough for the planner to choose as in production: no statement reads a big table
from one end to the other, and each reads little more than it shows."""

from collections.abc import Iterator
from functools import partial
from hashlib import md5
from typing import Final
from uuid import UUID

import asyncpg
import pytest

from greenroom.calendar import queries
from greenroom.calendar.queries import MOST_ENTRIES, Holder
from greenroom.kit.ids import BrandId, SessionId, UserId
from tests.plans import MODES, Statement, plan_of, sent_by
from tests.postgres import Cluster, Owner, TestDatabase, big_database
from tests.sessions.big import LARGE_BRAND, READER, SMALL_BRAND, fill

BIG: Final = {"sessions", "registrations"}
HOST: Final = UserId("host_3")
CO_HOST, LEAVER, NOBODY = UserId("co_host"), UserId("bob"), UserId("nobody")
ONE_IN: Final = 500  # of all sessions are co-hosted by CO_HOST, and as many more by somebody else
TICKETS: Final = 50_000

CO_HOSTED: Final = f"""
update sessions set co_host_ids = case when n % {ONE_IN} = 0 then array['{CO_HOST}'] else array['other_' || n % 7, 'x'] end
from (select id, row_number() over (order by brand_id, id) as n from sessions) s
where s.id = sessions.id and n % {ONE_IN} in (0, 1);
insert into calendar_feeds (brand_id, user_id, id, ticket_hash, created_at)
select 'brand-' || n % 7, 'user_' || n, gen_random_uuid(), sha256(n::text::bytea), now() from generate_series(1, {TICKETS}) n;
"""  # noqa: S608  # names and numbers of ours
OF_PERSON: Final = "select count(*) from registrations where brand_id = $1 and user_id = $2"
CO_HOSTED_BY: Final = "select count(*) from sessions where brand_id = $1 and $2 = any (co_host_ids)"

per_mode = pytest.mark.parametrize("mode", MODES)
per_brand = pytest.mark.parametrize("brand", [BrandId(LARGE_BRAND), BrandId(SMALL_BRAND)])
per_person = pytest.mark.parametrize("user", [UserId(READER), HOST, CO_HOST, LEAVER, NOBODY])


@pytest.fixture(scope="module")
def big(cluster: Cluster) -> Iterator[TestDatabase]:
    with big_database(cluster, filled) as database:
        yield database


async def filled(database: TestDatabase) -> None:
    await fill(database)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(CO_HOSTED)
    for table in ("sessions", "calendar_feeds"):
        await owner.execute(f"vacuum (analyze) {table}")
    await owner.close()


async def statements(brand: BrandId, user: UserId) -> dict[str, Statement]:
    """What a feed asks."""
    holder = Holder(brand, user)
    return {
        "feed": await sent_by(partial(queries.feed, it=holder)),
        "digest": await sent_by(partial(queries.digest, it=holder)),
    }


@per_mode
@per_brand
@per_person
async def test_a_feed_reads_what_concerns_the_person(planner: Owner, mode: str, brand: BrandId, user: UserId) -> None:
    registered = await planner.fetchval(OF_PERSON, brand, user)
    co_hosted = await planner.fetchval(CO_HOSTED_BY, brand, user)
    for name, statement in (await statements(brand, user)).items():
        plan = await plan_of(planner, statement, mode=mode)
        assert plan.read_whole & BIG == set()
        shown = MOST_ENTRIES * (2 if name == "feed" else 1)  # for their state, and for what they say
        assert plan.rows_read("registrations") <= registered + shown
        assert plan.rows_read("sessions") <= registered + co_hosted + 2 * MOST_ENTRIES + shown


@per_mode
@per_brand
@pytest.mark.parametrize("user", [UserId(READER), NOBODY])
async def test_an_entry_reads_its_rows(planner: Owner, mode: str, brand: BrandId, user: UserId) -> None:
    number = 20 if brand == LARGE_BRAND else 30
    session = SessionId(UUID(md5(f"session {number}".encode(), usedforsecurity=False).hexdigest()))
    statement = await sent_by(partial(queries.entry, brand=brand, session=session, user=user))
    plan = await plan_of(planner, statement, mode=mode)
    assert plan.read_whole & BIG == set()
    assert plan.rows_read("sessions") <= 1
    assert plan.rows_read("registrations") <= 2


@per_mode
async def test_a_ticket_is_found_by_its_hash(planner: Owner, mode: str) -> None:
    asked = Statement("select brand_id, user_id from calendar_feeds where ticket_hash = sha256('77')", ())
    plan = await plan_of(planner, asked, mode=mode)
    assert (plan.read_whole, plan.rows_read("calendar_feeds")) == (set(), 1)
    sent = await sent_by(partial(queries.holder_any_brand, ticket_hash=b""))
    assert sent.sql.split("$1")[0] == asked.sql.split("sha256")[0]


@per_mode
@pytest.mark.parametrize(("index", "user"), [
    ("sessions_by_host", HOST), ("sessions_by_co_host", CO_HOST), ("registrations_one_active_per_person", UserId(READER)),
])  # fmt: skip
async def test_without_its_index_a_feed_reads_more(remaker: Owner, mode: str, index: str, user: UserId) -> None:
    """The negative control: what these tests measure is what the indexes do."""
    table = "registrations" if index.startswith("registrations") else "sessions"
    statement = (await statements(BrandId(LARGE_BRAND), user))["digest"]
    before = (await plan_of(remaker, statement, mode=mode)).rows_read(table)
    await remaker.execute(f"drop index {index}")
    assert before < (await plan_of(remaker, statement, mode=mode)).rows_read(table)
