"""What an operator is told when the embedded PostgreSQL cannot run."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run; the message is one line for the operator and says what to do."""
