"""Lists that come at the same moment share a round trip, and each is answered as if it were alone."""

import asyncio
from itertools import product
from uuid import UUID

import httpx
import pytest

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.sessions import queries
from greenroom.sessions.listing import is_quick, listing_of
from greenroom.sessions.queries import Listing
from greenroom.sessions.schemas import SessionFilters
from tests.postgres import Owner
from tests.server import SECRET_KEY
from tests.sessions.lists import NOON, SESSIONS, plant, register, session_at
from tests.tenant import Tenant

FILTERS = (
    SessionFilters(),
    SessionFilters(host_id="ann"),
    SessionFilters(host_id="bob"),
    SessionFilters(status="scheduled"),
    SessionFilters(upcoming="1"),
    SessionFilters(upcoming="1", category="talk"),
    SessionFilters(community_id="knees"),
    SessionFilters(kind="live", host_id="ann", community_id="knees", category="talk", status="scheduled"),
)


def wanted(filters: SessionFilters, brand: str, user: str, rows: int) -> Listing:
    caller = Caller(user=UserId(user), client=ClientId("test"), brand=BrandId(brand), scopes=frozenset())
    found = listing_of(filters, caller, Cursors([SECRET_KEY]), now=NOON)
    return Listing(**{name: getattr(found, name) for name in found.__struct_fields__ if name != "rows"}, rows=rows)


async def plant_two_brands(owner: Owner, tenant: Tenant) -> list[str]:
    other = Tenant(BrandId(f"{tenant.brand}-other"))
    for brand in (tenant, other):
        planted = await plant(
            owner,
            brand,
            *(
                session_at(NOON, host=host, category="talk", community=community)
                for host, community in product(("ann", "bob"), ("knees", "backs"))
            ),
        )
        await register(owner, brand, planted[0], "reader_1")
    return [tenant.brand, other.brand]


async def test_each_is_answered_as_if_it_were_alone(db: Database, owner: Owner, tenant: Tenant) -> None:
    brands = await plant_two_brands(owner, tenant)
    asked = [wanted(*one) for one in product(FILTERS, brands, ("reader_1", "reader_2"), (2, 21))]
    together = await queries.pages(db, asked)
    assert together == [await queries.page(db, it) for it in asked]
    assert len({tuple(kept.id for kept in page) for page in together}) > len(FILTERS)


async def test_callers_at_the_same_moment_see_their_own(http: httpx.AsyncClient, owner: Owner, tenant: Tenant) -> None:
    brands = await plant_two_brands(owner, tenant)

    async def seen(brand: str, user: str) -> tuple[set[str], int]:
        response = await http.get(SESSIONS, headers=Tenant(BrandId(brand)).bearer(user))
        listed = response.json()["sessions"]
        return {one["brand_id"] for one in listed}, sum(one["is_registered"] for one in listed)

    who = [(brand, user) for brand, user in product(brands, ("reader_1", "reader_2"))] * 8
    answers = await asyncio.gather(*(seen(*one) for one in who))
    assert answers == [({brand}, int(user == "reader_1")) for brand, user in who]


@pytest.mark.parametrize(("filters", "quick"), [
    (SessionFilters(), True), (SessionFilters(status="live"), True), (SessionFilters(upcoming="1"), True),
    (SessionFilters(host_id="ann"), True), (SessionFilters(upcoming="1", host_id="ann"), True),
    (SessionFilters(status="scheduled", host_id="ann"), False), (SessionFilters(kind="live"), False),
    (SessionFilters(host_id="ann", category="talk"), False),
])  # fmt: skip
def test_a_list_that_may_take_long_goes_alone(filters: SessionFilters, quick: bool) -> None:
    assert is_quick(filters) is quick


async def test_no_lists_are_none(db: Database) -> None:
    assert await queries.pages(db, []) == []


def test_the_first_position_is_before_every_session() -> None:
    assert wanted(SessionFilters(), "acme", "reader_1", 21).after_id == UUID(int=0)
