"""The plans of the lists, on a database large enough for the planner to choose as in production: a page reads little more than
it shows, whatever else there is.
"""

from collections.abc import Iterator
from functools import partial
from hashlib import md5
from typing import Final
from uuid import UUID

import asyncpg
import pytest

from greenroom.kit.ids import BrandId
from greenroom.webhooks import queries
from greenroom.webhooks.listing import LATEST
from greenroom.webhooks.schemas import DeliveryState
from tests.plans import MODES, plan_of, sent_by
from tests.postgres import Cluster, Owner, TestDatabase, big_database

BRANDS: Final = 50
ENDPOINTS: Final = 10_000  # a tenth of them were deleted
DELIVERIES: Final = 200_000
BUSY: Final = UUID(md5(b"endpoint 1", usedforsecurity=False).hexdigest())  # half of all deliveries are its own
BRAND: Final = BrandId("brand-1")
PAGE: Final = 51

SEED: Final = f"""
insert into webhook_endpoints (brand_id, id, url, events, status, secret, since_position, created_at, updated_at)
select 'brand-' || n % {BRANDS}, md5('endpoint ' || n)::uuid, 'https://app.example.com/' || n, '{{*}}',
    case when n % 10 = 3 then 'deleted' else 'enabled' end, 'secret', 0, now(), now()
from generate_series(1, {ENDPOINTS}) n;

insert into webhook_deliveries (brand_id, id, endpoint_id, event_id, position, name, state, next_at, created_at)
select 'brand-' || e % {BRANDS}, gen_random_uuid(), md5('endpoint ' || e)::uuid, gen_random_uuid(), n,
    'live.session.updated.v1', state, case when state = 'pending' then now() end, now()
from generate_series(1, {DELIVERIES}) n
cross join lateral (select case when n % 2 = 0 then 1 else n % {ENDPOINTS} + 1 end as e,
    case when n % 5000 = 0 then 'failed' when n % 100 = 2 then 'pending' else 'delivered' end as state) a;

vacuum (analyze) webhook_endpoints, webhook_deliveries;
"""  # noqa: S608  # names and numbers of ours

per_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def big(cluster: Cluster) -> Iterator[TestDatabase]:
    with big_database(cluster, filled) as database:
        yield database


async def filled(database: TestDatabase) -> None:
    owner = await asyncpg.connect(database.owner_url)
    for statement in SEED.strip().split(";\n"):
        await owner.execute(statement)
    await owner.close()


@per_mode
async def test_a_page_of_endpoints_reads_what_it_shows(planner: Owner, mode: str) -> None:
    statement = await sent_by(partial(queries.endpoints, brand=BRAND, after=UUID(int=0), most=PAGE))
    plan = await plan_of(planner, statement, mode=mode)
    assert (plan.read_whole, plan.sorts) == (set(), False)
    assert plan.rows_read("webhook_endpoints") <= PAGE * 1.25  # those that were deleted are looked at


@per_mode
@pytest.mark.parametrize("before", [LATEST, DELIVERIES // 2])
@pytest.mark.parametrize("state", [None, "pending", "delivered", "failed"])
async def test_a_page_of_deliveries_reads_what_it_shows(
    planner: Owner, mode: str, before: int, state: DeliveryState | None
) -> None:
    statement = await sent_by(partial(queries.deliveries, brand=BRAND, id=BUSY, state=state, before=before, most=PAGE))
    plan = await plan_of(planner, statement, mode=mode)
    assert (plan.read_whole, plan.sorts) == (set(), False)
    assert plan.rows_read("webhook_endpoints") == 1
    assert plan.rows_read("webhook_deliveries") <= PAGE * 1.25  # where nearly all are in that state, others are looked at


@per_mode
async def test_without_its_index_a_page_of_a_rare_state_reads_more(remaker: Owner, mode: str) -> None:
    """The negative control: what these tests measure is what the index does."""
    await remaker.execute("drop index webhook_deliveries_by_state")
    statement = await sent_by(partial(queries.deliveries, brand=BRAND, id=BUSY, state="failed", before=LATEST, most=PAGE))
    assert (await plan_of(remaker, statement, mode=mode)).rows_read("webhook_deliveries") > PAGE
