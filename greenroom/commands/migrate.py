"""greenroom migrate."""

from argparse import Namespace

from greenroom.commands.environment import bring_up_to_date, settings_or_exit


def migrate(_: Namespace) -> int:
    """Apply what is pending and say so."""
    applied = bring_up_to_date(settings_or_exit())
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("Nothing to apply: the database is up to date.")
    return 0
