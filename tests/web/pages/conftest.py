"""What tests of pages share."""

from collections.abc import Iterator

import pytest

from tests.postgres import TestDatabase
from tests.server import Server, running_server
from tests.web.pages.shown import FRAMING_SITE


@pytest.fixture(scope="session")
def public(database: TestDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that shows pages to anybody, and cards to one site."""
    settings = {"GREENROOM_PUBLIC_PAGES": "on", "GREENROOM_EMBED_ORIGINS": FRAMING_SITE}
    with running_server(database, tmp_path_factory.mktemp("public"), settings=settings) as running:
        yield running
