"""Why a command could not do what it was asked."""


class CommandError(Exception):
    """One line that says what is wrong and what to do."""
