"""Looking for people in a session: a search looks through so many at once, and goes on after them."""

import httpx
import pytest

from greenroom.identity.caller import Caller
from greenroom.kit.database import Database
from greenroom.kit.errors import Forbidden, NotFound, ValidationFailed
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.registrations import listing
from greenroom.registrations.links import Tickets
from greenroom.registrations.listing import People, Sought
from greenroom.registrations.service import Registrations
from tests.registrations.people import room
from tests.server import SECRET_KEY
from tests.tenant import Tenant


@pytest.fixture
async def there(db: Database) -> Registrations:
    return Registrations(db, Cursors([SECRET_KEY]), Tickets([SECRET_KEY]), public_url=None)


def caller(brand: BrandId, user: str = "host_1") -> Caller:
    return Caller(user=UserId(user), client=ClientId("test"), brand=brand, scopes=frozenset())


def found(people: People) -> list[tuple[str, int | None]]:
    return [(one.registration.user_id, one.waitlist_position) for one in people.people]


async def test_a_search_goes_on_after_those_that_it_looked_through(
    http: httpx.AsyncClient, tenant: Tenant, there: Registrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LOOKED_THROUGH", 3)
    open_room = await room(http, tenant, seats=1)
    await open_room.enter("a1", "a2", "a3", "a4", "a5", "zoe", "a7")
    host, id_ = caller(tenant.brand), open_room.session["id"]
    pages = [await listing.people(there, host, id_, Sought(text="ZOE"))]
    while (cursor := pages[-1].next_cursor) is not None:
        pages.append(await listing.people(there, host, id_, Sought(text="ZOE", cursor=cursor)))
    assert [found(page) for page in pages] == [[], [("zoe", 5)], []]
    assert {(page.counts.registered, page.counts.waitlist) for page in pages} == {(1, 6)}


async def test_without_a_text_nobody_is_looked_past(
    http: httpx.AsyncClient, tenant: Tenant, there: Registrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LOOKED_THROUGH", 1)
    open_room = await room(http, tenant, seats=1)
    await open_room.enter("a1", "a2", "a3")
    page = await listing.people(there, caller(tenant.brand), open_room.session["id"], Sought())
    assert (found(page), page.next_cursor) == ([("a1", None), ("a2", 1), ("a3", 2)], None)


async def test_a_search_goes_on_only_for_the_same_text(http: httpx.AsyncClient, tenant: Tenant, there: Registrations) -> None:
    open_room = await room(http, tenant)
    await open_room.enter("a1", "a2")
    host, id_ = caller(tenant.brand), open_room.session["id"]
    cursor = (await listing.people(there, host, id_, Sought(text="a", limit=1))).next_cursor
    assert cursor is not None
    assert found(await listing.people(there, host, id_, Sought(text="a", cursor=cursor))) == [("a2", None)]
    for other in (Sought(cursor=cursor), Sought(text="b", cursor=cursor), Sought(text="a", status="waitlist", cursor=cursor)):
        with pytest.raises(ValidationFailed):
            await listing.people(there, host, id_, other)


@pytest.mark.parametrize("text", ["", "x" * 255, "a\0"])
async def test_a_text_that_nobody_can_have_is_refused(tenant: Tenant, there: Registrations, text: str) -> None:
    with pytest.raises(ValidationFailed):
        await listing.people(there, caller(tenant.brand), "0" * 8, Sought(text=text))


async def test_who_does_not_host_is_refused_and_another_brand_finds_nothing(
    http: httpx.AsyncClient, tenant: Tenant, there: Registrations
) -> None:
    open_room = await room(http, tenant)
    await open_room.enter("a1")
    id_ = open_room.session["id"]
    with pytest.raises(Forbidden):
        await listing.people(there, caller(tenant.brand, "a1"), id_, Sought(text="a"))
    with pytest.raises(NotFound):
        await listing.people(there, caller(BrandId("another")), id_, Sought(text="a"))
