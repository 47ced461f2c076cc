"""The server, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.providers.fake.control import Control
from tests.providers.fake.credentials import GETSTREAM_SECRETS, LIVEKIT_KEYS
from tests.providers.fake.getstream_api import GetStreamApi
from tests.providers.fake.troubles import CutError, Troubles
from tests.providers.fake.webhooks import Post
from tests.providers.fake.world import NotThereError, World

if TYPE_CHECKING:
    from tests.providers.fake.livekit_api import LiveKitApi

CUT = "fake.cut"


class CuttingProtocol(HttpToolsProtocol):
    """Lets the application close the connection, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        extensions: dict[str, Any] = {CUT: self.transport.abort}
        self.scope["extensions"] = extensions


class Fake:
    """Both providers. LiveKit is missing where its package is."""

    def __init__(self, webhooks: str | None = None) -> None:
        self.troubles = Troubles()
        self.post = Post()
        self.getstream = GetStreamApi(self.post, self.troubles)
        self.livekit: LiveKitApi | None = None
        if find_spec("livekit") is not None:
            from tests.providers.fake import livekit_api  # noqa: PLC0415  # an extra

            self.livekit = livekit_api.LiveKitApi(self.post, self.troubles)
        if webhooks is not None:
            self.post.urls = {"getstream": f"{webhooks}/webhooks/stream", "livekit": f"{webhooks}/webhooks/livekit"}
        livekit_routes = self.livekit.routes() if self.livekit else []
        self.app = Starlette(
            routes=[*self.getstream.routes(), *livekit_routes, *Control(self).routes()],
            exception_handlers={CutError: _cut},
            lifespan=self._running,
        )

    def world(self, provider: str) -> World:
        """One provider's calls. Raises NotThereError."""
        if provider == "getstream":
            return self.getstream.world
        if provider == "livekit" and self.livekit is not None:
            return self.livekit.world
        raise NotThereError(f"no provider {provider}")

    def sign_with_older(self, older: bool) -> None:
        """Webhooks are signed with the secrets of before."""
        self.getstream.secrets = tuple(reversed(GETSTREAM_SECRETS)) if older else GETSTREAM_SECRETS
        if self.livekit is not None:
            self.livekit.signs_with = LIVEKIT_KEYS[1 if older else 0]

    @asynccontextmanager
    async def _running(self, _app: Starlette) -> AsyncIterator[None]:
        posting = asyncio.create_task(self.post.run())
        try:
            yield
        finally:
            posting.cancel()
            with suppress(asyncio.CancelledError):
                await posting
            await self.post.close()


async def _cut(request: Request, _error: Exception) -> Response:
    request.scope["extensions"][CUT]()
    return Response()  # nobody is there to read it
