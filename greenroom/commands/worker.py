"""greenroom worker."""

import asyncio
import signal
from argparse import Namespace

import uvloop
from msgspec.structs import replace

from greenroom.commands.environment import ready, settings_or_exit
from greenroom.kit import serving
from greenroom.settings import Settings


def worker(arguments: Namespace) -> int:
    """Tell events and fire timers until stopped."""
    settings = settings_or_exit()
    serving.stop_on_sigterm()
    try:
        with ready(settings, migrates=arguments.migrate) as prepared:
            uvloop.run(_work(replace(prepared.settings, database_url=prepared.database_url)))
    except (KeyboardInterrupt, SystemExit):
        return 0
    return 0


async def _work(settings: Settings) -> None:
    from greenroom.background import background  # noqa: PLC0415  # its metrics must not be made before serve says where
    from greenroom.kit.telemetry import configure_logs  # noqa: PLC0415  # the same

    configure_logs(settings.log_level)
    stopped = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    async with background(settings):
        print("Greenroom worker: telling events, firing timers. Stop with Ctrl-C.", flush=True)
        await stopped.wait()
