"""greenroom demo: the main job, before one's eyes."""

import asyncio
import http.client
import json
import shlex
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from greenroom.commands.environment import Ready, ready, settings_or_exit
from greenroom.commands.errors import CommandError
from greenroom.identity import service as identity
from greenroom.identity.tokens import Signer
from greenroom.kit import serving
from greenroom.kit.clock import wire_time
from greenroom.kit.database import Database
from greenroom.kit.ids import BrandId, ClientId, UserId
from greenroom.sessions import service as sessions

BRAND = BrandId("acme")
START_SECONDS = 60.0
TOKEN_LIFETIME = timedelta(days=30)
SCOPE = "read:live write:live"


class Tokens(Struct, frozen=True):
    """Who plays in the demonstration."""

    host: str
    participant: str


class Reply(Struct, frozen=True):
    """What the server answered."""

    status: int
    etag: str | None
    body: dict[str, object]


def demo(arguments: Namespace) -> int:
    """Start everything, make a session and change it over HTTP, then stay up."""
    settings = settings_or_exit()
    serving.stop_on_sigterm()
    try:
        serving.listen(arguments.host, arguments.port).close()
    except serving.ServingError as error:
        raise CommandError(str(error)) from error
    print("Starting PostgreSQL and the server ...", flush=True)
    try:
        with ready(settings, migrates=False) as prepared, _server(prepared, arguments) as server:
            _await_ready(server, arguments)
            earlier, tokens = asyncio.run(_prepare(prepared))
            if earlier:
                print(f"Continuing with the {earlier} session(s) of earlier runs in {settings.data_dir}.")
            _show(arguments, tokens)
            _say_what_next(arguments, tokens)
            if not arguments.once:
                server.wait()
    except (KeyboardInterrupt, SystemExit):
        print("\nStopped. The data is kept: run it again and it continues.")
    return 0


@contextmanager
def _server(prepared: Ready, arguments: Namespace) -> Iterator["subprocess.Popen[bytes]"]:
    prepared.settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = prepared.settings.data_dir / "demo.log"
    command = [sys.executable, "-m", "greenroom.cli", "serve", "--host", arguments.host, "--port", str(arguments.port)]
    with log.open("ab") as lines, subprocess.Popen(command, stdout=lines, stderr=lines) as server:
        try:
            yield server
        finally:
            server.terminate()


def _await_ready(server: "subprocess.Popen[bytes]", arguments: Namespace) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            if _ask(arguments, "GET", "/readyz").status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
    raise CommandError("The server did not start; demo.log in the data directory says why.")


async def _prepare(prepared: Ready) -> tuple[int, Tokens]:
    db = await Database.open(prepared.database_url, size=1, wait_seconds=5, statement_seconds=10)
    signer = Signer(prepared.settings.secret_keys)
    try:
        host, participant = [
            await identity.mint(
                db, signer, user=UserId(user), brand=BRAND, scope=SCOPE, client=ClientId("demo"), lifetime=TOKEN_LIFETIME
            )
            for user in ("host_1", "participant_1")
        ]
        return await sessions.count(db, BRAND), Tokens(host=host, participant=participant)
    finally:
        await db.close()


def _show(arguments: Namespace, tokens: Tokens) -> None:
    """The main job: schedule, reschedule, enlarge, describe, open, end; and what is refused then."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    created = _step(arguments, tokens.host, "A host schedules a session", "POST", "/v1/sessions", {
        "host_id": "host_1", "brand_id": BRAND, "title": "Ask the physiotherapist",
        "scheduled_at": wire_time(now + timedelta(days=7)), "max_participants": 100,
    })  # fmt: skip
    path = f"/v1/sessions/{created.body['id']}"
    moved = _step(arguments, tokens.host, "moves it by an hour", "PATCH", path, {
        "scheduled_at": wire_time(now + timedelta(days=7, hours=1)),
    })  # fmt: skip
    _step(
        arguments, tokens.host, "gives it more seats and a note, if nobody has edited it meanwhile", "PATCH", path,
        {"max_participants": 250, "metadata": {"room": "blue", "language": "en"}}, if_match=moved.etag,
    )  # fmt: skip
    _step(arguments, tokens.participant, "A participant reads it", "GET", path)
    _step(arguments, tokens.participant, "and may not change it", "PATCH", path, {"title": "Mine now"})
    _step(arguments, tokens.host, "The host opens the room", "POST", f"{path}/start")
    _step(arguments, tokens.host, "and ends it", "POST", f"{path}/end")
    _step(arguments, tokens.host, "After that nothing can be changed", "PATCH", path, {"title": "Too late"})


def _step(
    arguments: Namespace,
    token: str,
    story: str,
    method: str,
    path: str,
    body: dict[str, object] | None = None,
    *,
    if_match: str | None = None,
) -> Reply:
    """One request, shown as the curl line that repeats it, with its answer."""
    print(f"\n# {story}")
    print(_curl(arguments, method, path, body, if_match=if_match))
    reply = _ask(arguments, method, path, token=token, body=body, if_match=if_match)
    print(f"HTTP {reply.status}" + (f"  ETag: {reply.etag}" if reply.etag else ""))
    print(json.dumps(reply.body, indent=2, ensure_ascii=False), flush=True)
    return reply


def _curl(
    arguments: Namespace, method: str, path: str, body: dict[str, object] | None, *, if_match: str | None
) -> str:
    parts = ["curl", "-X", method, _url(arguments, path), "-H", "Authorization: Bearer $TOKEN"]
    if if_match is not None:
        parts += ["-H", f"If-Match: {if_match}"]
    if body is not None:
        parts += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return " ".join('"Authorization: Bearer $TOKEN"' if "$TOKEN" in part else shlex.quote(part) for part in parts)


def _ask(
    arguments: Namespace,
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: dict[str, object] | None = None,
    if_match: str | None = None,
) -> Reply:
    connection = http.client.HTTPConnection(arguments.host, arguments.port, timeout=10)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if if_match is not None:
        headers["If-Match"] = if_match
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers.get("ETag"), json.loads(response.read()))
    finally:
        connection.close()


def _say_what_next(arguments: Namespace, tokens: Tokens) -> None:
    address = _url(arguments, "")
    print(f"""
Greenroom is up at   {address}
The API's page       {address}/docs
A host's token       {tokens.host}
A participant's      {tokens.participant}

Try it:  TOKEN='<one of the two>'; then any of the curl lines above.
Stop it: Ctrl-C here. The data is kept.""", flush=True)


def _url(arguments: Namespace, path: str) -> str:
    return f"http://{arguments.host}:{arguments.port}{path}"
