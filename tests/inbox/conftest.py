"""What the tests of webhooks share: a server that knows both providers' secrets, and somebody who signs."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import pytest

from tests.inbox.sender import Sender
from tests.postgres import Owner, TestDatabase
from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS, LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.server import AUTHORITIES, Server, running_server
from tests.tenant import Json, Tenant

SETTINGS = {
    "GREENROOM_BACKGROUND": "off",
    "GREENROOM_VIDEO_PROVIDER": "getstream",
    "GREENROOM_GETSTREAM_API_KEY": GETSTREAM_KEY,
    "GREENROOM_GETSTREAM_API_SECRET": ",".join(GETSTREAM_SECRETS),
    "GREENROOM_GETSTREAM_BASE_URL": "http://127.0.0.1:9",  # nobody is asked: who sends comes to us
    "GREENROOM_LIVEKIT_URL": "http://127.0.0.1:9",
    "GREENROOM_LIVEKIT_API_KEY": ",".join(LIVEKIT_KEYS),
    "GREENROOM_LIVEKIT_API_SECRET": ",".join(LIVEKIT_SECRETS),
    "GREENROOM_RATE_LIMIT_WEBHOOKS": "0",
}


@pytest.fixture(scope="session")
def receiving(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(database, tmp_path_factory.mktemp("inbox"), settings=SETTINGS) as server:
        yield server


@pytest.fixture
async def session(receiving: Server, tenant: Tenant, owner: Owner) -> Json:
    """A session whose call GetStream has."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=receiving.url, timeout=30) as http:
        made = await tenant.session(http)
    await owner.execute(
        """insert into calls (brand_id, id, session_id, provider, call_type, records, made_at, created_at, updated_at)
        values ($1, $2, $2, 'getstream', 'default', true, now(), now(), now())""",
        tenant.brand,
        UUID(made["id"]),
    )
    await owner.execute("update sessions set stream_call_id = id::text where id = $1", UUID(made["id"]))
    return made


@pytest.fixture
async def sender(receiving: Server) -> AsyncIterator[Sender]:
    """Who signs as the providers do."""
    async with httpx.AsyncClient(verify=AUTHORITIES, base_url=receiving.url, timeout=30) as http:
        yield Sender(http)
