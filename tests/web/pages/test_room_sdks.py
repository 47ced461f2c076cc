"""The page of a room that a provider carries: its SDK is named with its checksum, and allowed by the policy; no more is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.postgres import TestDatabase
from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS, LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.server import AUTHORITIES, running_server
from tests.tenant import Tenant
from tests.web.pages.visiting import Page, visiting

SHA384 = "sha384-" + "A" * 64
FILE = "https://cdn.example/sdk@1.2.3/sdk.mjs"
SETTINGS = {
    "livekit": {
        "GREENROOM_VIDEO_PROVIDER": "livekit",
        "GREENROOM_LIVEKIT_URL": "wss://video.invalid",
        "GREENROOM_LIVEKIT_API_KEY": LIVEKIT_KEYS[0],
        "GREENROOM_LIVEKIT_API_SECRET": LIVEKIT_SECRETS[0],
    },
    "getstream": {
        "GREENROOM_VIDEO_PROVIDER": "getstream",
        "GREENROOM_GETSTREAM_API_KEY": GETSTREAM_KEY,
        "GREENROOM_GETSTREAM_API_SECRET": GETSTREAM_SECRETS[0],
        "GREENROOM_GETSTREAM_BASE_URL": "https://video.invalid",
    },
}
FACTS = {
    "livekit": {"server": "wss://video.invalid"},
    "getstream": {"key": GETSTREAM_KEY, "type": "default", "base": "https://video.invalid"},
}


class Rooms:
    """A server of the test's own, whose calls this provider carries."""

    def __init__(self, http: httpx.AsyncClient, tenant: Tenant) -> None:
        self.http = http
        self.tenant = tenant

    async def page(self, suffix: str = "/room") -> Page:
        """The page of the room of a session that is live, for its host."""
        session = await self.tenant.session(self.http)
        assert (await self.tenant.step(self.http, session, "start")).status_code == 200
        async with visiting(str(self.http.base_url), "host_1", self.tenant.brand) as visitor:
            return await visitor.get(f"/s/{session['id']}{suffix}")


@asynccontextmanager
async def rooms(database: TestDatabase, directory: Path, tenant: Tenant, settings: dict[str, str]) -> AsyncIterator[Rooms]:
    with running_server(database, directory, settings={**settings, "GREENROOM_BACKGROUND": "off"}) as server:
        async with httpx.AsyncClient(verify=AUTHORITIES, base_url=server.url, timeout=30) as http:
            yield Rooms(http, tenant)


@pytest.fixture(params=["livekit", "getstream"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_room_alone_may_run_that_file_and_reach_that_provider(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, provider: str
) -> None:
    name = provider.upper()
    settings = {f"GREENROOM_{name}_SDK_URL": FILE, f"GREENROOM_{name}_SDK_INTEGRITY": SHA384}
    async with rooms(database, tmp_path, tenant, {**SETTINGS[provider], **settings}) as there:
        page = await there.page()
        policy = page.answer.headers["content-security-policy"]
        assert f"script-src 'self' {FILE};" in policy
        assert "connect-src 'self' " in policy
        assert "wss://video.invalid https://video.invalid;" in policy
        assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
        assert "unsafe" not in policy
        sdk = page.one("#sdk")
        assert (sdk["src"], sdk["integrity"], sdk["crossorigin"], sdk["type"]) == (FILE, SHA384, "anonymous", "module")
        assert msgspec.json.decode(str(sdk["data-facts"])) == FACTS[provider]
        assert not any(secret in page.answer.text for secret in (*LIVEKIT_SECRETS, *GETSTREAM_SECRETS))
        other = await there.page("")
        assert "video.invalid" not in other.answer.headers["content-security-policy"]
        assert FILE not in other.answer.headers["content-security-policy"]


async def test_an_sdk_of_this_origin_needs_no_other_origin(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, provider: str
) -> None:
    settings = {f"GREENROOM_{provider.upper()}_SDK_URL": "/sdk/one.js"}
    async with rooms(database, tmp_path, tenant, {**SETTINGS[provider], **settings}) as there:
        page = await there.page()
        assert "script-src 'self';" in page.answer.headers["content-security-policy"]
        assert page.one("#sdk")["src"] == "/sdk/one.js"
        assert not page.one("#sdk").has_attr("integrity")


async def test_without_an_sdk_the_page_says_what_must_be_set(
    database: TestDatabase, tmp_path: Path, tenant: Tenant, provider: str
) -> None:
    async with rooms(database, tmp_path, tenant, SETTINGS[provider]) as there:
        page = await there.page()
        assert f"sets GREENROOM_{provider.upper()}_SDK_URL, or GREENROOM_JOIN_URL" in page.text
        assert not page.has("#sdk")
        assert page.one("#room")["data-provider"] == ""
        assert "video.invalid" not in page.answer.headers["content-security-policy"]
