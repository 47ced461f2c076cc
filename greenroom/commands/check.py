"""greenroom check."""

import asyncio
from argparse import Namespace

from greenroom.commands.environment import ready, settings_or_exit
from greenroom.commands.errors import CommandError
from greenroom.invariants import service
from greenroom.kit.database import Database
from greenroom.kit.errors import GreenroomError

SECONDS = 600.0  # the invariants read whole tables


def check(_: Namespace) -> int:
    """Print a line per invariant; 1 when one is broken."""
    with ready(settings_or_exit(), migrates=False) as prepared:
        try:
            findings = asyncio.run(_findings(prepared.database_url))
        except GreenroomError as error:
            raise CommandError(error.text) from error
    for finding in findings:
        print(f"{'BROKEN' if finding.broken else 'ok    '}  {finding.promise}")
        for line in finding.examples:
            print(f"          {line}")
    return 1 if any(finding.broken for finding in findings) else 0


async def _findings(url: str) -> list[service.Finding]:
    db = Database(url, size=1, wait_seconds=5, statement_seconds=SECONDS)
    try:
        return await service.check(db)
    finally:
        await db.close()
