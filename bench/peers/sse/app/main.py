"""Sessions in memory: a snapshot first, then one message for each vote, through a queue of each client."""

import asyncio
import gc
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Session:
    """What was voted, and the queues of those who watch."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.queues: set[asyncio.Queue[bytes]] = set()

    def vote(self, question: str) -> int:
        """One more; everybody is told by the same octets, so that nothing is encoded for each."""
        count = self.counts[question] = self.counts.get(question, 0) + 1
        message = event("votes", {"counts": {question: count}})
        for queue in self.queues:
            queue.put_nowait(message)
        return count

    async def watched(self) -> AsyncIterator[bytes]:
        """What one client is told."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.queues.add(queue)
        try:
            yield event("snapshot", {"counts": self.counts})
            while True:
                yield await queue.get()
        finally:
            self.queues.discard(queue)


sessions: dict[str, Session] = {}


def event(name: str, data: object) -> bytes:
    """An event, encoded."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def session_of(request: Request) -> Session:
    """Any session that is asked for exists."""
    return sessions.setdefault(request.path_params["session"], Session())


async def watch(request: Request) -> Response:
    """The stream, with a heartbeat every 15 seconds, as sse-starlette does by itself."""
    return EventSourceResponse(session_of(request).watched())


async def vote(request: Request) -> Response:
    """A vote. Whose it is is not looked at."""
    question = request.path_params["question"]
    return JSONResponse({"question_id": question, "vote_count": session_of(request).vote(question), "has_voted": True})


async def healthz(_request: Request) -> Response:
    """Alive."""
    return JSONResponse({"status": "ok"})


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Objects made at the start are frozen out of the garbage collector."""
    gc.collect()
    gc.freeze()
    yield


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/healthz", healthz),
        Route("/v1/sessions/{session}/stream", watch),
        Route("/v1/sessions/{session}/questions/{question}/vote", vote, methods=["PUT"]),
    ],
)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        backlog=4096,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
