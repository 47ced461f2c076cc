"""Paths and what may be done at each: Starlette finds the path, the endpoint finds the method.

Starlette's router alone, not its request, its responses or its middleware stack: docs/decisions/0003 has the figures.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from msgspec import Struct
from starlette.routing import Route

from greenroom.kit.errors import MethodNotAllowed, NotFound
from greenroom.kit.http.answer import Answer, bare_answer
from greenroom.kit.http.asgi import Receive, Scope, Send
from greenroom.kit.http.operation import Operation

Handler = Callable[..., Awaitable[Answer]]
Admit = Callable[[Scope, Operation], Awaitable[None]]


class Performed(Struct, frozen=True, kw_only=True):
    """A handler, and where it is found. `operation` is None for a page that the document does not list."""

    method: str
    path: str
    handler: Handler
    operation: Operation | None


def performs(operation: Operation) -> Callable[[Handler], Performed]:
    """Bind a handler to its operation: the handler is called with the request and the path's parameters."""
    method, path = operation.at.split(" ")
    return lambda handler: Performed(method=method, path=path, handler=handler, operation=operation)


def page(path: str) -> Callable[[Handler], Performed]:
    """Bind a handler to a GET that the document does not list."""
    return lambda handler: Performed(method="GET", path=path, handler=handler, operation=None)


class Endpoint:
    """One path."""

    def __init__(self, path: str, performed: Iterable[Performed], *, admit: Admit, request_class: type[Any]) -> None:
        self._path = path
        self._by_method = {one.method: (one.handler, one.operation) for one in performed}
        self._allow = ", ".join(sorted({*self._by_method, "OPTIONS", *({"HEAD"} if "GET" in self._by_method else ())}))
        self._admit = admit
        self._request_class = request_class

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the caller in, call the handler, send its answer. Raises MethodNotAllowed and what they raise."""
        scope["path_template"] = self._path
        found = self._by_method.get(scope["method"])
        if found is None:
            await self._other(scope["method"])(scope, receive, send)
            return
        handler, operation = found
        if operation is not None and operation.scope is not None:
            await self._admit(scope, operation)
        answer = await handler(self._request_class(scope, receive), **scope["path_params"])
        await answer(scope, receive, send)

    def _other(self, method: str) -> Answer:
        """OPTIONS is answered everywhere (RFC 9110, section 9.3.7); a 405 lists what is taken (section 15.5.6)."""
        if method == "OPTIONS":
            return bare_answer(204, [(b"allow", self._allow.encode())])
        raise MethodNotAllowed(headers={"Allow": self._allow})


def routes_of(performed: Iterable[Performed], *, admit: Admit, request_class: type[Any]) -> list[Route]:
    """One route per path. A user's id may hold a slash, which the server decodes before a path is matched."""
    by_path: dict[str, list[Performed]] = defaultdict(list)
    for one in performed:
        by_path[one.path].append(one)
    return [
        Route(path.replace("{user_id}", "{user_id:path}"), Endpoint(path, there, admit=admit, request_class=request_class))
        for path, there in by_path.items()
    ]


async def nothing_there(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  # ASGI
    """The router's answer to a path that it does not know."""
    raise NotFound
