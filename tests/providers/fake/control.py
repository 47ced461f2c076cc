"""Who plays the people, and decides what goes wrong: `/_fake/...`, JSON in and out.

POST /_fake/{provider}/join      {"call", "user", "name"?, "kind"?} -> {"connection", "span"}
POST /_fake/{provider}/leave     {"connection"}
POST /_fake/{provider}/end_span  {"call"}               everybody goes, the session or room is over
POST /_fake/{provider}/end       {"call"}               the call is over (GetStream alone)
POST /_fake/{provider}/record    {"call"} -> {"recording"}
POST /_fake/{provider}/finish    {"recording", "well"?} ready, or failed
POST /_fake/{provider}/config    {"ends_when_empty"?, "tells_at_most"?, "signs_with_older"?}
GET  /_fake/{provider}/calls     every call, as it was asked for and as it is
GET  /_fake/requests             {"getstream.get_or_create_call": 1, ...}
POST /_fake/misbehave            a `troubles.Trouble`; they hold in the order in which they were ordered
POST /_fake/behave               no trouble any more, and no rules for webhooks
POST /_fake/webhooks/urls        {"getstream": url, "livekit": url}
POST /_fake/webhooks/rules       a `webhooks.Rules`
POST /_fake/webhooks/flush       {"order": "given" | "reverse" | "random" | [positions]} -> {"sent"}
POST /_fake/webhooks/settle      waits until none is on its way
GET  /_fake/webhooks             every webhook, and how it was answered
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.fake.troubles import Trouble
from tests.providers.fake.webhooks import Rules
from tests.providers.fake.world import Call, NotThereError, World

if TYPE_CHECKING:
    from tests.providers.fake.app import Fake

Handler = Callable[[Request, Any], Awaitable[Any]]


class Control:
    """The driver's seat."""

    def __init__(self, fake: "Fake") -> None:
        self._fake = fake

    def routes(self) -> list[Route]:
        """Where it is driven."""
        acts: dict[str, Handler] = {
            "join": self._join,
            "leave": self._leave,
            "end_span": self._end_span,
            "end": self._end,
            "record": self._record,
            "finish": self._finish,
            "config": self._config,
        }
        return [
            *[_route("POST", f"/_fake/{{provider}}/{name}", act) for name, act in acts.items()],
            _route("GET", "/_fake/requests", self._requests),
            _route("POST", "/_fake/misbehave", self._misbehave),
            _route("POST", "/_fake/behave", self._behave),
            _route("POST", "/_fake/webhooks/urls", self._urls),
            _route("POST", "/_fake/webhooks/rules", self._rules),
            _route("POST", "/_fake/webhooks/flush", self._flush),
            _route("POST", "/_fake/webhooks/settle", self._settle),
            _route("GET", "/_fake/webhooks", self._webhooks),
            _route("GET", "/_fake/{provider}/calls", self._calls),
        ]

    def _world(self, request: Request) -> World:
        return self._fake.world(request.path_params["provider"])

    def _call(self, request: Request, body: Any) -> Call:
        return self._world(request).call(body["call"])

    async def _join(self, request: Request, body: Any) -> Any:
        name, kind = body.get("name", "Paula Participant"), body.get("kind", "STANDARD")
        livekit = self._fake.livekit
        if request.path_params["provider"] == "livekit" and livekit is not None:
            stay = livekit.join(body["call"], body["user"], called=name, kind=kind)
        else:
            stay = self._world(request).join(self._call(request, body), body["user"], name=name, kind=kind)
        sitting = self._call(request, body).sitting
        return {"connection": stay.id, "span": sitting.id if sitting else None}

    async def _leave(self, request: Request, body: Any) -> Any:
        self._world(request).leave(body["connection"])

    async def _end_span(self, request: Request, body: Any) -> Any:
        self._world(request).end_sitting(self._call(request, body))

    async def _end(self, request: Request, body: Any) -> Any:
        self._world(request).end(self._call(request, body))

    async def _record(self, request: Request, body: Any) -> Any:
        return {"recording": self._world(request).record(self._call(request, body)).id}

    async def _finish(self, request: Request, body: Any) -> Any:
        self._world(request).finish(body["recording"], well=body.get("well", True))

    async def _config(self, request: Request, body: Any) -> Any:
        world, fake = self._world(request), self._fake
        world.ends_when_empty = body.get("ends_when_empty", world.ends_when_empty)
        fake.getstream.tells_at_most = body.get("tells_at_most", fake.getstream.tells_at_most)
        if "signs_with_older" in body:
            fake.sign_with_older(body["signs_with_older"])

    async def _calls(self, request: Request, _body: Any) -> Any:
        return [call.described() for call in self._world(request).calls.values()]

    async def _requests(self, _request: Request, _body: Any) -> Any:
        return dict(self._fake.troubles.requests)

    async def _misbehave(self, _request: Request, body: Any) -> Any:
        self._fake.troubles.ordered.append(msgspec.convert(body, Trouble))

    async def _behave(self, _request: Request, _body: Any) -> Any:
        self._fake.troubles.ordered.clear()
        self._fake.post.follow(Rules())

    async def _urls(self, _request: Request, body: Any) -> Any:
        self._fake.post.urls = body

    async def _rules(self, _request: Request, body: Any) -> Any:
        self._fake.post.follow(msgspec.convert(body, Rules))

    async def _flush(self, _request: Request, body: Any) -> Any:
        return {"sent": self._fake.post.flush(body.get("order", "given"))}

    async def _settle(self, _request: Request, _body: Any) -> Any:
        await self._fake.post.settle()

    async def _webhooks(self, _request: Request, _body: Any) -> Any:
        return [webhook.described() for webhook in self._fake.post.told]


def _route(method: str, path: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            answer = await handler(request, msgspec.json.decode(body) if body else {})
        except (NotThereError, KeyError, IndexError, msgspec.ValidationError) as wrong:
            return JSONResponse({"error": f"{type(wrong).__name__}: {wrong}"}, 400)
        return JSONResponse({} if answer is None else answer)

    return Route(path, endpoint, methods=[method])
