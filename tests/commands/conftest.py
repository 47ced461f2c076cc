"""What the tests of commands share."""

import pytest

from tests.commands.command import Environment
from tests.postgres import TestDatabase
from tests.server import environment_of


@pytest.fixture
def env(database: TestDatabase) -> Environment:
    """The environment of a command on the worker's migrated database."""
    return environment_of(database)
