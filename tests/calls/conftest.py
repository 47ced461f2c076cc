"""What the tests of calls share: a server and a fake provider for each worker of the run, and each of the two providers."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.calls.stage import ProviderName, Stage, on_stage, playing
from tests.postgres import TestDatabase
from tests.providers.fake_provider import FakeServer
from tests.server import Server
from tests.tenant import Tenant

Played = tuple[Server, FakeServer]


@pytest.fixture(scope="session")
def getstream_played(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with playing(database, tmp_path_factory.mktemp("getstream"), "getstream", settings={"GREENROOM_BACKGROUND": "off"}) as both:
        yield both


@pytest.fixture
async def stage(getstream_played: Played, tenant: Tenant) -> AsyncIterator[Stage]:
    """At GetStream; nothing happens in the background."""
    server, fake = getstream_played
    fake.behave()
    async with on_stage(server, fake, "getstream", tenant) as standing:
        yield standing


@pytest.fixture(params=["getstream", "livekit"])
def provider(request: pytest.FixtureRequest) -> ProviderName:
    return "getstream" if request.param == "getstream" else "livekit"


@pytest.fixture
async def room_at(getstream_played: Played, tenant: Tenant, provider: ProviderName) -> AsyncIterator[Stage]:
    """As `stage`, at each provider, which the brand names."""
    server, fake = getstream_played
    fake.behave()
    async with on_stage(server, fake, provider, tenant) as standing:
        headers = tenant.bearer("admin_1", scope="admin:live")
        said = await standing.http.patch("/v1/brand/settings", json={"video_provider": provider}, headers=headers)
        assert said.status_code == 200, said.text
        yield standing


@pytest.fixture
async def house(
    scratch: TestDatabase, tmp_path_factory: pytest.TempPathFactory, provider: ProviderName, tenant: Tenant
) -> AsyncIterator[Stage]:
    """A whole Greenroom of the test's own, its background included, at each provider."""
    with playing(scratch, tmp_path_factory.mktemp("house"), provider) as (server, fake):
        async with on_stage(server, fake, provider, tenant) as standing:
            yield standing
