"""greenroom demo: the main job, before one's eyes."""

import asyncio
import http.client
import os
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from greenroom.commands.browsers import show_browsers
from greenroom.commands.drop import PEOPLE as CROWD
from greenroom.commands.drop import SEATS, Drop, Person
from greenroom.commands.environment import Ready, ready, require_local_tokens, settings_or_exit
from greenroom.commands.errors import CommandError
from greenroom.commands.questions import show_questions
from greenroom.commands.room import show_room
from greenroom.commands.stage import BRAND, HOST, PARTICIPANT, PEOPLE, Ask, Stage
from greenroom.commands.stand_in import standing_in
from greenroom.identity import service as identity
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit import serving
from greenroom.kit.clock import wire_time
from greenroom.kit.database import Database
from greenroom.kit.ids import ClientId, UserId
from greenroom.settings import variable

START_SECONDS = 60.0
TOKEN_LIFETIME = timedelta(days=30)
CROWD_LIFETIME = timedelta(minutes=10)
LOG_FILE = "demo.log"


def demo(arguments: Namespace) -> int:
    """Start everything, make a session and change it over HTTP, then stay up."""
    settings = settings_or_exit()
    require_local_tokens(settings)
    serving.stop_on_sigterm()
    try:
        serving.listen(arguments.host, arguments.port).close()
    except serving.ServingError as error:
        raise CommandError(str(error)) from error
    print("Starting PostgreSQL and the server ...", flush=True)
    try:
        with ready(settings, migrates=False) as prepared:
            _play(prepared, arguments)
    except (KeyboardInterrupt, SystemExit):
        print("\nStopped. The data is kept: run it again and it continues.")
    return 0


def _play(prepared: Ready, arguments: Namespace) -> None:
    empty = Stage(host=arguments.host, port=arguments.port)
    data_dir = prepared.settings.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / LOG_FILE
    with ExitStack() as running:
        stand_in = running.enter_context(standing_in(arguments.stand_in, log=log)) if arguments.stand_in else None
        server = running.enter_context(_server(empty, stand_in.settings() if stand_in else {}, log=log))
        earlier, tokens = asyncio.run(_prepare(prepared))
        if earlier:
            print(f"Continuing with the {earlier} session(s) of earlier runs in {data_dir}.")
        print("\n# The tokens of a host, of a participant and of a visitor, for the lines below")
        for name, token in tokens.items():
            print(f"export {name}={token}")
        stage = Stage(host=arguments.host, port=arguments.port, tokens=tokens)
        _show_main_job(stage)
        show_questions(stage)
        if stand_in is not None:
            stand_in.sends_webhooks_to(stage.address)
            show_room(stage, stand_in)
        _show_drop(stage, _crowd(prepared))
        _say_what_next(stage)
        _say_of_the_room(is_shown=stand_in is not None)
        show_browsers(stage, prepared)
        if not arguments.once:
            print("\nStop it with Ctrl-C. The data is kept.", flush=True)
            server.wait()


@contextmanager
def _server(stage: Stage, settings: Mapping[str, str], *, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environ = {**os.environ, **settings}
    command = [sys.executable, "-m", "greenroom.cli", "serve", "--host", stage.host, "--port", str(stage.port)]
    with log.open("ab") as lines, subprocess.Popen(command, env=environ, stdout=lines, stderr=lines) as server:
        try:
            _await_ready(server, stage, log=log)
            yield server
        finally:
            server.terminate()


def _await_ready(server: "subprocess.Popen[bytes]", stage: Stage, *, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if stage.send(Ask("nobody", "GET", "/readyz")).status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
    raise CommandError(f"The server did not start; {log} says why.")


async def _prepare(prepared: Ready) -> tuple[int, dict[str, str]]:
    """How many sessions earlier runs left, and new tokens."""
    # Not at the top: it imports the metrics library, which reads its directory at import, and `serve` sets that first.
    from greenroom.sessions import service as sessions  # noqa: PLC0415

    db = Database(prepared.database_url, size=1, wait_seconds=5, statement_seconds=10)
    signer = Signer(prepared.settings.secret_keys)
    try:
        tokens = {
            name: await identity.mint(
                db,
                signer,
                user=UserId(user),
                brand=BRAND,
                scope="read:live write:live",
                client=ClientId("demo"),
                lifetime=TOKEN_LIFETIME,
            )
            for name, user in PEOPLE.items()
        }
        return await sessions.count(db, BRAND), tokens
    finally:
        await db.close()


def _show_main_job(stage: Stage) -> None:
    """Schedule, reschedule, enlarge, describe, open, end; and what is refused then."""
    in_a_week = _in_a_week()
    created = stage.show("A host schedules a session", _create(in_a_week))
    path = f"/v1/sessions/{created.body['id']}"
    later: dict[str, object] = {"scheduled_at": wire_time(in_a_week + timedelta(hours=1))}
    moved = stage.show("moves it by an hour", Ask(HOST, "PATCH", path, later))
    more: dict[str, object] = {"max_participants": 250, "metadata": {"room": "blue", "language": "en"}}
    stage.show("gives it more seats, unless somebody has edited it meanwhile", Ask(HOST, "PATCH", path, more, moved.etag))
    stage.show("A participant reads it", Ask(PARTICIPANT, "GET", path))
    stage.show("and may not change it", Ask(PARTICIPANT, "PATCH", path, {"title": "Mine now"}))
    stage.show("The host opens the room", Ask(HOST, "POST", f"{path}/start"))
    stage.show("and ends it", Ask(HOST, "POST", f"{path}/end"))
    stage.show("After that nothing can be changed", Ask(HOST, "PATCH", path, {"title": "Too late"}))


def _show_drop(stage: Stage, crowd: list[Person]) -> None:
    """More people than seats, all at once."""
    session = stage.send(_create(_in_a_week(), seats=SEATS)).body["id"]
    print(f'\n# A drop: {len(crowd)} people press "register" at once for {SEATS} seats')
    Drop(stage.host, stage.port, str(session), crowd).run()


def _crowd(prepared: Ready) -> list[Person]:
    """People with tokens that nobody keeps."""
    signer = Signer(prepared.settings.secret_keys)
    return [
        Person(
            name,
            signer.sign(
                new_grant(
                    user=UserId(name),
                    brand=BRAND,
                    scope="read:live write:live",
                    client=ClientId("demo"),
                    lifetime=CROWD_LIFETIME,
                )
            ),
        )
        for name in (f"person_{number}" for number in range(1, CROWD + 1))
    ]


def _in_a_week() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=7)


def _say_what_next(stage: Stage) -> None:
    """A session that is still open to changes, and where everything is."""
    yours = stage.send(_create(_in_a_week()))
    change = Ask(HOST, "PATCH", f"/v1/sessions/{yours.body['id']}", {"title": "My first change"})
    print(f"""
Greenroom is up at    {stage.address}
The API's page        {stage.address}/docs
A host's token        {stage.tokens[HOST]}
A participant's token {stage.tokens[PARTICIPANT]}

Now you: one more session is scheduled. In another terminal, paste the export lines from above, then:
{stage.curl(change)}

What happens is told as events; this prints those of that session, and then each as it comes:
{sys.argv[0]} events tail --from 1 --session {yours.body["id"]}""")


def _say_of_the_room(*, is_shown: bool) -> None:
    """What to do for a room that is none of a stand-in's."""
    if is_shown:
        print("\nThe room above was carried by a stand-in for a provider of video. Who carries yours: docs/how-to/video.md")
    else:
        print(f"""
The room was not shown at a provider: `make demo` in the repository has a stand-in. For a real one set
{variable("video_provider")} to getstream or livekit (docs/how-to/video.md) and run greenroom serve.""")


def _create(scheduled_at: datetime, *, seats: int = 100) -> Ask:
    return Ask(
        HOST,
        "POST",
        "/v1/sessions",
        {
            "host_id": PEOPLE[HOST],
            "brand_id": BRAND,
            "title": "Ask the physiotherapist",
            "scheduled_at": wire_time(scheduled_at),
            "max_participants": seats,
        },
    )
