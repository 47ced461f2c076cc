"""The composition root: settings in, ASGI application out. The only place that knows everybody."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp


from greenroom.identity.gate import Gate
from greenroom.identity.request import CallerRequest
from greenroom.identity.service import refresh_revocations
from greenroom.identity.tokens import LocalTokens, Signer
from greenroom.kit import housekeeping
from greenroom.kit.database import Database
from greenroom.kit.errors import GreenroomError
from greenroom.kit.http.answer import error_answer
from greenroom.kit.http.envelope import Envelope
from greenroom.kit.http.framework import FrameworkErrors
from greenroom.kit.http.protocol import PatientProtocol
from greenroom.kit.http.rate_limit import RateLimiter
from greenroom.kit.serving import SHARED_DIRECTORY
from greenroom.kit.telemetry import configure_logs, traced
from greenroom.sessions import routes as sessions
from greenroom.settings import Settings, load_settings
from greenroom.web import documentation, health
from greenroom.web.document import build_document
from greenroom.web.documentation import Documentation

ROUTES: list[HTTPRouteHandler] = [*sessions.ROUTES, *health.ROUTES, *documentation.ROUTES]


def create_app() -> ASGIApp:
    """The application of one worker process, by the environment's settings. Raises SettingsError."""
    settings = load_settings()
    configure_logs(settings.log_level)
    PatientProtocol.request_seconds = settings.request_seconds
    shared = os.environ.get(SHARED_DIRECTORY)
    return build(settings, limiter=RateLimiter(Path(shared) / "rate-limits" if shared else None))


def build(settings: Settings, *, limiter: RateLimiter) -> ASGIApp:
    """The application; it opens its database when the server starts it."""
    tokens = LocalTokens(Signer(settings.secret_keys))
    framework = FrameworkErrors(ROUTES)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        db = await _open(settings)
        app.state.db = db
        chores = [
            asyncio.create_task(housekeeping.repeat(lambda: refresh_revocations(db, tokens), seconds=5)),
            asyncio.create_task(housekeeping.repeat(lambda: housekeeping.prune(db), seconds=60)),
            asyncio.create_task(housekeeping.stop_without_parent()),
        ]
        yield
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await db.close()

    app = Litestar(
        route_handlers=ROUTES,
        request_class=CallerRequest,
        before_request=Gate(
            [tokens],
            limiter,
            limits={
                "reads": settings.rate_limit_reads,
                "writes": settings.rate_limit_writes,
                "admin": settings.rate_limit_admin,
            },
            client_limits=settings.rate_limit_clients,
        ),
        state=State({"documentation": Documentation(lambda: build_document(ROUTES))}),
        lifespan=[lifespan],
        exception_handlers={
            GreenroomError: lambda _, error: error_answer(error),
            HTTPException: lambda request, error: error_answer(framework.said_as_ours(error, path=request.scope["path"])),
        },
        cors_config=_cors(settings),
        openapi_config=None,
        logging_config=None,
    )
    return Envelope(traced(app), limiter=limiter, address_limit=settings.rate_limit_address)


async def _open(settings: Settings) -> Database:
    if settings.database_url is None:
        raise AssertionError("serve names the embedded database before it starts workers")
    return await Database.open(
        settings.database_url,
        size=settings.pool_size,
        wait_seconds=settings.pool_wait_seconds,
        statement_seconds=settings.statement_seconds,
    )


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Brand-Id", "X-Request-Id"],
        expose_headers=["ETag", "Location", "Link", "Retry-After", "X-Request-Id", "Idempotency-Replayed"],
        max_age=600,
    )
