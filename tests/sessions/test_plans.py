"""The plans of every list, on a database large enough for the planner to choose as in production: no list reads a big table
from one end to the other, and each reads little more than it shows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Struct

from greenroom.administration import queries as administration
from greenroom.administration.schemas import AdminFilters
from greenroom.administration.service import listing_of as admin_listing_of
from greenroom.identity.caller import Caller
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.kit.wire import Month, PageLimit
from greenroom.sessions import queries
from greenroom.sessions.listing import EPOCH, MICROSECOND, POSITION, is_quick, listing_of, named
from greenroom.sessions.queries import Listing
from greenroom.sessions.schemas import Kind, SessionFilters, Status
from tests.plans import MODES, Statement, plan_of, sent_by
from tests.postgres import Cluster, Owner, TestDatabase, big_database
from tests.sessions.big import BRANDS, LARGE_BRAND, READER, SMALL_BRAND, fill

BIG = {"sessions", "registrations"}
PAGE = PageLimit.USUAL + 1  # rows that are asked for
LITTLE = 5 * PAGE
TOGETHER = 3

NOW = datetime.now(UTC)
A_MONTH = Month((NOW - timedelta(days=180)).strftime("%Y-%m"))
DEEP = POSITION.pack((NOW + timedelta(days=200) - EPOCH) // MICROSECOND, bytes(16))
CURSORS = Cursors(["a key of this test alone"])

HOSTS, COMMUNITIES, CATEGORIES = ("host_3", UNSET), ("community_4", UNSET), ("category_2", UNSET)
KINDS: tuple[Kind | msgspec.UnsetType, ...] = ("office_hours", UNSET)
STATUSES: tuple[Status | msgspec.UnsetType, ...] = ("scheduled", "live", "ended", "cancelled", UNSET)
TIMES: tuple[dict[str, Any], ...] = ({}, {"upcoming": "true"}, {"month": A_MONTH}, {"cursor": "deep"})

# How many sessions an index leads to, by the filter of a Listing.
NARROWED = {"host": "host_id", "community": "community_slug", "category": "category"}


class Asked(Struct, frozen=True):
    """A list: the filters that are sent, the rows that they ask for, and the statement that asks."""

    name: str
    filters: SessionFilters
    listing: Listing
    statement: Statement

    @property
    def is_simple(self) -> bool:
        """Whether one index gives all of it: one filter, or upcoming and another one; and not the kind, which has none."""
        narrowing = sum(getattr(self.listing, field) is not None for field in NARROWED)
        is_upcoming = self.listing.statuses == ("scheduled",) and self.listing.after == NOW
        return self.listing.kind is None and narrowing + len(self.listing.statuses) - is_upcoming <= 1


def reader(brand: str | None) -> Caller:
    known = None if brand is None else BrandId(brand)
    return Caller(user=UserId(READER), client=ClientId("test"), brand=known, scopes=frozenset())


async def session_lists(brand: str | None) -> list[Asked]:
    """Every list of GET /v1/live/sessions: each filter there or not; at any time, to come, in a month, deep in the pages."""
    query = queries.page_any_brand if brand is None else queries.page
    asked = []
    for host, community, category, kind, status, time in product(HOSTS, COMMUNITIES, CATEGORIES, KINDS, STATUSES, TIMES):
        filters = SessionFilters(host_id=host, community_id=community, category=category, kind=kind, status=status, **time)
        name = str(msgspec.to_builtins(filters, enc_hook=str))
        if filters.cursor == "deep":
            cursor = CURSORS.seal(DEEP, of=named(filters, reader(brand).brand))
            filters = msgspec.structs.replace(filters, cursor=cursor)
        listing = listing_of(filters, reader(brand), CURSORS, now=NOW)
        asked.append(Asked(name, filters, listing, await sent_by(partial(query, it=listing))))
    return asked


async def admin_lists(brand: str | None) -> dict[str, Statement]:
    """Every list of GET /v1/admin/sessions."""
    query = administration.page_any_brand if brand is None else administration.page
    return {
        f"admin {status} {kind}": await sent_by(
            partial(query, it=admin_listing_of(AdminFilters(status=status, kind=kind), reader(brand), CURSORS))
        )
        for status, kind in product(STATUSES, KINDS)
    }


async def every_statement(brand: str | None) -> dict[str, Statement]:
    """All lists. A new one is added here."""
    return {**{one.name: one.statement for one in await session_lists(brand)}, **await admin_lists(brand)}


@pytest.fixture(scope="module")
def big(cluster: Cluster) -> Iterator[TestDatabase]:
    with big_database(cluster, fill) as database:
        yield database


per_mode = pytest.mark.parametrize("mode", MODES)
per_brand = pytest.mark.parametrize("brand", [LARGE_BRAND, SMALL_BRAND])


@per_mode
@pytest.mark.parametrize("brand", [LARGE_BRAND, SMALL_BRAND, None])
async def test_no_list_reads_a_big_table_from_one_end_to_the_other(planner: Owner, brand: str | None, mode: str) -> None:
    plans = {name: await plan_of(planner, sent, mode=mode, runs=False) for name, sent in (await every_statement(brand)).items()}
    assert {name: plan.read_whole & BIG for name, plan in plans.items() if plan.read_whole & BIG} == {}


@per_mode
@pytest.mark.parametrize(("brand", "brands"), [(LARGE_BRAND, 1), (SMALL_BRAND, 1), (None, BRANDS)])
async def test_of_the_registrations_a_list_reads_the_callers_own_of_the_sessions_shown(
    planner: Owner, mode: str, brand: str | None, brands: int
) -> None:
    too_many = {}
    for asked in await session_lists(brand):
        plan = await plan_of(planner, asked.statement, mode=mode)
        if plan.rows_read("registrations") > PAGE * brands:
            too_many[asked.name] = plan.rows_read("registrations")
    assert too_many == {}


@per_mode
@per_brand
async def test_a_list_of_one_filter_reads_little_more_than_its_page(planner: Owner, brand: str, mode: str) -> None:
    simple = [asked for asked in await session_lists(brand) if asked.is_simple]
    read = {asked.name: (await plan_of(planner, asked.statement, mode=mode)).rows_read("sessions") for asked in simple}
    assert len(simple) > len(TIMES) * len(NARROWED)
    assert {name: rows for name, rows in read.items() if rows > LITTLE} == {}


@per_mode
@per_brand
async def test_a_list_of_several_filters_reads_no_more_than_one_of_them_leaves(planner: Owner, brand: str, mode: str) -> None:
    sizes = Sizes(planner, brand)
    too_many = {}
    for asked in await session_lists(brand):
        read = (await plan_of(planner, asked.statement, mode=mode)).rows_read("sessions")
        if read > LITTLE + await sizes.of_narrowest(asked.listing):
            too_many[asked.name] = read
    assert too_many == {}


@per_mode
@per_brand
async def test_lists_that_share_a_round_trip_read_little_more_than_a_page_each(planner: Owner, brand: str, mode: str) -> None:
    quick = [asked for asked in await session_lists(brand) if is_quick(asked.filters)]
    assert len(quick) > len(TIMES) * len(NARROWED)
    too_many = {}
    for asked in quick:
        together = await sent_by(partial(queries.pages, listings=[asked.listing] * TOGETHER))
        plan = await plan_of(planner, together, mode=mode)
        read = (plan.rows_read("sessions"), plan.rows_read("registrations"), plan.read_whole & BIG)
        if read[0] > TOGETHER * LITTLE or read[1] > TOGETHER * PAGE or read[2]:
            too_many[asked.name] = read
    assert too_many == {}


@per_mode
async def test_the_list_of_all_brands_reads_little_more_than_a_page_of_each(planner: Owner, mode: str) -> None:
    simple = [asked for asked in await session_lists(None) if asked.is_simple]
    read = {asked.name: (await plan_of(planner, asked.statement, mode=mode)).rows_read("sessions") for asked in simple}
    assert {name: rows for name, rows in read.items() if rows > BRANDS * LITTLE} == {}


@per_mode
async def test_an_admin_list_of_a_brand_without_filters_reads_its_page(planner: Owner, mode: str) -> None:
    plan = await plan_of(planner, (await admin_lists(LARGE_BRAND))[f"admin {UNSET} {UNSET}"], mode=mode)
    assert (plan.rows_read("sessions") <= PAGE, plan.sorts) == (True, False)


@per_mode
@pytest.mark.parametrize(("index", "filters"), [
    ("sessions_by_time", {}), ("sessions_by_time", {"month": A_MONTH}), ("sessions_by_host", {"host_id": "host_3"}),
    ("sessions_by_community", {"community_id": "community_4"}), ("sessions_by_category", {"category": "category_2"}),
    ("sessions_by_status", {"status": "live"}),
])  # fmt: skip
async def test_without_its_index_a_list_reads_more(remaker: Owner, mode: str, index: str, filters: dict[str, Any]) -> None:
    """The negative control: what these tests measure is what the indexes do."""
    listing = listing_of(SessionFilters(**filters), reader(LARGE_BRAND), CURSORS, now=NOW)
    statement = await sent_by(partial(queries.page, it=listing))
    before = (await plan_of(remaker, statement, mode=mode)).rows_read("sessions")
    await remaker.execute(f"drop index {index}")
    assert before <= LITTLE < (await plan_of(remaker, statement, mode=mode)).rows_read("sessions")


@per_mode
async def test_a_table_that_is_read_whole_is_noticed(planner: Owner, mode: str) -> None:
    plan = await plan_of(planner, Statement("select * from sessions where title = $1", ("x",)), mode=mode)
    assert (plan.read_whole, plan.rows_read("sessions") > LITTLE) == ({"sessions"}, True)


async def test_the_order_hangs_on_no_index(planner: Owner) -> None:
    listing = msgspec.structs.replace(listing_of(SessionFilters(), reader(LARGE_BRAND), CURSORS, now=NOW), rows=2000)
    statement = await sent_by(partial(queries.page, it=listing))
    by_index = await planner.fetch(statement.sql, *statement.arguments)
    for way in ("indexscan", "indexonlyscan", "bitmapscan"):
        await planner.execute(f"set enable_{way} = off")
    sorted_ = await planner.fetch(statement.sql, *statement.arguments)
    times = [row["scheduled_at"] for row in by_index]
    assert len(times) > len(set(times))  # where there are no ties there is nothing to see
    assert [row["id"] for row in sorted_] == [row["id"] for row in by_index]


class Sizes:
    """How many of a brand's sessions each filter alone leaves, at the list's times."""

    def __init__(self, connection: Owner, brand: str) -> None:
        self._connection = connection
        self._brand = brand
        self._known: dict[tuple[object, ...], int] = {}

    async def of_narrowest(self, listing: Listing) -> int:
        """The fewest that the list's host, community or category leaves; without them, its status; without that, its times.

        A status does not count beside them: the planner cannot know that nothing past is scheduled and nothing to come ended.
        """
        narrowing = {column: getattr(listing, field) for field, column in NARROWED.items()}
        conditions = [(column, value) for column, value in narrowing.items() if value is not None]
        if not conditions:
            conditions = [("status", status) for status in listing.statuses] or [("brand_id", self._brand)]
        return min([await self._size(listing, *condition) for condition in conditions])

    async def _size(self, listing: Listing, column: str, value: str) -> int:
        of = (listing.after, listing.before, column, value)
        if of not in self._known:
            self._known[of] = await self._connection.fetchval(
                f"select count(*) from sessions where brand_id = $1 and {column} = $2"  # noqa: S608  # a column of ours
                " and scheduled_at >= $3 and scheduled_at < $4",
                self._brand, value, listing.after or NOW - timedelta(days=9999), listing.before or NOW + timedelta(days=9999),
            )  # fmt: skip
        return self._known[of]
