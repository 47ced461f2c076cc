"""Lists of sessions: rows to list, planted many at a time, and the pages that the service makes of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from msgspec import Struct

from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId, new_id
from tests.planted import hold_together
from tests.postgres import Owner
from tests.server import SECRET_KEY
from tests.tenant import Json, Tenant

SESSIONS = "/v1/live/sessions"
NOON = datetime(2031, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MOST_PAGES = 200  # of any list that a test walks through

# As POST makes it, with its audit row and its event; the fields that POST does not take are set afterwards.
CREATED = """
select create_session_v1($1, id, host, title, kind, scheduled_at::timestamptz, 100, metadata,
    host, 'test', 'planted', gen_random_uuid(), null, null, null)
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
    as p (id, host, title, kind, scheduled_at, metadata)
"""
COMPLETED = """
update sessions s set community_slug = p.community, category = p.category, status = p.status,
    started_at = case when p.status in ('live', 'ended') then now() end, ended_at = case when p.status = 'ended' then now() end
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as p (id, community, category, status)
where s.brand_id = $1 and s.id = p.id
"""
REGISTERED = """
with seat as (
    insert into registrations (brand_id, id, session_id, user_id, status, position, capacity_at_admission, registered_at,
                               cancelled_at)
    values ($1, $2, $3, $4, $5, 1, 100, now(), case when $5 = 'cancelled' then now() end)
)
update sessions set registered_count = registered_count + 1 where brand_id = $1 and id = $3 and $5 = 'registered'
"""


class Planted(Struct, frozen=True, kw_only=True):
    """A session as a row."""

    id: UUID
    at: datetime = NOON
    host: str = "host_1"
    title: str = "Ask the physiotherapist"
    kind: str = "live"
    community: str | None = None
    category: str | None = None
    status: str = "scheduled"
    metadata: str = "{}"


def session_at(at: datetime = NOON, /, **fields: str | None) -> Planted:
    """One to plant, at this time."""
    return Planted(id=new_id(), at=at, **fields)  # type: ignore[arg-type]  # its texts by their names


def minutes(count: int) -> list[Planted]:
    """So many sessions, a minute apart."""
    return [session_at(NOON + number * MINUTE) for number in range(count)]


async def plant(owner: Owner, tenant: Tenant, *sessions: Planted) -> list[str]:
    """Insert them; answers their ids in this order."""
    at = [one.at.isoformat() for one in sessions]  # the driver takes the first instant of year 1 for -infinity
    ids = [one.id for one in sessions]
    await owner.fetch(
        CREATED, tenant.brand, ids, [one.host for one in sessions], [one.title for one in sessions],
        [one.kind for one in sessions], at, [one.metadata for one in sessions],
    )  # fmt: skip
    await owner.execute(
        COMPLETED, tenant.brand, ids, [one.community for one in sessions], [one.category for one in sessions],
        [one.status for one in sessions],
    )  # fmt: skip
    return [str(one.id) for one in sessions]


async def register(owner: Owner, tenant: Tenant, session_id: str, user: str, *, status: str = "registered") -> None:
    """A registration, as the operation of a later release will write it."""
    await owner.execute(REGISTERED, tenant.brand, uuid4(), UUID(session_id), user, status)
    await hold_together(owner, tenant.brand)


async def page(http: httpx.AsyncClient, headers: dict[str, str], **parameters: str | int) -> Json:
    """One page."""
    response = await http.get(SESSIONS, params=parameters, headers=headers)
    assert response.status_code == 200, response.text
    read: Json = response.json()
    return read


async def listed(http: httpx.AsyncClient, tenant: Tenant, **parameters: str | int) -> list[str]:
    """The ids on the first page."""
    return ids_of(await page(http, tenant.bearer(), **parameters))


async def walked(http: httpx.AsyncClient, headers: dict[str, str], **parameters: str | int) -> list[list[str]]:
    """The ids on every page, from cursor to cursor."""
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while not pages or cursor:
        read = await page(http, headers, **parameters, **cursor)
        pages.append(ids_of(read))
        assert len(pages) < MOST_PAGES, "a list that does not end"
        cursor = {} if read["next_cursor"] is None else {"cursor": read["next_cursor"]}
    return pages


def ids_of(read: Json) -> list[str]:
    """The ids of a page's sessions, in its order."""
    return [session["id"] for session in read["sessions"]]


def in_order(sessions: Sequence[Planted]) -> list[str]:
    """Their ids as a list must show them."""
    return [str(one.id) for one in sorted(sessions, key=lambda one: (one.at, one.id))]


def operator(*, scope: str = "admin:*") -> dict[str, str]:
    """The headers of a token that names no brand."""
    grant = new_grant(user=UserId("operator"), brand=None, scope=scope, client=ClientId("test"), lifetime=timedelta(hours=1))
    return {"Authorization": f"Bearer {Signer([SECRET_KEY]).sign(grant)}"}


def another_brand() -> Tenant:
    """A brand that no other test knows, beside the test's own."""
    return Tenant(BrandId(f"brand-{uuid4().hex[:12]}"))
