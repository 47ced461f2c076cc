"""Where the demonstration plays: requests as curl lines, and what the server answers."""

import http.client
import json
import shlex
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from greenroom.commands.errors import CommandError
from greenroom.kit.ids import BrandId

BRAND = BrandId("acme")
HOST, PARTICIPANT, VISITOR = "HOST_TOKEN", "PARTICIPANT_TOKEN", "VISITOR_TOKEN"
PEOPLE = {HOST: "host_1", PARTICIPANT: "participant_1", VISITOR: "visitor_1"}
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 20.0
SECRET_SHOWN = 24  # characters of a token that is good for minutes

Only = Mapping[str, tuple[str, ...]]


class Ask(Struct, frozen=True):
    """A request; `who` is the name of the shell variable that holds the token."""

    who: str
    method: str
    path: str
    body: dict[str, object] | None = None
    if_match: str | None = None

    def headers(self) -> dict[str, str]:
        """Its headers, the token's aside."""
        named = {"Content-Type": "application/json"} if self.body is not None else {}
        return named if self.if_match is None else {**named, "If-Match": self.if_match}


class Reply(Struct, frozen=True):
    """What the server answered."""

    status: int
    etag: str | None
    body: dict[str, Any]


class Stage(Struct, frozen=True, kw_only=True):
    """Where the demonstration plays, and the tokens of who plays in it."""

    host: str
    port: int
    tokens: dict[str, str] = {}

    @property
    def address(self) -> str:
        """The server's URL."""
        return f"http://{self.host}:{self.port}"

    def show(self, story: str, ask: Ask, *, only: Only | None = None) -> Reply:
        """One request, as the curl line that repeats it, with its answer; of the answer these fields, where some are named."""
        print(f"\n# {story}\n{self.curl(ask)}")
        reply = self.send(ask)
        print(f"HTTP {reply.status}" + (f"  ETag: {reply.etag}" if reply.etag and only is None else ""))
        is_whole = only is None or reply.status >= http.client.BAD_REQUEST
        print(json.dumps(reply.body, indent=2, ensure_ascii=False) if is_whole else _part(reply.body, only or {}), flush=True)
        return reply

    def curl(self, ask: Ask) -> str:
        """The command line that sends the request."""
        parts = ["curl", "-X", ask.method, f"{self.address}{ask.path}", "-H", f'"Authorization: Bearer ${ask.who}"']
        for name, value in ask.headers().items():
            parts += ["-H", shlex.quote(f"{name}: {value}")]
        if ask.body is not None:
            parts += ["-d", shlex.quote(json.dumps(ask.body))]
        return " ".join(parts)

    def send(self, ask: Ask) -> Reply:
        """The request over HTTP. Raises OSError."""
        token = self.tokens.get(ask.who)
        headers = ask.headers() if token is None else {**ask.headers(), "Authorization": f"Bearer {token}"}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            body = None if ask.body is None else json.dumps(ask.body)
            connection.request(ask.method, ask.path, body=body, headers=headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers.get("ETag"), json.loads(response.read()))
        finally:
            connection.close()

    def until(self, ask: Ask, holds: Callable[[dict[str, Any]], bool], *, what: str) -> None:
        """Ask until it holds. Raises CommandError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if holds(self.send(ask).body):
                return
            time.sleep(LOOK_SECONDS)
        raise CommandError(f"The demo waited {PATIENCE_SECONDS:.0f} s in vain: {what}.")


def _part(body: dict[str, Any], only: Only) -> str:
    """These fields, a list's items a line each; `...` stands for the others."""
    lines = [f'  "{name}": {_value(body.get(name), fields)}' for name, fields in only.items()]
    left_out = [] if set(body) <= set(only) else ["  ..."]
    return "{\n" + ",\n".join([*lines, *left_out]) + "\n}"


def _value(value: Any, fields: tuple[str, ...]) -> str:
    if isinstance(value, list):
        items = [json.dumps({name: item.get(name) for name in fields}) for item in value]
        return "[\n" + ",\n".join(f"    {item}" for item in items) + "\n  ]"
    if fields == ("secret",):
        return json.dumps(f"{str(value)[:SECRET_SHOWN]}...")
    return json.dumps(value, ensure_ascii=False)
