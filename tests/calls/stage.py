"""A Greenroom and its provider, and the people who act on both."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.faults.waiting import eventually
from tests.postgres import TestDatabase
from tests.providers.fake_provider import FakeServer, People, running_fake
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant

ProviderName = Literal["getstream", "livekit"]


def from_now(minutes: float) -> str:
    """A time as the wire writes it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


class Stage:
    """A brand's sessions, at a server whose calls one provider carries."""

    def __init__(
        self, server: Server, fake: FakeServer, provider: ProviderName, tenant: Tenant, http: httpx.AsyncClient
    ) -> None:
        self.server = server
        self.fake = fake
        self.provider = provider
        self.tenant = tenant
        self.http = http

    @property
    def people(self) -> People:
        """Those in the provider's calls."""
        return self.fake.getstream if self.provider == "getstream" else self.fake.livekit

    @property
    def creations(self) -> int:
        """How often the provider was asked to make a call."""
        return self.fake.requests("getstream.get_or_create_call" if self.provider == "getstream" else "livekit.CreateRoom")

    async def session(self, *, minutes: float = 5, **fields: Any) -> Json:
        """A session that begins in so many minutes."""
        return await self.tenant.session(self.http, scheduled_at=from_now(minutes), **fields)

    async def register(self, session: Json, user: str) -> Json:
        """Somebody takes a seat, or a place in line."""
        response = await self.http.post(f"/v1/sessions/{session['id']}/registrations", headers=self.tenant.bearer(user))
        assert response.status_code == 201, response.text
        registration: Json = response.json()
        return registration

    async def join(self, session: Json, user: str, **named: Any) -> httpx.Response:
        """Somebody presses "join"; `user_id` is whom they name."""
        body = {"user_id": user, **named}
        return await self.http.post(f"/v1/sessions/{session['id']}/join", json=body, headers=self.tenant.bearer(user))

    async def comes(self, session: Json, user: str) -> str:
        """Somebody presses "join", and is in; answers the connection."""
        joined = await self.join(session, user)
        assert joined.status_code == 200, joined.text
        return self.people.join(joined.json()["call_id"], user)

    async def get(self, path: str, user: str = "host_1", *, scope: str = "read:live write:live") -> Json:
        """What is there."""
        response = await self.http.get(path, headers=self.tenant.bearer(user, scope=scope))
        assert response.status_code == 200, response.text
        found: Json = response.json()
        return found

    async def seen(self, session: Json) -> Json:
        """The session as it is now."""
        return await self.get(f"/v1/sessions/{session['id']}")

    async def until(self, session: Json, status: str) -> Json:
        """The session, once it has this status."""
        await eventually(lambda: self._has(session, status), f"the session is {status}")
        return await self.seen(session)

    async def _has(self, session: Json, status: str) -> bool:
        return bool((await self.seen(session))["status"] == status)


@contextmanager
def playing(
    database: TestDatabase, directory: Path, provider: ProviderName, *, settings: dict[str, str] | None = None, workers: int = 1
) -> Iterator[tuple[Server, FakeServer]]:
    """Both, each with the other's address. Both providers are set up; this one carries what names no other."""
    with running_fake() as fake:
        of_provider = {**fake.getstream_settings(), **fake.livekit_settings(), "GREENROOM_VIDEO_PROVIDER": provider}
        plenty = {"GREENROOM_RATE_LIMIT_WEBHOOKS": "0"}
        with running_server(
            database, directory, settings={**plenty, **of_provider, **(settings or {})}, workers=workers
        ) as server:
            fake.send_webhooks_to(getstream=f"{server.url}/webhooks/stream", livekit=f"{server.url}/webhooks/livekit")
            yield server, fake


@asynccontextmanager
async def on_stage(server: Server, fake: FakeServer, provider: ProviderName, tenant: Tenant) -> AsyncIterator[Stage]:
    """A brand of its own at a server that runs."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
        yield Stage(server, fake, provider, tenant, http)
