"""The peer's composition root."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from prometheus_client import generate_latest
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from app import listing, registrations, sessions
from app.database import engine, open_session, read_session
from app.errors import Refusal, invalid, too_large, wrong_type
from app.limits import Limiter
from app.schemas import SessionFilters, SessionPatch
from app.settings import settings
from app.surroundings import Surroundings
from app.telemetry import flush_now_and_then
from app.tokens import Caller, caller_of

BODY_OCTETS = 64 * 1024
METHOD_NOT_ALLOWED = 405

Dependency = Callable[[Request], Coroutine[Any, Any, Caller]]


def caller_with(scope: str, limiter: Limiter) -> Dependency:
    """The dependency of a route: token, limit per caller, scope."""

    async def dependency(request: Request) -> Caller:
        caller = caller_of(request.headers.get("authorization"))
        request.scope["caller"] = caller
        limiter.take((caller.client, caller.user))
        caller.require(scope)
        return caller

    return dependency


Reader = Annotated[Caller, Depends(caller_with("read:live", Limiter(settings.read_limit)))]
Writer = Annotated[Caller, Depends(caller_with("write:live", Limiter(settings.write_limit)))]


async def patch_in(request: Request) -> SessionPatch:
    """The body, parsed and validated in one pass by pydantic's own JSON parser. Raises Refusal."""
    body = await request.body()
    if len(body) > BODY_OCTETS:
        raise too_large()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise wrong_type()
    try:
        return SessionPatch.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "The body"
        raise invalid(f"{where}: {first['msg']}.") from None


async def filters_in(request: Request) -> SessionFilters:
    """The query, validated in one pass by pydantic. Raises Refusal."""
    return listing.filters_in(request.scope["query_string"])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The pool closes and the log is written out when the server stops."""
    flushing = asyncio.create_task(flush_now_and_then())
    gc.collect()
    gc.freeze()
    yield
    flushing.cancel()
    await asyncio.wait([flushing])
    await engine.dispose()


api = FastAPI(
    lifespan=lifespan,
    openapi_url=None,
    telemetry={"tracing": False, "metrics": False, "logs": False},  # our own surroundings do this
)


@api.get("/v1/sessions/{session_id}")
async def get_session(request: Request, session_id: str, caller: Reader) -> Response:
    """One session, as the caller sees it."""
    async with read_session() as db:
        found = await sessions.get(db, caller, session_id)
    headers = {"etag": found.tag, "cache-control": "private, no-cache"}
    known = request.headers.get("if-none-match")
    if known is not None and (known.strip() == "*" or found.tag in known):
        return Response(None, 304, headers)
    return Response(found.body, 200, headers, "application/json")


@api.get("/v1/live/sessions")
async def list_sessions(request: Request, caller: Reader, filters: Annotated[SessionFilters, Depends(filters_in)]) -> Response:
    """Sessions by time, a page at a time."""
    async with read_session() as db:
        page = await listing.page(db, caller, filters)
    headers = {"cache-control": "private, no-cache"}
    if page.next_cursor is not None:
        headers["link"] = listing.next_link(request.scope["path"], request.scope["query_string"], page.next_cursor)
    return Response(page.body, 200, headers, "application/json")


@api.patch("/v1/sessions/{session_id}")
async def update_session(
    request: Request, session_id: str, caller: Writer, patch: Annotated[SessionPatch, Depends(patch_in)]
) -> Response:
    """Change what the session's status allows to change."""
    if_match = request.headers.get("if-match")
    async with open_session() as db:
        changed = await db.run_sync(
            sessions.update, caller, session_id, patch, if_match=if_match, request_id=request.scope["request_id"]
        )
    headers = {"etag": changed.tag, "cache-control": "private, no-cache"}
    return Response(changed.body, 200, headers, "application/json")


@api.post("/v1/sessions/{session_id}/registrations")
async def register_caller(request: Request, session_id: str, caller: Writer) -> Response:
    """A seat, else a place in line."""
    if int(request.headers.get("content-length", "0")) > BODY_OCTETS:
        raise too_large()
    async with open_session() as db:
        body = await db.run_sync(registrations.register_caller, caller, session_id, request_id=request.scope["request_id"])
    return Response(body, 201, {"cache-control": "private, no-cache"}, "application/json")


@api.get("/healthz")
async def healthz() -> Response:
    """Alive."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@api.get("/metrics")
async def metrics() -> Response:
    """The Prometheus text format."""
    return Response(generate_latest(), media_type="text/plain")


@api.exception_handler(Refusal)
async def refused(_request: Request, refusal: Refusal) -> Response:
    """An error that is the caller's answer."""
    return refusal.answer()


@api.exception_handler(HTTPException)
async def unknown_route(_request: Request, error: HTTPException) -> Response:
    """The framework's own errors, in the contract's form."""
    code = "method_not_allowed" if error.status_code == METHOD_NOT_ALLOWED else "not_found"
    return Refusal(error.status_code, code, "There is nothing here.").answer()


app = Surroundings(api, addresses=Limiter(settings.address_limit))

if __name__ == "__main__":
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
