"""greenroom events."""

import asyncio
import os
import signal
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from msgspec.structs import replace

from greenroom.commands.environment import ready, settings_or_exit
from greenroom.commands.errors import CommandError
from greenroom.kit import serving
from greenroom.kit.errors import GreenroomError
from greenroom.kit.ids import parse_id
from greenroom.settings import Settings

LARGEST_POSITION = 2**63 - 1


def tail(arguments: Namespace) -> int:
    """Print events as they come, a JSON object a line, until stopped."""
    session = None if arguments.session is None else parse_id(arguments.session)
    if arguments.session is not None and session is None:
        raise CommandError("--session: expected a session's id, a UUID.")
    after = None if arguments.first is None else _position(arguments.first) - 1
    serving.stop_on_sigterm()
    try:
        with _prepared() as settings:
            asyncio.run(_print(settings, session=session, after=after))
    except GreenroomError as error:
        raise CommandError(error.text) from error
    except BrokenPipeError:  # `greenroom events tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        return 0
    return 0


def replay(arguments: Namespace) -> int:
    """Let a sink tell again from a position on."""
    first = _position(arguments.first)
    try:
        with _prepared() as settings:
            last = asyncio.run(_replayed(settings, sink=arguments.sink, first=first))
    except GreenroomError as error:
        raise CommandError(error.text) from error
    print(f"{arguments.sink} tells again from position {first}; the last is {last}.")
    return 0


@contextmanager
def _prepared() -> Iterator[Settings]:
    with ready(settings_or_exit(), migrates=False) as prepared:
        yield replace(prepared.settings, database_url=prepared.database_url)


async def _print(settings: Settings, *, session: UUID | None, after: int | None) -> None:
    # These make metrics, which must not be made before serve says where: so they are imported here.
    from greenroom.background import database_of, sign_recordings  # noqa: PLC0415
    from greenroom.events import service  # noqa: PLC0415
    from greenroom.events.envelope import as_line  # noqa: PLC0415
    from greenroom.events.feed import Feed  # noqa: PLC0415
    from greenroom.events.relay import relay  # noqa: PLC0415
    from greenroom.kit.telemetry import configure_logs  # noqa: PLC0415

    configure_logs(settings.log_level)
    _end_when_asked()
    sign_recordings(settings)
    async with database_of(settings) as db:
        feed = Feed(db)
        telling = asyncio.create_task(relay(db, feed))  # so that events come also where nothing else runs
        try:
            async for event in service.follow(feed, after=after):
                if session in (None, event.session_id):
                    print(as_line(event), flush=True)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


def _end_when_asked() -> None:
    """Cancel what runs now on a signal, and when nobody reads any more: `| head` has what it wants before the next event."""
    running = asyncio.current_task()
    if running is None:
        raise AssertionError("this is called in a task")
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, running.cancel)
    out = sys.stdout.fileno()
    if stat.S_ISFIFO(os.fstat(out).st_mode):
        loop.add_reader(out, running.cancel)


async def _replayed(settings: Settings, *, sink: str, first: int) -> int:
    from greenroom.background import database_of  # noqa: PLC0415  # see _print
    from greenroom.events import service  # noqa: PLC0415

    async with database_of(settings) as db:
        try:
            return await service.replay(db, sink=sink, first=first)
        except service.ReplayError as error:
            raise CommandError(str(error)) from error


def _position(number: int) -> int:
    if not 1 <= number <= LARGEST_POSITION:
        raise CommandError("--from: expected a position, 1 or more.")
    return number
