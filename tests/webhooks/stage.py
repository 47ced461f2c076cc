"""Endpoints, and all of webhooks running in this process beside a database of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct

from greenroom.events.feed import Feed
from greenroom.events.relay import relay
from greenroom.identity.caller import Caller
from greenroom.identity.scopes import scopes_in
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, RequestId, UserId
from greenroom.kit.pagination import Cursors
from greenroom.webhooks import listing, planning, service
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.dialing import Resolve
from greenroom.webhooks.schemas import (
    DeliveryFilters,
    WebhookDelivery,
    WebhookEndpointPatch,
    WebhookEndpointRequest,
    WebhookEndpointWithSecret,
)
from greenroom.webhooks.sender import Sender
from greenroom.webhooks.service import Webhooks
from greenroom.webhooks.signing import SecretBox
from tests.faults.waiting import eventually
from tests.postgres import Owner, TestDatabase
from tests.server import SECRET_KEY

BRAND = BrandId("acme")
LOOPBACK = Reach.of(["127.0.0.1", "::1"])
REQUEST = RequestId("test")
UPDATED = "live.session.updated.v1"

WRITE = """
insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
select gen_random_uuid(), $1, $2, $3, n, now(),
    jsonb_build_object('session_id', $3::uuid, 'version', n, 'changed', '["title"]'::jsonb)
from generate_series(1, $4::integer) n order by n
"""
TOLD = "select not exists (select from outbox) and (select position from relay) > 0"


class Stage(Struct, frozen=True):
    """A database, and a brand that has endpoints in it."""

    database: TestDatabase
    db: Database
    owner: Owner
    box: SecretBox
    reach: Reach = LOOPBACK

    @property
    def webhooks(self) -> Webhooks:
        """What the operations need."""
        return Webhooks(self.db, Cursors([SECRET_KEY]), self.box, self.reach)

    async def endpoint(self, url: str, *, events: Sequence[str] = ("*",), brand: BrandId = BRAND) -> WebhookEndpointWithSecret:
        """A new one."""
        wanted = WebhookEndpointRequest(url=url, events=list(events))
        made = await service.create(self.webhooks, manager(brand), wanted, request_id=REQUEST, key=None)
        return made.endpoint

    async def patch(self, endpoint: WebhookEndpointWithSecret, patch: WebhookEndpointPatch) -> None:
        """Change it."""
        await service.change(self.webhooks, manager(), endpoint.id, patch, request_id=REQUEST)

    async def tell(self, count: int = 1, *, name: str = UPDATED, brand: BrandId = BRAND, session: UUID | None = None) -> UUID:
        """So many events of a session, as if something had changed; answers the session."""
        of = session or uuid4()
        await self.owner.execute(WRITE, name, brand, of, count)
        return of

    async def deliveries(self, endpoint: WebhookEndpointWithSecret, *, brand: BrandId = BRAND) -> list[WebhookDelivery]:
        """The latest of them, the latest first."""
        page = await listing.deliveries(self.webhooks, manager(brand), endpoint.id, DeliveryFilters())
        return page.deliveries

    async def delivered(self, endpoint: WebhookEndpointWithSecret, state: str = "delivered") -> WebhookDelivery:
        """The latest delivery, when it is in this state."""

        async def is_so() -> bool:
            found = await self.deliveries(endpoint)
            return bool(found) and found[0].state == state

        await eventually(is_so, f"the delivery is {state}")
        return (await self.deliveries(endpoint))[0]

    async def row(self, endpoint: WebhookEndpointWithSecret) -> dict[str, Any]:
        """The endpoint's own row."""
        return dict(await self.owner.fetchrow("select * from webhook_endpoints where id = $1", UUID(endpoint.id)) or {})

    @asynccontextmanager
    async def sending(
        self, *, resolve: Resolve | None = None, reach: Reach | None = None, box: SecretBox | None = None
    ) -> AsyncIterator[None]:
        """The relay and webhooks run meanwhile, as in a process of their own."""
        async with opened(self.database) as db:
            feed = Feed(db)

            def make() -> Sender:
                return Sender(db, box or self.box, self.reach if reach is None else reach, resolve=resolve)

            tasks = [asyncio.create_task(relay(db, feed)), asyncio.create_task(planning.run(db, feed, make))]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def manager(brand: BrandId = BRAND) -> Caller:
    """Who manages a brand."""
    return Caller(user=UserId("manager_1"), client=ClientId("test"), brand=brand, scopes=scopes_in("manage:live"))


def opened(database: TestDatabase) -> Database:
    """The pool that the background has."""
    return Database(database.service_url, size=6, wait_seconds=5, statement_seconds=10)


@asynccontextmanager
async def staged(database: TestDatabase) -> AsyncIterator[Stage]:
    """A stage."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        async with opened(database) as db:
            yield Stage(database, db, owner, SecretBox([SECRET_KEY]))
    finally:
        await owner.close()
