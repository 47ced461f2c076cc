"""greenroom serve."""

import threading
from argparse import Namespace

from greenroom.commands.environment import ready, settings_or_exit
from greenroom.commands.errors import CommandError
from greenroom.kit import serving


def serve(arguments: Namespace) -> int:
    """Serve until stopped."""
    if arguments.workers < 1:
        raise CommandError("--workers: expected 1 or more.")
    settings = settings_or_exit()
    serving.stop_on_sigterm()
    serving.allow_many_connections()
    try:
        bound = serving.listen(arguments.host, arguments.port)
    except serving.ServingError as error:
        raise CommandError(str(error)) from error
    with bound, serving.shared_directory():
        _import_ahead()
        try:
            with ready(settings, migrates=arguments.migrate) as prepared:
                prepared.export()
                address = serving.address_of(bound)
                print(f"Greenroom: {address} (documentation: {address}/docs). Stop with Ctrl-C.", flush=True)
                serving.run(
                    bound,
                    workers=arguments.workers,
                    shutdown_seconds=settings.shutdown_seconds,
                    proxies=settings.trusted_proxies,
                )
        except (KeyboardInterrupt, SystemExit):
            return 0
    return 0


def _import_ahead() -> None:
    """Load the application while the database starts: the two take about as long."""
    threading.Thread(target=__import__, args=("greenroom.app",), daemon=True).start()
